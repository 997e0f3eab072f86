"""Publishing in memory."""

from __future__ import annotations

from shared import tracing
from shared.adapters.memory.faults import Faults
from shared.events import Event
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
