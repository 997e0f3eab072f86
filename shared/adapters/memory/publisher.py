"""Publishing in memory."""

from __future__ import annotations

from shared.adapters.memory.faults import Faults
from shared.events import Event


class MemoryPublisher:
    """Keeps what was published, in order, in `published`; fulfils `Publisher`."""

    def __init__(self, *, faults: Faults | None = None) -> None:
        """Start with nothing published."""
        self.faults = faults or Faults()
        self.published: list[Event] = []

    def publish(self, event: Event) -> None:
        """Keep it."""
        with self.faults.around("publish"):
            self.published.append(event)
