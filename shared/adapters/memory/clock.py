"""A clock that stands still until it is told otherwise."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class FixedClock:
    """The time as it was set; fulfils `Clock`."""

    def __init__(self, at: datetime = datetime(2026, 1, 1, 12, tzinfo=UTC)) -> None:
        """Stand at `at`, which has a zone."""
        self._at = at
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time that was set, in UTC with its zone."""
        with self._lock:
            return self._at

    def set(self, at: datetime) -> None:
        """Jump to `at`, which has a zone."""
        with self._lock:
            self._at = at.astimezone(UTC)

    def advance(self, seconds: float) -> datetime:
        """Go on by `seconds`; the new time."""
        with self._lock:
            self._at += timedelta(seconds=seconds)
            return self._at
