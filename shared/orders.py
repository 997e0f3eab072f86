"""How a press becomes a job, of either kind: money is set aside, the job recorded once, and announced.

A press that comes again gets the job that it began, as it is by then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from shared import logs
from shared.accounts import Limits
from shared.all_jobs import Jobs
from shared.announcing import announce
from shared.errors import Conflict, ProductError
from shared.image_jobs import ImageJob
from shared.ports import AccountRepository, Clock, Publisher
from shared.reservations import reserve, undo_if_too_late
from shared.stages import Attention
from shared.trainings import Training

J = TypeVar("J", Training, ImageJob)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The ports of asking for a job, and what its user may spend and run at once."""

    jobs: Jobs
    accounts: AccountRepository
    publisher: Publisher
    clock: Clock
    limits: Limits


def request_hash(wanted: Mapping[str, Any]) -> str:
    """What tells one request from another under the same key: a sha256 over all that is wanted."""
    return hashlib.sha256(json.dumps(wanted, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else sorted(value)


def known(job: J, desk: Desk) -> J | None:
    """The job that the press for `job` began before, as it is now; None where it began none.

    `Conflict` where its key stood for another request.
    """
    before = cast("J | None", desk.jobs.find(job.id))
    return None if before is None else the_same(before, job)


def the_same(before: J, job: J) -> J:
    """`before`, which has the key of `job`; `Conflict` where that stood for another request."""
    if before.idempotency_hash != job.idempotency_hash:
        raise Conflict(reason=f"this Idempotency-Key was used for another {job.noun}: take a new key")
    return before


def begin(job: J, desk: Desk, refusal: Callable[[], ProductError | None] = lambda: None) -> J:
    """`job`, recorded and announced now; or what another copy of its press recorded meanwhile, as it is.

    What `refusal` gives once the money is set aside is raised, and the money freed again. Otherwise as `reserve` and
    `undo_if_too_late`. When announcing fails the job is recorded all the same: the monitor announces it.
    """
    reserve(job, accounts=desk.accounts, jobs=desk.jobs, limits=desk.limits)
    if (why_not := refusal()) is not None:
        if (before := known(job, desk)) is not None:
            return before
        _free(job, desk)
        raise why_not
    if not desk.jobs.create(job):
        return _faster(job, desk)
    undo_if_too_late(job, accounts=desk.accounts, jobs=desk.jobs, at=desk.clock.now())
    _log(job)
    announce(job, desk.publisher)
    return job


def _faster(job: J, desk: Desk) -> J:
    """The job that the same press recorded meanwhile; where it has ended since, nothing stays set aside for it."""
    before = known(job, desk)
    if before is None or before.attention is not Attention.FOLLOWED:
        _free(job, desk)
    if before is None:
        raise Conflict(reason=f"this {job.noun} was deleted this moment: to have it, ask with a new key")
    return before


def _free(job: Training | ImageJob, desk: Desk) -> None:
    desk.accounts.update(job.owner_id, lambda account: account.released({job.id}))


def _log(job: Training | ImageJob) -> None:
    if isinstance(job, ImageJob):
        logs.info("images_requested", training_id=job.id, model_id=job.model_id, images=job.count, origin=job.origin)
        return
    quoted_usd = job.quote.price_usd if job.quote else None
    logs.info("training_requested", training_id=job.id, shoot_id=job.shoot_id, quoted_usd=quoted_usd)
