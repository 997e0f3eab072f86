"""The mirror's use case: from a reported result to what is kept of it, once, also where it runs twice at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from functions.mirror.fetch_artifacts import Kept, fetch_artifacts
from functions.mirror.keep_images import keep_images
from functions.mirror.keep_model import keep_model
from functions.mirror.kept_output import kept_output
from functions.mirror.number_version import number_version
from functions.mirror.origin import Origin, origin_of
from functions.mirror.staging import clear_staging
from shared import logs
from shared.all_jobs import AnyJob, Jobs
from shared.errors import (
    ArtifactCorrupt,
    ArtifactUnavailable,
    ModelNotFound,
    StorageUnavailable,
    TrainerRejectedInput,
    TrainerUnavailable,
    TrainingFailed,
)
from shared.events import ResultReported
from shared.image_jobs import ImageJob, shortfall
from shared.jobs import STOPPED_AT_FAL, Job
from shared.models import Model, failed_log_name, model_id
from shared.ports import ArtifactSource, Clock, ModelRepository, Objects, RunOutput, Trainer
from shared.settings import MirrorSettings
from shared.stages import Status
from shared.training_records import FalJob
from shared.trainings import Training

# why a job that was given up goes on: somebody who had begun before gets the weights
AFTER_ALL = "fetched after all"


def mirror_artifacts(
    event: ResultReported,
    *,
    jobs: Jobs,
    models: ModelRepository,
    trainer: Trainer,
    source: ArtifactSource,
    bucket: Objects,
    datasets: Objects,
    clock: Clock,
    new_id: Callable[[], str],
    settings: MirrorSettings,
) -> AnyJob:
    """Ask fal.ai for the result, keep what verifies in `bucket` (weights with their model, or pictures), succeed.

    Acts only where the event's nonce and request are this job's. A run that is not done is left to the monitor.
    Raises what makes the job fail (`TrainingFailed`, `ArtifactCorrupt` …) or wait (`ArtifactUnavailable` …).
    """
    job = jobs.get(event.training_id)
    request = _request_of(job, event)
    if request is None:
        mismatch = _mismatch(job, event)
        logs.warning("result_is_not_ours", training_id=job.id, request_id=event.request_id, mismatch=mismatch)
        return job
    logs.info("result_is_ours", training_id=job.id, request_id=request.request_id, reported_by=event.reported_by)
    model = _kept_before(job, models)
    if model is None:
        if job.is_terminal:
            return _noted_if_late(job, request, jobs=jobs, trainer=trainer, clock=clock)
        output = _result(job, request, jobs=jobs, trainer=trainer, bucket=bucket, clock=clock)
        if output is None:
            return jobs.get(job.id)
        delivered = kept_output(output.raw)
        job = jobs.update(job.id, lambda j: replace(_mirroring(j, request, clock), delivered=delivered))
        if job.is_terminal:
            return job
        if isinstance(job, ImageJob):
            pictures = keep_images(job, output, source=source, bucket=bucket, settings=settings)
            cost_usd = trainer.cost_usd(request)
            return jobs.update(job.id, lambda j: _succeeded(j, clock, pictures=pictures, cost_usd=cost_usd))
        origin = origin_of(job, models=models, datasets=datasets, bucket=bucket)
        kept = fetch_artifacts(job, output, source=source, bucket=bucket, run=new_id(), settings=settings)
        log = _whole_log(job, request, trainer)
        jobs.update(job.id, lambda j: j.with_progress(None, log))
        model = _keep(job, request, kept, origin, log=log, models=models, trainer=trainer, bucket=bucket, clock=clock)
    made = model
    done = jobs.update(
        job.id, lambda j: _succeeded(j, clock, model_id=made.id, cost_usd=made.cost_usd, reason=_name(made))
    )
    clear_staging(job.id, bucket=bucket, clock=clock, abandoned_s=settings.staging_s)
    return done


def _name(model: Model) -> str:
    return f"{model.name} version {model.version}"


def _request_of(job: Job, event: ResultReported) -> FalJob | None:
    """The request to look at: the recorded one, or the reported one where none was recorded and the nonce is ours."""
    if job.fal is not None:
        ours = job.fal.nonce == event.nonce and job.fal.request_id == event.request_id
        return job.fal if ours else None
    if job.claim is None or job.claim.nonce != event.nonce:
        return None
    return FalJob(
        request_id=event.request_id,
        nonce=event.nonce,
        endpoint=job.endpoint,
        submitted_at=job.since,
    )


def _mismatch(job: Job, event: ResultReported) -> str:
    """Why a report is not this job's, for the log: `nonce` is another attempt or a stranger's."""
    known = job.fal or job.claim
    if known is None:
        return "never_submitted"
    return "nonce" if known.nonce != event.nonce else "request"


def _noted_if_late(job: AnyJob, request: FalJob, *, jobs: Jobs, trainer: Trainer, clock: Clock) -> AnyJob:
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


def _kept_before(job: AnyJob, models: ModelRepository) -> Model | None:
    """The training's model where an earlier delivery recorded it and did not come to its end."""
    if isinstance(job, ImageJob):
        return None
    if job.status not in (Status.MIRRORING, Status.SUCCEEDED) and not job.is_recoverable:
        return None
    try:
        return models.get(model_id(job.id))
    except ModelNotFound:
        return None


