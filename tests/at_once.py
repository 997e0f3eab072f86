"""Coroutines that wait for nothing, called as functions."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """What it returns or raises; it must not wait for anything, as those that are given fakes do not.

    Without an event loop, so that simulated functions can each be stopped in the middle of one.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        found: T = end.value
        return found
    coroutine.close()
    raise AssertionError("it waits for something")
