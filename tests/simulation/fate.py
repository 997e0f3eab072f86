"""Every decision of a schedule, as a function of the seed and of what is decided: replayable, and shrinkable.

There is no stream of random numbers: what is decided about one call does not depend on how many others were made. So a
schedule can be run again with only some of its faults, and the rest stays as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

_WHOLE = float(1 << 64)


class Fate:
    """The decisions of `seed`. With `only`, no fault but those happens; `struck` lists, in order, what did."""

    def __init__(self, seed: int, only: Collection[str] | None = None) -> None:
        """Decide nothing yet."""
        self._seed = str(seed).encode()
        self._only = None if only is None else frozenset(only)
        self.struck: list[str] = []

    def fraction(self, key: str) -> float:
        """A number from 0 up to 1, always the same for `key`."""
        digest = blake2b(key.encode(), digest_size=8, key=self._seed).digest()
        return int.from_bytes(digest, "big") / _WHOLE

    def between(self, key: str, low: float, high: float) -> float:
        """A number of that range."""
        return low + (high - low) * self.fraction(key)

    def pick(self, key: str, options: Sequence[T]) -> T:
        """One of `options`, each as likely as the others."""
        return options[int(self.fraction(key) * len(options))]

    def strikes(self, key: str, probability: float) -> bool:
        """Whether the fault `key` happens."""
        if self.fraction(key) >= probability:
            return False
        return self.admits(key)

    def admits(self, key: str) -> bool:
        """Whether a fault that is due may happen; it then did."""
        if self._only is not None and key not in self._only:
            return False
        self.struck.append(key)
        return True
