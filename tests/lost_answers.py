"""What Firestore's conditional update does where its answer is lost: others may move before it is tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Updates(Protocol[T]):
    """A repository, as far as one value of it is concerned."""

    def get(self, value_id: str, /) -> T: ...

    def update(self, value_id: str, change: Callable[[T], T], /) -> T: ...


def update_twice(values: Updates[T], value_id: str, change: Callable[[T], T], meanwhile: Callable[[], object]) -> T:
    """Update, lose the answer, do `meanwhile`; the repetition knows its own write only where nobody wrote over it.

    What changes nothing writes nothing, and has no answer to lose.
    """
    before = values.get(value_id)
    if (written := values.update(value_id, change)) == before:
        return written
    meanwhile()
    return written if values.get(value_id) == written else values.update(value_id, change)
