"""Jobs that were given up while nobody knew what fal.ai makes of them: paid weights are not forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared import logs
from shared.all_jobs import Jobs
from shared.events import ResultReported
from shared.jobs import Job
from shared.ports import Publisher, RunState, Trainer
from shared.settings import MonitorSettings
from shared.stages import Attention
from shared.training_records import FalJob


def look_back(
    job: Job,
    *,
    jobs: Jobs,
    trainer: Trainer,
    publisher: Publisher,
    settings: MonitorSettings,
    now: datetime,
) -> None:
    """Ask fal.ai about a given up job; a run that ended is reported, and the mirror tells its user.

    After `watch_s` nobody asks any more. Raises `ProductError` where something does not answer; it is that job's
    turn again after the interval all the same.
    """
    if (now - job.since).total_seconds() > settings.watch_s:
        logs.warning("training_no_longer_watched", training_id=job.id)
        jobs.update(job.id, lambda t: t.unwatched(at=now))
        return
    jobs.update(job.id, lambda t: _looked_at(t, now))
    request = job.fal or _found(job, trainer)
    if request is not None and trainer.status(request, log=False).state is RunState.COMPLETED:
        logs.info("late_result_found", training_id=job.id, request_id=request.request_id)
        publisher.publish(
            ResultReported(
                training_id=job.id, nonce=request.nonce, request_id=request.request_id, reported_by="monitor"
            )
        )


def _looked_at(job: Job, now: datetime) -> Job:
    return replace(job, updated_at=now) if job.attention is Attention.WATCHED else job


def _found(job: Job, trainer: Trainer) -> FalJob | None:
    if job.claim is None:
        return None
    return trainer.find(job.endpoint, job.claim.nonce, since=job.created_at)
