"""The use cases behind "Cancel", "Retry" and "Check now". They tell the truth about what they can still do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from functions.api.retry_job import retry_job
from functions.api.start_training import TrainingDesk, Wish, start_training
from shared import logs
from shared.all_jobs import AnyJob, Jobs
from shared.announcing import announce
from shared.events import CheckRequested
from shared.jobs import Job, Kind
from shared.ports import Clock, Publisher
from shared.stages import Status
from shared.trainers import trainer as spec_of
from shared.trainings import Training


class CancelOutcome(StrEnum):
    """What a cancellation came to."""

    CANCELED = "canceled"
    ASKED = "asked"
    TOO_LATE = "too_late"


CANCEL_SENTENCES = {
    CancelOutcome.CANCELED: "The {noun} is canceled. Nothing was sent to fal.ai and nothing was charged.",
    CancelOutcome.ASKED: "fal.ai is asked to stop the {noun}. It may still bill what it did.",
    CancelOutcome.TOO_LATE: "It is too late to cancel: {what}.",
}


@dataclass(frozen=True, kw_only=True)
class Cancellation:
    """The outcome, its sentence, and the job as it now is."""

    outcome: CancelOutcome
    message: str
    job: AnyJob


def cancel_job(job: AnyJob, *, jobs: Jobs, publisher: Publisher, clock: Clock) -> Cancellation:
    """Cancel what has not been sent to fal.ai; have fal.ai asked where it has; say so where it is too late."""
    if job.is_terminal or job.status is Status.MIRRORING:
        return _too_late(job)
    now = jobs.update(job.id, lambda j: _canceled(j, clock.now()))
    if now.status is Status.CANCELED:
        # the packager finishes what has ended: it deletes the ZIP, settles and announces
        announce(now, publisher)
        return _cancellation(CancelOutcome.CANCELED, now)
    if now.cancel_requested_at is None:
        return _too_late(now)
    publisher.publish(CheckRequested(training_id=now.id))
    return _cancellation(CancelOutcome.ASKED, now)


def _canceled(job: Job, at: datetime) -> Job:
    if job.is_unsent:
        return job.canceled("before anything was sent to fal.ai", at=at, charged=False)
    if job.is_terminal or job.status is Status.MIRRORING or job.cancel_requested_at:
        return job
    return replace(job, cancel_requested_at=at, updated_at=at)


def _too_late(job: AnyJob) -> Cancellation:
    verb = "was" if job.status is Status.CANCELED else "has"
    ended = f"it {verb} {job.status} already"
    what = ended if job.is_terminal else f"fal.ai has finished it, and its {_MADE[job.kind]} are being fetched"
    return _cancellation(CancelOutcome.TOO_LATE, job, what=what)


_MADE = {Kind.TRAINING: "weights", Kind.IMAGES: "pictures"}


def _cancellation(outcome: CancelOutcome, job: AnyJob, **facts: str) -> Cancellation:
    logs.info("cancellation_decided", training_id=job.id, outcome=outcome)
    message = CANCEL_SENTENCES[outcome].format_map({"noun": job.noun, **facts})
    return Cancellation(outcome=outcome, message=message, job=job)


def retry_training(training: Training, desk: TrainingDesk) -> Training:
    """Paid weights are fetched again, without paying; anything else that failed is a new training, as `retry_job`."""
    return retry_job(training, desk, lambda key: start_training(training.owner_id, key, _again(training), desk))


def _again(training: Training) -> Wish:
    """The same as this training, whatever else was ordered since."""
    # every parameter is given, so the preset is a word only, and one that is offered no more is none
    offered = training.preset in spec_of(training.trainer).presets
    return Wish(
        shoot_id=training.shoot_id,
        trigger_word=training.trigger_word,
        model_name=training.model_name,
        trainer=training.trainer,
        parameters=training.parameters,
        preset=training.preset if offered else None,
        captions=training.captions,
        without=training.without,
        parent_model_id=training.parent_model_id,
        continues=training.continues,
        inherited={*training.captions, *training.without},
        force=True,
        predecessor_id=training.id,
        samples=training.samples,
    )
