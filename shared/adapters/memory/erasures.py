"""Erasures in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from shared.adapters.memory.faults import Faults
from shared.adapters.memory.pages import page_of
from shared.erasing.receipt import Erasure, State
from shared.errors import ErasureNotFound
from shared.ports import Page


class MemoryErasures:
    """Erasures and receipts; fulfils `ErasureRepository`."""

    def __init__(self, *, faults: Faults | None = None) -> None:
        """Start with none."""
        self.faults = faults or Faults()
        self._erasures: dict[str, Erasure] = {}
        self._lock = threading.Lock()

    def get(self, erasure_id: str) -> Erasure:
        """The erasure; `ErasureNotFound` where there is none."""
        with self.faults.around("get"):
            if (erasure := self._erasures.get(erasure_id)) is None:
                raise ErasureNotFound(id=erasure_id)
            return erasure

    def create(self, erasure: Erasure) -> bool:
        """Write a new erasure; False, and nothing changed, where one with its id exists."""
        with self.faults.around("create"), self._lock:
            is_new = erasure.id not in self._erasures
            self._erasures.setdefault(erasure.id, erasure)
            return is_new

    def update(self, erasure_id: str, change: Callable[[Erasure], Erasure]) -> Erasure:
        """Read, apply, write; see the port."""
        with self.faults.around("update"), self._lock:
            if erasure_id not in self._erasures:
                raise ErasureNotFound(id=erasure_id)
            self._erasures[erasure_id] = change(self._erasures[erasure_id])
            return self._erasures[erasure_id]

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Erasure]:
        """The owner's erasures, newest first; `InvalidRequest` for a bad cursor."""
        with self.faults.around("list_for_owner"):
            found = [erasure for erasure in list(self._erasures.values()) if erasure.owner_id == owner_id]
            return page_of(found, lambda erasure: erasure.requested_at, limit, cursor)

    def list_open(self, *, unchanged_since: datetime, limit: int) -> list[Erasure]:
        """Erasures that are not done, the longest unchanged first."""
        with self.faults.around("list_open"):
            found = [e for e in self._erasures.values() if e.state is State.OPEN and e.updated_at <= unchanged_since]
            return sorted(found, key=lambda erasure: (erasure.updated_at, erasure.id))[:limit]
