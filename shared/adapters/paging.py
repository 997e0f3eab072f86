"""Cursors of listings that are ordered newest first, then by id; opaque to whoever carries them."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, Self

from shared.errors import InvalidRequest
from shared.shoots import ID_PATTERN

_ID = re.compile(ID_PATTERN)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Owned(Protocol):
    """What every value that is listed has."""

    @property
    def id(self) -> str:
        """Its id, unique among its kind."""
        ...

    @property
    def owner_id(self) -> str:
        """The user whose it is."""
        ...


def to_micros(at: datetime) -> int:
    """Whole microseconds since 1970, exactly; `at` has a zone."""
    return (at - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Cursor:
    """The place after one item: its time in microseconds since 1970, and its id."""

    at: int
    id: str

    def encode(self) -> str:
        """The cursor as text that fits into a URL."""
        return base64.urlsafe_b64encode(json.dumps([self.at, self.id]).encode()).decode()

    @classmethod
    def decode(cls, text: str) -> Self:
        """The cursor that `encode` wrote; `InvalidRequest` for anything else."""
        try:
            at, item_id = json.loads(base64.b64decode(text, altchars=b"-_", validate=True))
        except (ValueError, TypeError, RecursionError) as error:
            raise InvalidRequest(reason="the cursor is none that a listing gave") from error
        if type(at) is not int or abs(at) >= 1 << 63 or type(item_id) is not str or not _ID.fullmatch(item_id):
            raise InvalidRequest(reason="the cursor is none that a listing gave")
        return cls(at, item_id)
