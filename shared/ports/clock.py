"""The time, asked for instead of read."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Now, in UTC with its zone."""
        ...
