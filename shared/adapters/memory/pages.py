"""Pages of what is kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from shared.adapters.paging import Cursor, Owned, to_micros
from shared.ports import Page

T = TypeVar("T", bound=Owned)


def page_of(items: Iterable[T], created_at: Callable[[T], datetime], limit: int, cursor: str | None) -> Page[T]:
    """The page after `cursor`, newest first; `InvalidRequest` for a bad cursor."""

    def place(item: T) -> tuple[int, str]:
        return -to_micros(created_at(item)), item.id

    ordered = sorted(items, key=place)
    if cursor is not None:
        after = Cursor.decode(cursor)
        ordered = [item for item in ordered if place(item) > (-after.at, after.id)]
    shown = tuple(ordered[:limit])
    last = Cursor(to_micros(created_at(shown[-1])), shown[-1].id).encode() if len(ordered) > limit else None
    return Page(items=shown, next_cursor=last)
