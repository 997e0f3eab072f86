"""What stands around telling: which message came, what is told of it, and when it is given up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from functions.notifier.notice_of import SUBJECTS, Job
from functions.notifier.notify import Notifier, notify
from shared import logs
from shared.errors import NotFound, ProductError
from shared.events import Event
from shared.messaging import decode, read_envelope
from shared.narrating import Narrator
from shared.tracing import processing

Jobs = Mapping[type[Event], Callable[[str], Job]]
"""By the event that tells of its end, how a job is got by its id; `NotFound` where there is none."""


def hear(body: bytes, *, jobs: Jobs, notifier: Notifier, narrator: Narrator, max_attempts: int) -> None:
    """Tell the receiver of the job in the push request `body`; returning acks, raising nacks.

    Of `jobs` that one is taken whose topic the message names; of one that names none, the first. Nothing that goes
    wrong here touches the job: after the last attempt, the message lies in the dead letters.
    """
    delivery = read_envelope(body)
    kind = next((kind for kind in jobs if kind.topic == delivery.topic), next(iter(jobs)))
    event = decode(delivery.data, kind)
    with (
        processing(event, delivery.comes_from),
        logs.about(training_id=event.training_id),
        narrator.invocation(event.training_id, delivery.received(kind.topic)),
    ):
        try:
            notify(partial(jobs[kind], event.training_id), SUBJECTS[kind], attempt=delivery.attempt, notifier=notifier)
        except NotFound:
            logs.warning("message_for_unknown_training", training_id=event.training_id, topic=event.topic)
        except ProductError as error:
            if delivery.attempt >= max_attempts:
                logs.error("notification_given_up", training_id=event.training_id, code=error.code)
            raise