def _result(
    job: Job, request: FalJob, *, jobs: Jobs, trainer: Trainer, bucket: Objects, clock: Clock
) -> RunOutput | None:
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
        jobs.update(job.id, lambda t: _mirroring(t, request, clock))
        raise
    except (TrainingFailed, TrainerRejectedInput) as error:
        logs.warning("run_ended", training_id=job.id, request_id=request.request_id, code=error.code)
        # whatever we saw of it, fal.ai had begun: the failure is one of job
        begun = jobs.update(job.id, lambda j: _begun(j, request, clock))
        _keep_failed_log(job, request, trainer=trainer, bucket=bucket)
        if begun.cancel_requested_at is None:
            raise
        # its user wanted it stopped, and that is how it ended
        charged = error.charged
        jobs.update(job.id, lambda j: j.canceled(STOPPED_AT_FAL, at=clock.now(), charged=charged))
        return None


def _begun(job: Job, request: FalJob, clock: Clock) -> Job:
    submitted = job.recorded(request, at=clock.now())
    if submitted.status is not Status.SUBMITTED:
        return job
    return submitted.advance(Status.RUNNING, at=clock.now())


def _mirroring(job: AnyJob, request: FalJob, clock: Clock) -> AnyJob:
    """On the way to what is kept; where it was given up meanwhile, it rises again or at least tells of it.

    Not where another mirror has found it corrupt since: that is fetched again when somebody asks.
    """
    at = clock.now()
    if job.status is Status.FAILED and not job.is_recoverable:
        return job.with_late_result(request, at=at)
    if job.error is not None and job.error.code == ArtifactCorrupt.code:
        return job
    reason = AFTER_ALL if job.is_recoverable else ""
    return job.advance(Status.MIRRORING, at=at, reason=reason, fal=request, cancel_requested_at=None)


def _succeeded(job: AnyJob, clock: Clock, *, reason: str = "", **made: Any) -> AnyJob:
    at = clock.now()
    if job.is_recoverable:
        # another delivery gave up on what this one has fetched: that is a recovery
        job = job.advance(Status.MIRRORING, at=at, reason=AFTER_ALL)
    if isinstance(job, ImageJob):
        kept = len(made["pictures"])
        reason = f"pictures: {shortfall(kept, job.count) or kept}"
    return job.advance(Status.SUCCEEDED, at=at, reason=reason, **made)


def _keep(
    job: Training,
    request: FalJob,
    kept: Kept,
    origin: Origin,
    *,
    log: Sequence[str],
    models: ModelRepository,
    trainer: Trainer,
    bucket: Objects,
    clock: Clock,
) -> Model:
    version = number_version(job, models=models, bucket=bucket)
    cost_usd = trainer.cost_usd(request)
    model = keep_model(job, kept, version, origin, log=log, cost_usd=cost_usd, bucket=bucket, at=clock.now())
    if not models.create(model):
        return models.get(model.id)
    logs.info("model_kept", training_id=job.id, model_id=model.id, version=version, bytes=kept.size)
    return model


def _whole_log(job: Job, request: FalJob, trainer: Trainer) -> tuple[str, ...]:
    """fal.ai's log to the end; the tail that was seen where fal.ai does not tell any more: weights matter more."""
    try:
        return trainer.status(request, log=True).log
    except TrainerUnavailable:
        return job.log_tail


def _keep_failed_log(job: Job, request: FalJob, *, trainer: Trainer, bucket: Objects) -> None:
    """Keep what fal.ai said of a run that failed; where that cannot be, the failure is told all the same."""
    lines = "".join(f"{line}\n" for line in _whole_log(job, request, trainer)).encode()
    try:
        bucket.write(failed_log_name(job.id), [lines], content_type="text/plain; charset=utf-8")
    except StorageUnavailable as error:
        logs.warning("failed_log_not_kept", training_id=job.id, reason=error.message)
