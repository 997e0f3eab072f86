"""Setting money aside for a job, within what its user may spend and run at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.accounts import Limits
from shared.all_jobs import Jobs
from shared.errors import BudgetExceeded, JobNotFound, TooManyImageJobs, TooManyTrainings
from shared.jobs import Job
from shared.ports import AccountRepository
from shared.stages import Attention

# Between setting aside and recording lie milliseconds; what is older than this was never recorded.
GRACE = timedelta(minutes=10)


def reserve(job: Job, *, accounts: AccountRepository, jobs: Jobs, limits: Limits) -> None:
    """Set the job's quote aside; nothing where that was done before. `TooManyTrainings`, `TooManyImageJobs`,
    `BudgetExceeded`.

    Before it refuses, money is freed that is set aside for nothing: the process died before the job was recorded.
    """
    try:
        _set_aside(job, accounts, limits)
    except (TooManyTrainings, TooManyImageJobs, BudgetExceeded):
        if not free_unused(job.owner_id, accounts=accounts, jobs=jobs, at=job.created_at):
            raise
        _set_aside(job, accounts, limits)


def _set_aside(job: Job, accounts: AccountRepository, limits: Limits) -> None:
    usd = job.quote.total_usd if job.quote else None
    at, kind = job.created_at, job.kind
    accounts.update(job.owner_id, lambda account: account.reserve(job.id, usd, limits=limits, at=at, kind=kind))


def free_unused(owner_id: str, *, accounts: AccountRepository, jobs: Jobs, at: datetime) -> bool:
    """Free what the owner has had set aside for a while for jobs that never were; whether there was any."""
    account = accounts.get(owner_id)
    old = [name for name, held in account.reservations.items() if at - held.at > GRACE]
    unused = frozenset(name for name in old if not _is_under_way(name, jobs))
    if unused:
        accounts.update(owner_id, lambda account: account.released(unused))
    return bool(unused)


def _is_under_way(job_id: str, jobs: Jobs) -> bool:
    try:
        return jobs.get(job_id).attention is Attention.FOLLOWED
    except JobNotFound:
        return False
