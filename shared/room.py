"""Room for what takes a lot of memory, shared by all threads of a process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Room:
    """So much at the same time and no more, first come, first served; what is larger has all of it for itself."""

    def __init__(self, size: int) -> None:
        """All of it is free."""
        self._size = size
        self._free = size
        self._turn = threading.Lock()
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """`size` of it for as long as the block lasts, as soon as it is free."""
        wanted = min(size, self._size)
        with self._turn, self._changed:
            self._changed.wait_for(lambda: self._free >= wanted)
            self._free -= wanted
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()
