"""Notices and their receiver in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable

from shared.adapters.memory.faults import Faults
from shared.notices import Notices


class MemoryNotices:
    """What was told about jobs; fulfils `NoticeRepository`."""

    def __init__(self, *, faults: Faults | None = None) -> None:
        """Start with nothing told."""
        self.faults = faults or Faults()
        self._notices: dict[str, Notices] = {}
        self._lock = threading.Lock()

    def get(self, job_id: str) -> Notices:
        """The job's notices; none where nothing was ever told."""
        with self.faults.around("get"):
            return self._notices.get(job_id, Notices(id=job_id))

    def update(self, job_id: str, change: Callable[[Notices], Notices]) -> Notices:
        """Read, apply, write; see the port."""
        with self.faults.around("update"), self._lock:
            self._notices[job_id] = change(self._notices.get(job_id, Notices(id=job_id)))
            return self._notices[job_id]

    def delete(self, job_id: str) -> None:
        """Forget them; no error where there are none."""
        with self.faults.around("delete"), self._lock:
            self._notices.pop(job_id, None)


class MemoryReceiver:
    """Keeps what was told, in order, in `received`, as (id, body); fulfils `Receiver`."""

    def __init__(self, *, faults: Faults | None = None) -> None:
        """Start with nothing received."""
        self.faults = faults or Faults()
        self.received: list[tuple[str, str]] = []

    def post(self, notice_id: str, body: str) -> None:
        """Take it."""
        with self.faults.around("post"):
            self.received.append((notice_id, body))
