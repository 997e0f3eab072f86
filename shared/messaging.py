"""Pub/Sub push messages: reading the envelope, and the one way in which every consumer answers.

The event functions take the raw push request instead of a CloudEvent, because the framework's conversion drops
`deliveryAttempt` (docs/adr/0003). Answers: 204 acks, 500 nacks and Pub/Sub delivers again, until the dead letter.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from shared import logs
from shared.all_jobs import Jobs
from shared.deadlines import Deadlines
from shared.errors import Conflict, JobNotFound, ProductError, UndecodableMessage
from shared.events import Event
from shared.jobs import Job
from shared.narrating import Narrator
from shared.ports import Clock
from shared.stages import Stage
from shared.stories import Received
from shared.tracing import MESSAGE_ATTRIBUTE, TraceContext, processing

E = TypeVar("E", bound=Event)
UseCases: TypeAlias = Mapping[type[Any], Callable[[Any], Job]]
"""What is to be done, by the event that asks for it."""

TOPIC_ATTRIBUTE = "event"
"""The attribute of every message that names its topic: a function that hears several is called in one place."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One push: the message's data, its id, and which attempt this is (1 where Pub/Sub does not tell).

    `published_at` is None where it is not told in a way that can be read; `comes_from`, the place on its road where it
    was published, and `topic`, where its attributes do not tell.
    """

    data: bytes
    message_id: str
    attempt: int = 1
    published_at: datetime | None = None
    comes_from: TraceContext | None = None
    topic: str | None = None

    def received(self, topic: str) -> Received:
        """How a story tells that it came."""
        return Received(topic=topic, message_id=self.message_id, attempt=self.attempt, published_at=self.published_at)


def encode(event: Event) -> bytes:
    """The message's data."""
    return json.dumps(vars(event), separators=(",", ":")).encode()


def read_envelope(body: bytes) -> Delivery:
    """The delivery in a push request's body. `UndecodableMessage` where it is none."""
    try:
        envelope: dict[str, Any] = json.loads(body)
        message = envelope["message"]
        data = base64.b64decode(message["data"], validate=True)
        attributes = message.get("attributes") or {}
        return Delivery(
            data=data,
            message_id=str(message["messageId"]),
            attempt=int(envelope.get("deliveryAttempt", 1)),
            published_at=_moment(message.get("publishTime")),
            comes_from=TraceContext.parse(str(attributes.get(MESSAGE_ATTRIBUTE, ""))),
            topic=attributes.get(TOPIC_ATTRIBUTE),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UndecodableMessage(reason=f"not a push envelope: {type(error).__name__}") from error


def _moment(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at and at.tzinfo else None


def decode(data: bytes, kind: type[E]) -> E:
    """The event in a message's data; unknown fields are ignored. `UndecodableMessage` where it is none."""
    try:
        content: dict[str, Any] = json.loads(data)
        event = kind(**{f.name: content[f.name] for f in fields(kind) if f.name in content})
        if not isinstance(content["training_id"], str) or not content["training_id"]:
            raise ValueError("training_id")
        return event
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UndecodableMessage(reason=f"not a {kind.topic}: {type(error).__name__}") from error


_BEFORE_SENDING = frozenset({Stage.PACKAGING, Stage.SUBMITTING})


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """What every event function needs around its use case: who records failures and tells stories, when to give up.

    `finish` is called with every job that is found in a terminal status, also again on a second delivery.
    """

    jobs: Jobs
    narrator: Narrator
    clock: Clock
    stage: Stage
    deadlines: Deadlines
    max_attempts: int
    finish: Callable[[Job], None]

    def handle(self, body: bytes, kind: type[E], use_case: Callable[[E], Job]) -> None:
        """Run `use_case` on the event in `body`; returning acks, raising nacks.

        A permanent error ends the job as failed, unless it was sent, or may have been, by this delivery or another. A
        retryable one is noted on the job, so that its user reads why it waits, and raised; at the last delivery or past
        the stage's deadline it becomes permanent.
        """
        self.handle_any(body, {kind: use_case})

    def handle_any(self, body: bytes, use_cases: UseCases) -> None:
        """The same where a function hears several topics: the use case is that of the message's own.

        A message that does not name its topic, or one that nobody here listens to, is taken for the first.
        """
        delivery = read_envelope(body)
        kind = next((kind for kind in use_cases if kind.topic == delivery.topic), next(iter(use_cases)))
        use_case = use_cases[kind]
        event: Event = decode(delivery.data, kind)
        received = delivery.received(kind.topic)
        with (
            processing(event, delivery.comes_from),
            logs.about(training_id=event.training_id),
            self.narrator.invocation(event.training_id, received),
        ):
            self._handle(event, delivery, use_case)

    def _handle(self, event: Event, delivery: Delivery, use_case: Callable[[Any], Job]) -> None:
        try:
            job = use_case(event)
        except JobNotFound:
            logs.warning("message_for_unknown_training", training_id=event.training_id, topic=event.topic)
            return
        except Conflict as error:
            # somebody else was faster, and did or does what this delivery was about
            logs.warning("delivery_lost_a_race", training_id=event.training_id, reason=error.message)
            return
        except ProductError as error:
            job = self._settle(event.training_id, error, delivery)
        if job.is_terminal:
            self.finish(job)

    def _settle(self, job_id: str, error: ProductError, delivery: Delivery) -> Job:
        code, attempt = error.code, delivery.attempt
        last = attempt >= self.max_attempts
        before = self.jobs.get(job_id)
        if before.is_terminal:
            # its end stands; what was left to be done after it is tried again
            logs.warning(
                "step_after_the_end_hindered", training_id=job_id, code=code, stage=self.stage, attempt=attempt
            )
            if error.retryable and not last:
                raise error
            return before
        job = self.jobs.update(job_id, lambda j: self._judged(j, error, last=last))
        if not job.is_terminal and not error.retryable:
            logs.warning("delivery_lost_a_race", training_id=job_id, reason=error.message)
            return job
        if not job.is_terminal:
            logs.warning("step_hindered", training_id=job_id, code=code, stage=self.stage, attempt=attempt)
            raise error
        logs.error("training_failed", training_id=job_id, code=code, stage=self.stage, attempt=attempt)
        return job

    def _judged(self, job: Job, error: ProductError, *, last: bool) -> Job:
        now = self.clock.now()
        give_up = job.stage is self.stage and (last or self.deadlines.passed(job, now))
        if error.retryable and not give_up:
            return job.hindered(error, at=now)
        if self.stage in _BEFORE_SENDING and not job.is_unsent:
            # what failed here was done by another delivery meanwhile, and fal.ai has it, or is just being asked
            return job
        charged = job.charged if error.charged is None else error.charged
        return job.fail(error, at=now, charged=charged)
