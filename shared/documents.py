"""Domain values as documents and back, the same for every database (pydantic does it)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def to_document(value: Any, *, mode: Literal["python", "json"] = "python") -> dict[str, Any]:
    """The value's fields; `python` keeps datetimes, `json` has only what JSON has."""
    document: dict[str, Any] = _adapter(type(value)).dump_python(value, mode=mode)
    return document


def from_document(kind: type[T], document: Any) -> T:
    """The value that `to_document` wrote; fields that `kind` no longer has are ignored."""
    value: T = _adapter(kind).validate_python(document)
    return value
