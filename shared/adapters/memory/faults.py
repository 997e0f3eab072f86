"""Errors on purpose: a test says which method shall fail, how often, and before or after its effect."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class _Planned:
    method: str
    error: Exception
    times: int
    after: bool


class Faults:
    """The planned errors of one adapter or, when it is shared, of several."""

    def __init__(self) -> None:
        """Plan none."""
        self._planned: list[_Planned] = []
        self._lock = threading.Lock()

    def fail(self, method: str, error: Exception, *, times: int = 1, after: bool = False) -> None:
        """Let the next `times` calls of `method` raise `error`, instead of their effect or `after` it.

        An error after the effect is what a caller sees when the answer was lost.
        """
        with self._lock:
            self._planned.append(_Planned(method, error, times, after))

    @contextmanager
    def around(self, method: str) -> Iterator[None]:
        """What adapters wrap a method's effect in."""
        self._raise(method, after=False)
        yield
        self._raise(method, after=True)

    def _raise(self, method: str, *, after: bool) -> None:
        with self._lock:
            for planned in self._planned:
                if planned.method == method and planned.after is after and planned.times > 0:
                    planned.times -= 1
                    raise planned.error
