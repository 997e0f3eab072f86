"""The mirror's use case: from a reported result to a kept model. Run twice, or twice at once, it gives one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from functions.mirror.fetch_artifacts import Kept, fetch_artifacts
from functions.mirror.keep_model import keep_model
from functions.mirror.kept_output import kept_output
from functions.mirror.number_version import number_version
from functions.mirror.origin import Origin, origin_of
from functions.mirror.staging import clear_staging
from shared import logs
from shared.errors import (
    ArtifactUnavailable,
    ModelNotFound,
    StorageUnavailable,
    TrainerRejectedInput,
    TrainerUnavailable,
    TrainingFailed,
)
from shared.events import ResultReported
from shared.models import Model, failed_log_name, model_id
from shared.ports import ArtifactSource, Clock, ModelRepository, Objects, RunOutput, Trainer, TrainingRepository
from shared.settings import MirrorSettings
from shared.stages import Status
from shared.training_records import FalJob
from shared.trainings import STOPPED_AT_FAL, Training

# why a training that was given up goes on: somebody who had begun before gets the weights
AFTER_ALL = "fetched after all"


def mirror_artifacts(
    event: ResultReported,
    *,
    trainings: TrainingRepository,
    models: ModelRepository,
    trainer: Trainer,
    source: ArtifactSource,
    bucket: Objects,
    datasets: Objects,
    clock: Clock,
    new_id: Callable[[], str],
    settings: MirrorSettings,
) -> Training:
    """Ask fal.ai for the result, keep verified weights and configuration in `bucket`, write the model, succeed.

    Acts only where the event's nonce and request are this training's. A run that is not done is left to the monitor.
    Raises what makes the training fail (`TrainingFailed`, `ArtifactCorrupt` …) or wait (`ArtifactUnavailable` …).
    """
    training = trainings.get(event.training_id)
    job = _job_of(training, event)
    if job is None:
        mismatch = _mismatch(training, event)
        logs.warning("result_is_not_ours", training_id=training.id, request_id=event.request_id, mismatch=mismatch)
        return training
    logs.info("result_is_ours", training_id=training.id, request_id=job.request_id, reported_by=event.reported_by)
    if (model := _kept_before(training, models)) is None:
        if training.is_terminal:
            return _noted_if_late(training, job, trainings=trainings, trainer=trainer, clock=clock)
        output = _result(training, job, trainings=trainings, trainer=trainer, bucket=bucket, clock=clock)
        if output is None:
            return trainings.get(training.id)
        delivered = kept_output(output.raw)
        training = trainings.update(training.id, lambda t: replace(_mirroring(t, job, clock), delivered=delivered))
        if training.is_terminal:
            return training
        origin = origin_of(training, models=models, datasets=datasets, bucket=bucket)
        kept = fetch_artifacts(training, output, source=source, bucket=bucket, run=new_id(), settings=settings)
        log = _whole_log(training, job, trainer)
        trainings.update(training.id, lambda t: t.with_progress(None, log))
        model = _keep(training, job, kept, origin, log=log, models=models, trainer=trainer, bucket=bucket, clock=clock)
    done = trainings.update(training.id, lambda t: _succeeded(t, model, clock))
    clear_staging(training.id, bucket=bucket, clock=clock, abandoned_s=settings.staging_s)
    return done


def _job_of(training: Training, event: ResultReported) -> FalJob | None:
    """The request to look at: the recorded one, or the reported one where none was recorded and the nonce is ours."""
    if training.fal is not None:
        ours = training.fal.nonce == event.nonce and training.fal.request_id == event.request_id
        return training.fal if ours else None
    if training.claim is None or training.claim.nonce != event.nonce:
        return None
    return FalJob(
        request_id=event.request_id,
        nonce=event.nonce,
        endpoint=training.trainer,
        submitted_at=training.since,
    )


def _mismatch(training: Training, event: ResultReported) -> str:
    """Why a report is not this training's, for the log: `nonce` is another attempt or a stranger's."""
    known = training.fal or training.claim
    if known is None:
        return "never_submitted"
    return "nonce" if known.nonce != event.nonce else "request"


def _noted_if_late(
    training: Training, job: FalJob, *, trainings: TrainingRepository, trainer: Trainer, clock: Clock
) -> Training:
    """A result for a training that was given up while nobody knew: its user is told that the weights exist."""
    if not training.may_still_deliver:
        return training
    try:
        output = trainer.result(job)
    except (TrainingFailed, TrainerRejectedInput):
        return trainings.update(training.id, lambda t: t.unwatched(at=clock.now()))
    if output is None:
        return training
    logs.error("result_came_late", training_id=training.id, request_id=job.request_id)
    return trainings.update(training.id, lambda t: t.with_late_result(job, at=clock.now()))


def _kept_before(training: Training, models: ModelRepository) -> Model | None:
    """The training's model where an earlier delivery recorded it and did not come to its end."""
    if training.status not in (Status.MIRRORING, Status.SUCCEEDED) and not training.is_recoverable:
        return None
    try:
        return models.get(model_id(training.id))
    except ModelNotFound:
        return None


