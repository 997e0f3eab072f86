"""Publishing in memory."""

from __future__ import annotations

from shared import tracing
from shared.adapters.memory.faults import Faults
from shared.events import Event
from shared.ports import Publisher
from shared.tracing import TraceContext, publishing


class MemoryPublisher:
    """Keeps what was published, in order, in `published`, and from where, in `places`; fulfils `Publisher`."""

    def __init__(self, *, faults: Faults | None = None) -> None:
        """Start with nothing published."""
        self.faults = faults or Faults()
        self.published: list[Event] = []
        self.places: list[TraceContext | None] = []

    def publish(self, event: Event) -> None:
        """Keep it."""
        with self.faults.around("publish"), publishing(event):
            self.published.append(event)
            self.places.append(tracing.here())


class AsyncMemoryPublisher:
    """Fulfils `AsyncPublisher` with a `MemoryPublisher`; never waits."""

    def __init__(self, publisher: Publisher) -> None:
        """Publish as `publisher` does."""
        self._publisher = publisher

    async def publish(self, event: Event) -> None:
        """As `MemoryPublisher.publish`."""
        self._publisher.publish(event)
