"""Some of many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """Some items and the cursor of the next page; None when this was the last."""

    items: tuple[T, ...]
    next_cursor: str | None = None