def _result(
    training: Training, job: FalJob, *, trainings: TrainingRepository, trainer: Trainer, bucket: Objects, clock: Clock
) -> RunOutput | None:
    try:
        if (output := trainer.result(job)) is None:
            logs.info("run_not_done", training_id=training.id, request_id=job.request_id)
        return output
    except ArtifactUnavailable as error:
        if training.fal is None:
            # nobody but the caller says that this request is ours, and our own key cannot read it
            logs.warning("result_is_not_readable", training_id=training.id, request_id=job.request_id)
            return None
        logs.warning("run_ended", training_id=training.id, request_id=job.request_id, code=error.code)
        # the run succeeded and was paid: from here on a failure is one of mirroring, which can be recovered
        trainings.update(training.id, lambda t: _mirroring(t, job, clock))
        raise
    except (TrainingFailed, TrainerRejectedInput) as error:
        logs.warning("run_ended", training_id=training.id, request_id=job.request_id, code=error.code)
        # whatever we saw of it, fal.ai had begun: the failure is one of training
        begun = trainings.update(training.id, lambda t: _begun(t, job, clock))
        _keep_failed_log(training, job, trainer=trainer, bucket=bucket)
        if begun.cancel_requested_at is None:
            raise
        # its user wanted it stopped, and that is how it ended
        charged = error.charged
        trainings.update(training.id, lambda t: t.canceled(STOPPED_AT_FAL, at=clock.now(), charged=charged))
        return None


def _begun(training: Training, job: FalJob, clock: Clock) -> Training:
    submitted = training.recorded(job, at=clock.now())
    if submitted.status is not Status.SUBMITTED:
        return training
    return submitted.advance(Status.RUNNING, at=clock.now())


def _mirroring(training: Training, job: FalJob, clock: Clock) -> Training:
    """On the way to a model; where it was given up meanwhile, it rises again or at least tells of the weights."""
    at = clock.now()
    if training.status is Status.FAILED and not training.is_recoverable:
        return training.with_late_result(job, at=at)
    reason = AFTER_ALL if training.is_recoverable else ""
    return training.advance(Status.MIRRORING, at=at, reason=reason, fal=job, cancel_requested_at=None)


def _succeeded(training: Training, model: Model, clock: Clock) -> Training:
    at = clock.now()
    if training.is_recoverable:
        # another delivery gave up on what this one has fetched: that is a recovery
        training = training.advance(Status.MIRRORING, at=at, reason=AFTER_ALL)
    reason = f"{model.name} version {model.version}"
    return training.advance(Status.SUCCEEDED, at=at, reason=reason, model_id=model.id, cost_usd=model.cost_usd)


def _keep(
    training: Training,
    job: FalJob,
    kept: Kept,
    origin: Origin,
    *,
    log: Sequence[str],
    models: ModelRepository,
    trainer: Trainer,
    bucket: Objects,
    clock: Clock,
) -> Model:
    version = number_version(training, models=models, bucket=bucket)
    cost_usd = trainer.cost_usd(job)
    model = keep_model(training, kept, version, origin, log=log, cost_usd=cost_usd, bucket=bucket, at=clock.now())
    if not models.create(model):
        return models.get(model.id)
    logs.info("model_kept", training_id=training.id, model_id=model.id, version=version, bytes=kept.size)
    return model


def _whole_log(training: Training, job: FalJob, trainer: Trainer) -> tuple[str, ...]:
    """fal.ai's log to the end; the tail that was seen where fal.ai does not tell any more: weights matter more."""
    try:
        return trainer.status(job, log=True).log
    except TrainerUnavailable:
        return training.log_tail


def _keep_failed_log(training: Training, job: FalJob, *, trainer: Trainer, bucket: Objects) -> None:
    """Keep what fal.ai said of a run that failed; where that cannot be, the failure is told all the same."""
    lines = "".join(f"{line}\n" for line in _whole_log(training, job, trainer)).encode()
    try:
        bucket.write(failed_log_name(training.id), [lines], content_type="text/plain; charset=utf-8")
    except StorageUnavailable as error:
        logs.warning("failed_log_not_kept", training_id=training.id, reason=error.message)
