"""The mirror's use case: from a reported result to what is kept of it, once, also where it runs twice at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from functions.mirror.fetch_artifacts import fetch_artifacts
from functions.mirror.keep_images import keep_images
from functions.mirror.keep_model import keep_model
from functions.mirror.kept_output import kept_output
from functions.mirror.moves import mirroring, succeeded
from functions.mirror.number_version import number_version
from functions.mirror.origin import origin_of
from functions.mirror.run_result import noted_if_late, run_result, whole_log
from functions.mirror.staging import clear_staging
from functions.mirror.whose_result import mismatch, request_of
from shared import logs
from shared.all_jobs import AnyJob, Jobs
from shared.errors import ModelNotFound
from shared.events import ResultReported
from shared.image_jobs import ImageJob
from shared.models import Model, model_id
from shared.ports import ArtifactSource, Clock, ModelRepository, Objects, RunOutput, Trainer
from shared.settings import MirrorSettings
from shared.stages import Status
from shared.training_records import FalJob
from shared.trainings import Training


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """The ports of mirroring. What verifies is kept in `bucket`; `datasets` has what the ZIP was made of."""

    jobs: Jobs
    models: ModelRepository
    trainer: Trainer
    source: ArtifactSource
    bucket: Objects
    datasets: Objects
    clock: Clock
    new_id: Callable[[], str]
    settings: MirrorSettings


def mirror_artifacts(event: ResultReported, mirror: Mirror) -> AnyJob:
    """Ask fal.ai for the result, keep what verifies of it (weights with their model, or pictures), succeed.

    Acts only where the event's nonce and request are this job's. A run that is not done is left to the monitor.
    Raises what makes the job fail (`TrainingFailed`, `ArtifactCorrupt` …) or wait (`ArtifactUnavailable` …).
    """
    jobs, trainer, clock = mirror.jobs, mirror.trainer, mirror.clock
    job = jobs.get(event.training_id)
    request = request_of(job, event)
    if request is None:
        why = mismatch(job, event)
        logs.warning("result_is_not_ours", training_id=job.id, request_id=event.request_id, mismatch=why)
        return job
    logs.info("result_is_ours", training_id=job.id, request_id=request.request_id, reported_by=event.reported_by)
    if (model := _kept_before(job, mirror.models)) is not None:
        return _succeeded_with(model, job, mirror)
    if job.is_terminal:
        return noted_if_late(job, request, jobs=jobs, trainer=trainer, clock=clock)
    output = run_result(job, request, jobs=jobs, trainer=trainer, bucket=mirror.bucket, clock=clock)
    if output is None:
        return jobs.get(job.id)
    delivered = kept_output(output.raw)
    log = job.log_tail if isinstance(job, ImageJob) else whole_log(job, request, trainer)
    # with the log to its end, so that whoever watches reads it before she reads that the run is over
    job = jobs.update(
        job.id, lambda j: replace(mirroring(j, request, at=clock.now()), delivered=delivered).with_progress(None, log)
    )
    if job.is_terminal:
        return job
    if isinstance(job, ImageJob):
        return _succeeded_with_pictures(job, request, output, mirror)
    return _succeeded_with(_kept_model(job, request, output, log, mirror), job, mirror)


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


def _succeeded_with_pictures(job: ImageJob, request: FalJob, output: RunOutput, mirror: Mirror) -> AnyJob:
    pictures = keep_images(job, output, source=mirror.source, bucket=mirror.bucket, settings=mirror.settings)
    cost_usd, at = mirror.trainer.cost_usd(request), mirror.clock.now()
    return mirror.jobs.update(job.id, lambda j: succeeded(j, at=at, pictures=pictures, cost_usd=cost_usd))


def _kept_model(job: Training, request: FalJob, output: RunOutput, log: tuple[str, ...], mirror: Mirror) -> Model:
    """The model of what fal.ai made, recorded by this delivery, or by another one that was faster."""
    models, bucket = mirror.models, mirror.bucket
    origin = origin_of(job, models=models, datasets=mirror.datasets, bucket=bucket)
    run = mirror.new_id()
    kept = fetch_artifacts(job, output, source=mirror.source, bucket=bucket, run=run, settings=mirror.settings)
    if (made := mirror.jobs.get(job.id).model_id) is not None:
        # another delivery was faster: a model that was deleted since does not come back
        return models.get(made)
    version = number_version(job, models=models, bucket=bucket)
    cost_usd, at = mirror.trainer.cost_usd(request), mirror.clock.now()
    model = keep_model(job, kept, version, origin, log=log, cost_usd=cost_usd, bucket=bucket, at=at)
    if not models.create(model):
        return models.get(model.id)
    logs.info("model_kept", training_id=job.id, model_id=model.id, version=version, bytes=kept.size)
    return model


def _succeeded_with(model: Model, job: AnyJob, mirror: Mirror) -> AnyJob:
    """The training with its model, and nothing staged any more."""
    name, made = f"{model.name} version {model.version}", {"model_id": model.id, "cost_usd": model.cost_usd}
    done = mirror.jobs.update(job.id, lambda j: succeeded(j, at=mirror.clock.now(), reason=name, **made))
    clear_staging(job.id, bucket=mirror.bucket, clock=mirror.clock, abandoned_s=mirror.settings.staging_s)
    return done
