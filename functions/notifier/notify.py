"""Telling the receiver of every end that a job has come to, each once.

The message is a wake-up: what has ended is in the job's history, and what was told is in its notices. So a duplicate, a
redelivery and a message that comes late all do what is still due. Claim, send, note that it is done: between the last
two a crash sends a second time, with the same id, by which the receiver knows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from functions.notifier.notice_of import End, Job, Subject, body_of, ends_of
from shared import logs
from shared.errors import ModelNotFound, NotFound, NotificationRefused, NotificationWaits, ProductError
from shared.models import Model
from shared.ports import Clock, ModelRepository, NoticeRepository, Receiver


@dataclass(frozen=True, kw_only=True)
class Notifier:
    """The ports of telling. A claim holds for `lease_s` seconds, longer than a call of the receiver may take."""

    notices: NoticeRepository
    models: ModelRepository
    receiver: Receiver
    clock: Clock
    console_url: str
    lease_s: float


def notify(get_job: Callable[[], Job], subject: Subject, *, attempt: int, notifier: Notifier) -> None:
    """Tell every end of the job that was not told; returning acks.

    It is got once more when the telling is claimed: where it is gone its `NotFound` is raised, because with it goes the
    record of what was told. Raises `NotificationUndelivered`, `NotificationRefused`, or `NotificationWaits` while it is
    being erased, where an end could not be told, after all were tried, so that the message is delivered again and in
    the end is a dead letter. `attempt` is which delivery of the message this is.
    """
    job = get_job()
    told = notifier.notices.get(job.id)
    first_failure: ProductError | None = None
    for end in ends_of(job):
        if told.is_sent(end.id) or subject.withholds(job, end.move.status):
            continue
        try:
            _tell(job, end, subject, attempt=attempt, still_there=get_job, notifier=notifier)
        except NotFound:
            raise
        except ProductError as error:
            logs.warning(
                "notification_hindered", training_id=job.id, notification=end.id, code=error.code, attempt=attempt
            )
            first_failure = first_failure or error
    if first_failure:
        raise first_failure


def _tell(
    job: Job, end: End, subject: Subject, *, attempt: int, still_there: Callable[[], Job], notifier: Notifier
) -> None:
    _refuse_erased(job)
    now = notifier.clock.now()
    body = body_of(job, end, subject, model=_model_of(job, notifier.models), console_url=notifier.console_url)
    until = now + timedelta(seconds=notifier.lease_s)
    notices = notifier.notices.update(job.id, lambda n: n.claimed(end.id, body, at=now, until=until, again=attempt > 1))
    if notices.is_sent(end.id):
        return
    _refuse_erased(still_there())
    try:
        notifier.receiver.post(end.id, notices.notices[end.id].body)
    except ProductError as error:
        refused = str(error.facts["reason"]) if isinstance(error, NotificationRefused) else ""
        notifier.notices.update(job.id, lambda n: n.failed(end.id, refused=refused))
        raise
    notifier.notices.update(job.id, lambda n: n.done(end.id, at=notifier.clock.now()))
    logs.info("notification_sent", training_id=job.id, notification=end.id, attempt=attempt)


def _refuse_erased(job: Job) -> None:
    """Tell nothing of what may be gone in a moment; an erasure that leaves it gives it back, and then it is told."""
    if job.erasure_id is not None:
        raise NotificationWaits(id=job.id)


def _model_of(job: Job, models: ModelRepository) -> Model | None:
    try:
        return models.get(job.model_id) if job.model_id else None
    except ModelNotFound:
        return None
