"""Setting money aside for a job, within what its user may spend and run at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from shared.accounts import Account, Limits
from shared.all_jobs import Jobs
from shared.errors import AlreadyTraining, BudgetExceeded, Conflict, TooManyImageJobs, TooManyTrainings
from shared.image_jobs import ImageJob
from shared.jobs import Job, Kind
from shared.ports import AccountRepository
from shared.stages import Attention
from shared.trainings import Training

# Between setting aside and recording lie milliseconds; what is older than this was never recorded.
GRACE = timedelta(minutes=10)
# No job is made, ends and is deleted within that time.
HELD_UP = timedelta(seconds=10)
TOO_LATE = "it came too late"
ANEW = "to have it, ask with a new key"


def reserve(job: Job, *, accounts: AccountRepository, jobs: Jobs, limits: Limits) -> None:
    """Set the job's quote aside; nothing where that was done before. `AlreadyTraining` where the same recipe is under
    way and this one is not forced; `TooManyTrainings`, `TooManyImageJobs`, `BudgetExceeded`; `Conflict` where the job
    ended today or yesterday and is not there any more: it was erased, and a late copy of its press begins nothing.

    Before it refuses, money is freed that is set aside for nothing: the process died before the job was recorded.
    """
    at, kind = job.created_at, job.kind
    recipe, forced = (job.recipe, job.forced) if isinstance(job, Training) else ("", False)

    def set_aside(account: Account) -> Account:
        return account.reserve(job.id, _price(job), limits=limits, at=at, kind=kind, recipe=recipe, forced=forced)

    _set_aside([job], set_aside, accounts, jobs)


def reserve_all(wanted: Sequence[ImageJob], *, accounts: AccountRepository, jobs: Jobs, limits: Limits) -> None:
    """As `reserve` for one owner's sets of pictures together: all or none."""
    prices, at = {job.id: _price(job) for job in wanted}, wanted[0].created_at

    def set_aside(account: Account) -> Account:
        return account.reserve_all(prices, limits=limits, at=at, kind=Kind.IMAGES)

    _set_aside(wanted, set_aside, accounts, jobs)


def _price(job: Job) -> float | None:
    return job.quote.total_usd if job.quote else None


def _set_aside(
    wanted: Sequence[Job], change: Callable[[Account], Account], accounts: AccountRepository, jobs: Jobs
) -> None:
    owner_id, at = wanted[0].owner_id, wanted[0].created_at
    try:
        account = accounts.update(owner_id, change)
    except (AlreadyTraining, TooManyTrainings, TooManyImageJobs, BudgetExceeded):
        if not free_unused(owner_id, accounts=accounts, jobs=jobs, at=at):
            raise
        account = accounts.update(owner_id, change)
    for job in wanted:
        if account.has_settled(job.id) and jobs.find(job.id) is None:
            raise _erased(job)


def undo_if_too_late(job: Job, *, accounts: AccountRepository, jobs: Jobs, at: datetime) -> None:
    """Cancel the job that was recorded just now, and raise `Conflict`, where that came too late: while this copy of the
    press was held up behind `reserve`, another one had it made, and its owner deleted it; or its money was freed.
    """
    if at - job.created_at < HELD_UP:
        return
    account = accounts.get(job.owner_id)
    if job.id in account.reservations:
        return
    jobs.update(job.id, lambda now: now.canceled(TOO_LATE, at=at, charged=False) if now.is_unsent else now)
    raise _erased(job) if account.has_settled(job.id) else Conflict(reason=f"it took too long to begin: {ANEW}")


def _erased(job: Job) -> Conflict:
    return Conflict(reason=f"this {job.noun} was made and then deleted: {ANEW}", deleted_id=job.id)


def free_unused(owner_id: str, *, accounts: AccountRepository, jobs: Jobs, at: datetime) -> bool:
    """Free what the owner has had set aside for a while for jobs that never were; whether there was any."""
    account = accounts.get(owner_id)
    old = [name for name, held in account.reservations.items() if at - held.at > GRACE]
    unused = frozenset(name for name in old if not _is_under_way(name, jobs))
    if unused:
        accounts.update(owner_id, lambda account: account.released(unused))
    return bool(unused)


def _is_under_way(job_id: str, jobs: Jobs) -> bool:
    job = jobs.find(job_id)
    return job is not None and job.attention is Attention.FOLLOWED
