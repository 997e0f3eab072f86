"""Dead letters in memory."""

from __future__ import annotations

from datetime import datetime

from shared.adapters.memory.faults import Faults
from shared.adapters.memory.publisher import MemoryPublisher
from shared.errors import DeadLetterNotFound
from shared.events import EVENTS, Event, subscription_name
from shared.messaging import decode, encode
from shared.ports import DeadLetter


class MemoryDeadLetters:
    """Keeps what was buried; fulfils `DeadLetters` for events, which it gives back to `publisher`."""

    def __init__(self, publisher: MemoryPublisher, *, faults: Faults | None = None) -> None:
        """Start with none."""
        self.faults = faults or Faults()
        self._publisher = publisher
        self._letters: dict[str, DeadLetter] = {}
        self._buried = 0

    def bury(self, event: Event, function: str, *, at: datetime, attempts: int = 1, reason: str = "") -> DeadLetter:
        """Give up delivering the event to the function."""
        self._buried += 1
        subscription = subscription_name(event.topic, function)
        letter = DeadLetter(
            id=f"{subscription}.{self._buried}",
            subscription=subscription,
            topic=event.topic,
            data=encode(event),
            published_at=at,
            attempts=attempts,
            reason=reason,
        )
        self._letters[letter.id] = letter
        return letter

    def list(self, *, limit: int) -> list[DeadLetter]:
        """Up to `limit` of them, the oldest first."""
        with self.faults.around("list"):
            return sorted(self._letters.values(), key=lambda letter: letter.published_at)[:limit]

    def get(self, letter_id: str) -> DeadLetter:
        """The one of that id."""
        with self.faults.around("get"):
            return self._found(letter_id)

    def redrive(self, letter_id: str) -> DeadLetter:
        """Publish it again, then forget it."""
        with self.faults.around("redrive"):
            letter = self._found(letter_id)
            self._publisher.publish(decode(letter.data, EVENTS[letter.topic]))
            return self._letters.pop(letter_id)

    def discard(self, letter_id: str) -> DeadLetter:
        """Forget it."""
        with self.faults.around("discard"):
            self._found(letter_id)
            return self._letters.pop(letter_id)

    def _found(self, letter_id: str) -> DeadLetter:
        if (letter := self._letters.get(letter_id)) is None:
            raise DeadLetterNotFound(id=letter_id)
        return letter
