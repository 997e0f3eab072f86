"""What is left to do when a job has ended, whoever ended it."""

from __future__ import annotations

from shared import logs
from shared.accounts import Account
from shared.all_jobs import Jobs
from shared.events import Event, ImagesFinished, TrainingFinished
from shared.image_jobs import ImageJob
from shared.jobs import Job
from shared.orders import Desk
from shared.ports import AccountRepository, Clock, ModelRepository, Objects, Publisher
from shared.samples import NO_LIMITS, has_unpriced_samples, request_samples
from shared.stages import Attention
from shared.trainings import Training


def archive_prefix(training_id: str) -> str:
    """Where a training's ZIPs lie in the datasets bucket, and the manifests of what is in them."""
    return f"trainings/{training_id}/"


def archive_name(training_id: str, nonce: str) -> str:
    """The ZIP of one packaging attempt; fal.ai wants the `.zip` in the path (fal.md §3)."""
    return f"{archive_prefix(training_id)}{nonce}.zip"


def finish_job(
    job: Job,
    *,
    jobs: Jobs,
    models: ModelRepository,
    publisher: Publisher,
    datasets: Objects,
    accounts: AccountRepository,
    clock: Clock,
) -> None:
    """Settle what `job` cost, announce that it ended, delete its ZIPs, ask for its samples, and note that this is done.

    Safe to repeat: the monitor finishes whatever has ended and has no such note, so what a crash leaves undone is done
    at its next tick. Of a finished training only ZIPs are deleted that came to light since.
    """
    due = job.attention is Attention.FOLLOWED
    if due:
        if _settled(job, accounts, clock):
            _log_figures(job)
        publisher.publish(finished_event(job))
    if isinstance(job, Training):
        _delete_archives(job.id, datasets)
        if due:
            desk = Desk(jobs=jobs, accounts=accounts, publisher=publisher, clock=clock, limits=NO_LIMITS)
            request_samples(job, models=models, desk=desk)
    if due:
        # one that was recovered meanwhile has its new end still before it
        jobs.update(job.id, lambda now: now.finished(at=clock.now()) if now.history == job.history else now)


def finished_event(job: Job) -> Event:
    """That the job ended."""
    if isinstance(job, ImageJob):
        return ImagesFinished(training_id=job.id, status=job.status, model_id=job.model_id)
    return TrainingFinished(training_id=job.id, status=job.status, model_id=job.model_id)


def _delete_archives(training_id: str, datasets: Objects) -> None:
    found = list(datasets.list(archive_prefix(training_id)))
    for archive in found:
        datasets.delete(archive.name)
    if found:
        archives = sum(1 for archive in found if archive.name.endswith(".zip"))
        logs.info("archive_deleted", training_id=training_id, archives=archives)


def _settled(job: Job, accounts: AccountRepository, clock: Clock) -> bool:
    """Whether this call turned the reservation into what was spent; of all that finish a job one does."""
    held = False
    usd = None if has_unpriced_samples(job) else job.settled_usd

    def settle(account: Account) -> Account:
        nonlocal held
        held = job.id in account.reservations
        return account.settle(job.id, usd, at=clock.now())

    accounts.update(job.owner_id, settle)
    return held


# a metric's label is a word
_WORDS = {True: "yes", False: "no", None: "unknown"}


def _log_figures(job: Job) -> None:
    """The figures of an ended job, once: metrics are made of them (docs/observability.md)."""
    code, stage = (job.error.code, str(job.error.stage)) if job.error else ("none", "none")
    charged, total_s = _WORDS[job.charged], (job.since - job.created_at).total_seconds()
    if isinstance(job, ImageJob):
        logs.info(
            "images_finished",
            training_id=job.id,
            endpoint=job.endpoint,
            origin=job.origin,
            status=job.status,
            code=code,
            stage=stage,
            charged=charged,
            cost_usd=job.settled_usd,
            total_s=total_s,
        )
        return
    logs.info(
        "training_finished",
        training_id=job.id,
        trainer=job.trainer,
        status=job.status,
        code=code,
        stage=stage,
        charged=charged,
        cost_usd=job.settled_usd,
        total_s=total_s,
        stage_s={str(stage): seconds for stage, seconds in job.stage_seconds(job.since).items()},
    )
