"""The submitter's use case: claim, pay once, record."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

from functions.submitter.fal_input import fields_of, kept_input, links_of
from shared import logs
from shared.all_jobs import AnyJob, Jobs
from shared.errors import ProductError, SubmissionUncertain, SubmissionUnconfirmed
from shared.events import DatasetPackaged, ImagesPrepared
from shared.jobs import Job
from shared.ports import Clock, ModelRepository, Submission, Trainer
from shared.settings import SubmitSettings
from shared.stages import Status
from shared.training_records import Claim, FalJob
from shared.trainings import Training
from shared.usable_models import refuse_without_model

Prepared: TypeAlias = DatasetPackaged | ImagesPrepared


def submit_job(
    event: Prepared,
    *,
    jobs: Jobs,
    models: ModelRepository,
    trainer: Trainer,
    clock: Clock,
    owner: str,
    webhook_base: str,
    settings: SubmitSettings,
) -> AnyJob:
    """Send the job to fal.ai where that is due and nobody else does; the job as it then is.

    At most one request per job is ever accepted: only the winner of the claim calls, the call is never repeated
    by itself, and the claim is free again only where fal.ai certainly accepted nothing. `owner` is new per delivery.
    `ModelErased`, before anything is paid, where the model that is needed is being deleted.
    """
    job = jobs.get(event.training_id)
    if not job.awaits_submission or job.prepared_nonce != event.nonce:
        logs.info("submission_not_due", training_id=job.id, status=job.status, reason=_why_not(job))
        return job
    now = clock.now()
    if _lacks_weights(job, event) or event.expires_at - now.timestamp() < settings.archive_url_min_s:
        logs.info("archive_url_ran_out", training_id=job.id)
        return jobs.update(job.id, lambda t: _url_ran_out(t, event.nonce, now))
    job = _claimed(job, event.nonce, jobs=jobs, owner=owner, lease_s=settings.claim_lease_s, now=now)
    _look_at_model(job, jobs=jobs, models=models, clock=clock)
    if _ran_out(job, clock):
        # this process was held up for so long that others look for its request already: nothing was sent, nothing is
        logs.warning("claim_ran_out", training_id=job.id)
        return _released(job, jobs=jobs, clock=clock)
    return _pay(job, event, jobs=jobs, trainer=trainer, clock=clock, webhook_base=webhook_base)


def _lacks_weights(job: AnyJob, event: Prepared) -> bool:
    """Whether the job continues from weights that the event does not have."""
    return (
        isinstance(event, DatasetPackaged) and isinstance(job, Training) and job.continues and event.parent_url is None
    )


def _why_not(job: Job) -> str:
    """For the log: `in_doubt` is a claim without an answer, which nobody may repeat."""
    if job.awaits_submission:
        return "another_archive"
    return "in_doubt" if job.status is Status.SUBMITTING else "not_awaited"


def _url_ran_out(job: Job, nonce: str, now: datetime) -> Job:
    """Back to be prepared, unless it was; where the claim was released instead, the monitor has it announced anew."""
    if job.status is not Status.PACKAGED or job.prepared_nonce != nonce:
        return job
    return job.advance(Status.REQUESTED, at=now, reason="what was signed ran out")


def _claimed(job: AnyJob, nonce: str, *, jobs: Jobs, owner: str, lease_s: float, now: datetime) -> AnyJob:
    """The job with its claim, which `owner` has won; `Conflict` where somebody else has it."""
    claim = Claim(
        owner=owner,
        nonce=nonce,
        lease_until=now + timedelta(seconds=lease_s),
        attempt=job.claim.attempt + 1 if job.claim else 1,
    )
    sent = kept_input(job)
    job = jobs.update(job.id, lambda t: t.claimed(claim, at=now, sent=sent))
    logs.info("claim_won", training_id=job.id, claim=claim.attempt)
    return job


def _ran_out(job: Job, clock: Clock) -> bool:
    return job.claim is not None and clock.now() >= job.claim.lease_until


def _look_at_model(job: AnyJob, *, jobs: Jobs, models: ModelRepository, clock: Clock) -> None:
    try:
        refuse_without_model(job, models)
    except ProductError as error:
        _release(job, error, jobs=jobs, clock=clock)
        raise


def _release(job: AnyJob, error: ProductError, *, jobs: Jobs, clock: Clock) -> None:
    """Let the claim be taken again: fal.ai certainly accepted nothing."""
    logs.warning("claim_released", training_id=job.id, code=error.code)
    _released(job, jobs=jobs, clock=clock)


def _released(job: AnyJob, *, jobs: Jobs, clock: Clock) -> AnyJob:
    assert job.claim is not None, "only what was claimed is released"
    claim = job.claim
    return jobs.update(job.id, lambda t: t.released(claim, at=clock.now()))


def _pay(
    job: AnyJob,
    event: Prepared,
    *,
    jobs: Jobs,
    trainer: Trainer,
    clock: Clock,
    webhook_base: str,
) -> AnyJob:
    submission = submission_of(job, event, webhook_base)
    try:
        request = trainer.submit(submission)
    except SubmissionUncertain as error:
        logs.error("submission_uncertain", training_id=job.id, reason=error.facts["reason"])
        in_doubt = partial(_in_doubt, error=error, clock=clock)
        return jobs.update(job.id, in_doubt)
    except ProductError as error:
        # fal.ai said no or was never reached: nothing was accepted
        _release(job, error, jobs=jobs, clock=clock)
        raise
    return _record(job, request, jobs=jobs, trainer=trainer, clock=clock)


def submission_of(job: AnyJob, event: Prepared, webhook_base: str) -> Submission:
    """What is sent: the bare input, and a webhook URL that carries the job's id and the attempt's nonce."""
    return Submission(
        endpoint=job.endpoint,
        arguments=fields_of(job, links_of(event)),
        webhook_url=f"{webhook_base}/{job.id}/{event.nonce}",
        nonce=event.nonce,
    )


def _in_doubt(job: Job, error: SubmissionUncertain, clock: Clock) -> Job:
    if job.status is not Status.SUBMITTING:
        return job
    return job.hindered(SubmissionUnconfirmed(reason=error.facts["reason"]), at=clock.now())


def _record(job: AnyJob, request: FalJob, *, jobs: Jobs, trainer: Trainer, clock: Clock) -> AnyJob:
    try:
        recorded = jobs.update(job.id, lambda t: t.recorded(request, at=clock.now()))
    except ProductError:
        # paid and not recorded: the webhook or the monitor will recognise it by its nonce
        logs.error("submission_not_recorded", training_id=job.id, request_id=request.request_id)
        raise
    logs.info("training_submitted", training_id=job.id, request_id=request.request_id)
    if recorded.status is Status.CANCELED:
        logs.info("cancellation_answered", training_id=job.id, answer=trainer.cancel(request))
    return recorded
