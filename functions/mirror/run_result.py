"""What became of a run, as fal.ai itself tells it."""

from __future__ import annotations

from functions.mirror.moves import begun, mirroring
from shared import logs
from shared.all_jobs import AnyJob, Jobs
from shared.errors import (
    ArtifactUnavailable,
    ProductError,
    StorageUnavailable,
    TrainerRejectedInput,
    TrainingFailed,
)
from shared.jobs import STOPPED_AT_FAL, Job
from shared.models import failed_log_name
from shared.ports import Clock, Objects, RunOutput, Trainer
from shared.training_records import FalJob


def run_result(
    job: Job, request: FalJob, *, jobs: Jobs, trainer: Trainer, bucket: Objects, clock: Clock
) -> RunOutput | None:
    """What fal.ai made; None where it is not done, where it was stopped as its user wanted, or is not ours to read.

    Raises how the run failed (`TrainingFailed`, `TrainerRejectedInput`), or `ArtifactUnavailable`.
    """
    try:
        if (output := trainer.result(request)) is None:
            logs.info("run_not_done", training_id=job.id, request_id=request.request_id)
        return output
    except ArtifactUnavailable as error:
        if job.fal is None:
            # nobody but the caller says that this request is ours, and our own key cannot read it
            logs.warning("result_is_not_readable", training_id=job.id, request_id=request.request_id)
            return None
        logs.warning("run_ended", training_id=job.id, request_id=request.request_id, code=error.code)
        # the run succeeded and was paid: from here on a failure is one of mirroring, which can be recovered
        jobs.update(job.id, lambda t: mirroring(t, request, at=clock.now()))
        raise
    except (TrainingFailed, TrainerRejectedInput) as error:
        logs.warning("run_ended", training_id=job.id, request_id=request.request_id, code=error.code)
        # whatever we saw of it, fal.ai had begun: the failure is one of the run
        now = jobs.update(job.id, lambda j: begun(j, request, at=clock.now()))
        _keep_failed_log(job, request, trainer=trainer, bucket=bucket)
        if now.cancel_requested_at is None:
            raise
        charged = error.charged
        # its user wanted it stopped, and that is how it ended
        jobs.update(job.id, lambda j: j.canceled(STOPPED_AT_FAL, at=clock.now(), charged=charged))
        return None


def noted_if_late(job: AnyJob, request: FalJob, *, jobs: Jobs, trainer: Trainer, clock: Clock) -> AnyJob:
    """A result for a job that was given up while nobody knew: its user is told that there is something."""
    if not job.may_still_deliver:
        return job
    try:
        output = trainer.result(request)
    except (TrainingFailed, TrainerRejectedInput):
        return jobs.update(job.id, lambda t: t.unwatched(at=clock.now()))
    if output is None:
        return job
    logs.error("result_came_late", training_id=job.id, request_id=request.request_id)
    return jobs.update(job.id, lambda t: t.with_late_result(request, at=clock.now()))


def whole_log(job: Job, request: FalJob, trainer: Trainer) -> tuple[str, ...]:
    """fal.ai's log to the end; the tail that was seen where fal.ai does not tell any more: weights matter more."""
    try:
        return trainer.status(request, log=True).log
    except ProductError:
        return job.log_tail


def _keep_failed_log(job: Job, request: FalJob, *, trainer: Trainer, bucket: Objects) -> None:
    """Keep what fal.ai said of a run that failed; where that cannot be, the failure is told all the same."""
    lines = "".join(f"{line}\n" for line in whole_log(job, request, trainer)).encode()
    try:
        bucket.write(failed_log_name(job.id), [lines], content_type="text/plain; charset=utf-8")
    except StorageUnavailable as error:
        logs.warning("failed_log_not_kept", training_id=job.id, reason=error.message)
