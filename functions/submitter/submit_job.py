"""The submitter's use case: claim, pay once, record."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from functions.submitter.fal_input import input_of, kept_input
from shared import logs
from shared.errors import ProductError, SubmissionUncertain, SubmissionUnconfirmed
from shared.events import DatasetPackaged
from shared.ports import Clock, Submission, Trainer, TrainingRepository
from shared.settings import SubmitSettings
from shared.stages import Status
from shared.trainers import trainer as spec_of
from shared.training_records import Claim, FalJob
from shared.trainings import Training


def submit_job(
    event: DatasetPackaged,
    *,
    trainings: TrainingRepository,
    trainer: Trainer,
    clock: Clock,
    owner: str,
    webhook_base: str,
    settings: SubmitSettings,
) -> Training:
    """Send the training to fal.ai where that is due and nobody else does; the training as it then is.

    At most one request per training is ever accepted: only the winner of the claim calls, the call is never repeated
    by itself, and the claim is free again only where fal.ai certainly accepted nothing. `owner` is new per delivery.
    """
    training = trainings.get(event.training_id)
    if not training.awaits_submission or training.dataset is None or training.dataset.nonce != event.nonce:
        logs.info("submission_not_due", training_id=training.id, status=training.status, reason=_why_not(training))
        return training
    now = clock.now()
    lacks_weights = training.continues and event.parent_url is None
    if lacks_weights or event.expires_at - now.timestamp() < settings.archive_url_min_s:
        logs.info("archive_url_ran_out", training_id=training.id)
        return trainings.update(training.id, lambda t: _url_ran_out(t, now))
    claim = Claim(
        owner=owner,
        nonce=event.nonce,
        lease_until=now + timedelta(seconds=settings.claim_lease_s),
        attempt=training.claim.attempt + 1 if training.claim else 1,
    )
    sent = kept_input(training, spec_of(training.trainer))
    training = trainings.update(training.id, lambda t: t.claimed(claim, at=now, sent=sent))
    logs.info("claim_won", training_id=training.id, claim=claim.attempt)
    if clock.now() >= claim.lease_until:
        # this process was held up for so long that others look for its request already: nothing was sent, nothing is
        logs.warning("claim_ran_out", training_id=training.id)
        return trainings.update(training.id, lambda t: t.released(event.nonce, at=clock.now()))
    return _pay(training, event, trainings=trainings, trainer=trainer, clock=clock, webhook_base=webhook_base)


def _why_not(training: Training) -> str:
    """For the log: `in_doubt` is a claim without an answer, which nobody may repeat."""
    if training.awaits_submission:
        return "another_archive"
    return "in_doubt" if training.status is Status.SUBMITTING else "not_awaited"


def _url_ran_out(training: Training, now: datetime) -> Training:
    """Back to be packaged; where the claim was released instead, the monitor has the archive announced anew."""
    if training.status is not Status.PACKAGED:
        return training
    return training.advance(Status.REQUESTED, at=now, reason="the archive's URL ran out")


def _pay(
    training: Training,
    event: DatasetPackaged,
    *,
    trainings: TrainingRepository,
    trainer: Trainer,
    clock: Clock,
    webhook_base: str,
) -> Training:
    submission = submission_of(training, event, webhook_base)
    try:
        job = trainer.submit(submission)
    except SubmissionUncertain as error:
        logs.error("submission_uncertain", training_id=training.id, reason=error.facts["reason"])
        in_doubt = partial(_in_doubt, error=error, clock=clock)
        return trainings.update(training.id, in_doubt)
    except ProductError as error:
        # fal.ai said no or was never reached: nothing was accepted, so the claim may be taken again
        logs.warning("claim_released", training_id=training.id, code=error.code)
        trainings.update(training.id, lambda t: t.released(event.nonce, at=clock.now()))
        raise
    return _record(training, job, trainings=trainings, trainer=trainer, clock=clock)


def submission_of(training: Training, event: DatasetPackaged, webhook_base: str) -> Submission:
    """What is sent: the bare input, and a webhook URL that carries the training's id and the attempt's nonce."""
    spec = spec_of(training.trainer)
    return Submission(
        endpoint=spec.endpoint,
        arguments=input_of(training, spec, event.archive_url, event.parent_url if training.continues else None),
        webhook_url=f"{webhook_base}/{training.id}/{event.nonce}",
        nonce=event.nonce,
    )


def _in_doubt(training: Training, error: SubmissionUncertain, clock: Clock) -> Training:
    if training.status is not Status.SUBMITTING:
        return training
    return training.hindered(SubmissionUnconfirmed(reason=error.facts["reason"]), at=clock.now())


def _record(
    training: Training, job: FalJob, *, trainings: TrainingRepository, trainer: Trainer, clock: Clock
) -> Training:
    try:
        recorded = trainings.update(training.id, lambda t: t.recorded(job, at=clock.now()))
    except ProductError:
        # paid and not recorded: the webhook or the monitor will recognise it by its nonce
        logs.error("submission_not_recorded", training_id=training.id, request_id=job.request_id)
        raise
    logs.info("training_submitted", training_id=training.id, request_id=job.request_id)
    if recorded.status is Status.CANCELED:
        logs.info("cancellation_answered", training_id=training.id, answer=trainer.cancel(job))
    return recorded
