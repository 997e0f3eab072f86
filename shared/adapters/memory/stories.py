"""Stories in memory; printed, they are what happened."""

from __future__ import annotations

from shared.adapters.memory.faults import Faults
from shared.stories import StoryEntry


class MemoryStories:
    """Keeps every entry, as it came, in `entries`; fulfils `StoryRepository`. `print(stories)` tells them all."""

    def __init__(self, *, faults: Faults | None = None) -> None:
        """Start with nothing told."""
        self.faults = faults or Faults()
        self.entries: list[StoryEntry] = []

    def append(self, entry: StoryEntry) -> None:
        """Keep it, unless one with its id is kept."""
        with self.faults.around("append"):
            if all(kept.id != entry.id for kept in self.entries):
                self.entries.append(entry)

    def list_for_training(self, training_id: str, *, limit: int) -> list[StoryEntry]:
        """The latest `limit` entries of the training, in the order in which they began."""
        with self.faults.around("list_for_training"):
            # those that began in the same moment stay in the order in which they were written
            told = sorted((e for e in self.entries if e.training_id == training_id), key=lambda entry: entry.at)
            return told[-limit:]

    def forget(self, training_id: str) -> None:
        """Delete every entry of the training."""
        with self.faults.around("forget"):
            self.entries = [entry for entry in self.entries if entry.training_id != training_id]

    def __str__(self) -> str:
        return "\n".join(map(str, self.entries))
