"""The dead letters of the embedded queue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from shared.adapters.embedded.queue import QueuedMessage, SqliteQueue
from shared.errors import DeadLetterNotFound
from shared.events import subscription_name
from shared.ports import DeadLetter


class SqliteDeadLetters:
    """The messages that the queue gave up; fulfils `DeadLetters`."""

    def __init__(self, queue: SqliteQueue) -> None:
        """Look at `queue`."""
        self._queue = queue

    def list(self, *, limit: int) -> list[DeadLetter]:
        """Up to `limit` of them, the oldest first."""
        return [_letter(message) for message in self._queue.dead_letters()[:limit]]

    def get(self, letter_id: str) -> DeadLetter:
        """The one of that id."""
        return _letter(self._found(letter_id))

    def redrive(self, letter_id: str) -> DeadLetter:
        """Deliver it again, with all its attempts."""
        return self._settled(letter_id, self._queue.redrive)

    def discard(self, letter_id: str) -> DeadLetter:
        """Forget it."""
        return self._settled(letter_id, self._queue.discard)

    def _settled(self, letter_id: str, settle: Callable[[int], bool]) -> DeadLetter:
        message = self._found(letter_id)
        if not settle(message.id):
            raise DeadLetterNotFound(id=letter_id)
        return _letter(message)

    def _found(self, letter_id: str) -> QueuedMessage:
        for message in self._queue.dead_letters():
            if _id(message) == letter_id:
                return message
        raise DeadLetterNotFound(id=letter_id)


def _id(message: QueuedMessage) -> str:
    return f"{subscription_name(message.topic, message.subscription)}.{message.id}"


def _letter(message: QueuedMessage) -> DeadLetter:
    return DeadLetter(
        id=_id(message),
        subscription=subscription_name(message.topic, message.subscription),
        topic=message.topic,
        data=message.data,
        published_at=datetime.fromtimestamp(message.published_at, UTC),
        attempts=message.attempt,
        reason=message.last_error,
    )
