"""What "Retry" does to a job of either kind: what is paid for is fetched again, anything else is begun anew, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import cast

from shared import logs
from shared.errors import Conflict, JobNotFound
from shared.events import CheckRequested
from shared.jobs import Job, derived_key
from shared.orders import Desk, J
from shared.stages import Status


def retry_job(job: J, desk: Desk, begin: Callable[[str], J]) -> J:
    """What was paid for is fetched again, without paying; else the job's successor, which `begin` starts under a key.

    Pressing twice is pressing once: what is being fetched again, or was, is answered as it is; while the successor is
    there, it is always the same; once it was deleted, the next press begins another. `Conflict` where there is nothing
    to retry.
    """
    if job.is_recoverable or job.was_taken_up:
        return _recovered(job, desk)
    if job.status not in (Status.FAILED, Status.CANCELED):
        raise Conflict(
            reason=f"this {job.noun} has status {job.status}, and only what failed or was canceled can be retried"
        )
    successor = _successor(job, desk)
    if successor is None:
        successor = _begun(job, desk, begin)
        _note(job, successor.id, desk)
    logs.info("training_retried", training_id=job.id, successor_id=successor.id)
    return successor


def _recovered(job: J, desk: Desk) -> J:
    at = desk.clock.now()
    recovered = desk.jobs.update(job.id, lambda j: _taken_up(j, at))
    if recovered.status is Status.MIRRORING:
        logs.info("training_recovered", training_id=job.id)
        # also again: the press before may have died in between
        desk.publisher.publish(CheckRequested(training_id=job.id))
    return cast("J", recovered)


def _taken_up(job: Job, at: datetime) -> Job:
    return job if job.was_taken_up else job.advance(Status.MIRRORING, at=at, reason="recovered")


def _successor(job: J, desk: Desk) -> J | None:
    return cast("J | None", desk.jobs.find(job.successor_id)) if job.successor_id else None


def _begun(job: J, desk: Desk, begin: Callable[[str], J]) -> J:
    """The job that this press stands for. A copy of it that was held up has an earlier key, whose job was deleted: it
    begins nothing. Where nobody had noted that job, because the process died before, it is noted now."""
    try:
        return begin(derived_key("retry", job.id, *filter(None, [job.successor_id])))
    except Conflict as error:
        if (deleted_id := error.facts.get("deleted_id")) is None:
            raise
        _note(job, deleted_id, desk)
        raise Conflict(
            reason="what this had begun was made and then deleted: retry once more to begin it anew"
        ) from error


def _note(job: J, successor_id: str, desk: Desk) -> None:
    """Note it where nobody noted another one meanwhile; what is deleted this moment needs no such note."""
    try:
        desk.jobs.update(
            job.id, lambda j: replace(j, successor_id=successor_id) if j.successor_id == job.successor_id else j
        )
    except JobNotFound:
        return
