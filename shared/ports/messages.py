"""What is told to our own functions, what none of them took, and what is told to the outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.events import Event


class Publisher(Protocol):
    """The way to announce what happened."""

    def publish(self, event: Event) -> None:
        """Return when the message is durably queued; delivery is at least once, in any order."""
        ...


class AsyncPublisher(Protocol):
    """The same for who serves many at once on one event loop."""

    async def publish(self, event: Event) -> None:
        """As `Publisher.publish`."""
        ...


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A message that was given up; its `data` may hold a signed URL.

    `attempts` and `reason`, why the last delivery failed, are None and empty where the queue does not tell.
    """

    id: str
    subscription: str
    topic: str
    data: bytes = field(repr=False)
    published_at: datetime
    attempts: int | None = None
    reason: str = ""


class DeadLetters(Protocol):
    """The messages that were given up. Looking at them loses none; all but `list` raise `DeadLetterNotFound`.

    Somebody else who looks at the same moment may hold some of them, for a minute at most.
    """

    def list(self, *, limit: int) -> list[DeadLetter]:
        """Up to `limit` of them, the oldest first."""
        ...

    def get(self, letter_id: str) -> DeadLetter:
        """The one of that id, as `list` gave it."""
        ...

    def redrive(self, letter_id: str) -> DeadLetter:
        """Deliver it again, with all its attempts, to whoever listens to its topic; then it is a dead letter no more.

        After an error it may be both, delivered and still here: every consumer expects messages twice.
        """
        ...

    def discard(self, letter_id: str) -> DeadLetter:
        """Forget it, for good."""
        ...


class Receiver(Protocol):
    """Whom the ends of jobs are told: one address, outside."""

    def post(self, notice_id: str, body: str) -> None:
        """Return when it took the notification; it knows a repetition by `notice_id`.

        `NotificationUndelivered` where it may take it later, `NotificationRefused` where it does not want it.
        """
        ...
