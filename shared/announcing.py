"""Announcing that a job is to be looked after, whichever kind it is of."""

from __future__ import annotations

from shared import logs
from shared.errors import MessagingUnavailable
from shared.events import Event, ImagesRequested, TrainingRequested
from shared.jobs import Job, Kind
from shared.ports import Publisher


def requested_event(job: Job) -> Event:
    """That the packager is to look after it: it prepares what is due, and finishes what ended."""
    if job.kind is Kind.IMAGES:
        return ImagesRequested(training_id=job.id)
    return TrainingRequested(training_id=job.id)


def announce(job: Job, publisher: Publisher) -> None:
    """Say that the job is to be looked after; where that fails, the monitor says it again."""
    publish_or_leave(requested_event(job), publisher)


def publish_or_leave(event: Event, publisher: Publisher) -> None:
    """Publish what the monitor will say again anyway: that the queue does not answer is logged and no error."""
    try:
        publisher.publish(event)
    except MessagingUnavailable as error:
        logs.warning("training_not_announced", training_id=event.training_id, reason=error.message)
