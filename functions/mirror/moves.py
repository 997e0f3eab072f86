"""How a job moves while its result is fetched, also where another delivery was faster or gave it up. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from shared.all_jobs import AnyJob
from shared.errors import ArtifactCorrupt
from shared.image_jobs import ImageJob, shortfall
from shared.jobs import Job
from shared.stages import Status
from shared.training_records import FalJob

# why a job that was given up goes on: somebody who had begun before gets the weights
AFTER_ALL = "fetched after all"


def begun(job: Job, request: FalJob, *, at: datetime) -> Job:
    """The job with its run under way, whatever we saw of it; itself where it is further, or has ended."""
    submitted = job.recorded(request, at=at)
    if submitted.status is not Status.SUBMITTED:
        return job
    return submitted.advance(Status.RUNNING, at=at)


def mirroring(job: AnyJob, request: FalJob, *, at: datetime) -> AnyJob:
    """On the way to what is kept; where it was given up meanwhile, it rises again or at least tells of it.

    Not where another mirror has found it corrupt since: that is fetched again when somebody asks.
    """
    if job.status is Status.FAILED and not job.is_recoverable:
        return job.with_late_result(request, at=at)
    if job.error is not None and job.error.code == ArtifactCorrupt.code:
        return job
    reason = AFTER_ALL if job.is_recoverable else ""
    return job.advance(Status.MIRRORING, at=at, reason=reason, fal=request, cancel_requested_at=None)


def succeeded(job: AnyJob, *, at: datetime, reason: str = "", **made: Any) -> AnyJob:
    """The job with what was `made` of it."""
    if job.is_recoverable:
        # another delivery gave up on what this one has fetched: that is a recovery
        job = job.advance(Status.MIRRORING, at=at, reason=AFTER_ALL)
    if isinstance(job, ImageJob):
        kept = len(made["pictures"])
        reason = f"pictures: {shortfall(kept, job.count) or kept}"
    return job.advance(Status.SUCCEEDED, at=at, reason=reason, **made)
