"""Faults on purpose: which method fails or is held up, how often, and before or after its effect."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class _Planned:
    method: str
    act: Callable[[], object]
    times: int
    after: bool


class Faults:
    """What is planned for one adapter or, when it is shared, for several."""

    def __init__(self) -> None:
        """Plan nothing."""
        self._planned: list[_Planned] = []
        self._lock = threading.Lock()

    def fail(self, method: str, error: Exception, *, times: int = 1, after: bool = False) -> None:
        """Let the next `times` calls of `method` raise `error`, instead of their effect or `after` it.

        An error after the effect is what a caller sees when the answer was lost.
        """

        def raise_it() -> None:
            raise error

        self.meanwhile(method, raise_it, times=times, after=after)

    def meanwhile(self, method: str, act: Callable[[], object], *, times: int = 1, after: bool = False) -> None:
        """Let `act` happen while the next `times` calls of `method` are under way, before their effect or `after` it.

        It is what others do while a caller is held up; it may call the same method.
        """
        with self._lock:
            self._planned.append(_Planned(method, act, times, after))

    @contextmanager
    def around(self, method: str) -> Iterator[None]:
        """What adapters wrap a method's effect in."""
        self._strike(method, after=False)
        yield
        self._strike(method, after=True)

    def _strike(self, method: str, *, after: bool) -> None:
        if (planned := self._taken(method, after=after)) is not None:
            planned.act()

    def _taken(self, method: str, *, after: bool) -> _Planned | None:
        with self._lock:
            for planned in self._planned:
                if planned.method == method and planned.after is after and planned.times > 0:
                    planned.times -= 1
                    return planned
        return None
