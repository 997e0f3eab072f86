"""Domain values as rows: reading one, and paging through an owner's."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from shared.adapters.embedded.database import Database
from shared.adapters.paging import Cursor, Owned, to_micros
from shared.documents import from_document, to_document
from shared.ports import Page

T = TypeVar("T", bound=Owned)


def to_json(value: Any) -> str:
    """The text of the `document` column."""
    return json.dumps(to_document(value, mode="json"), ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Table(Generic[T]):
    """The table that holds values of one kind as JSON, ordered by what `created_at` tells."""

    database: Database
    name: str
    kind: type[T]
    created_at: Callable[[T], datetime]

    def find(self, item_id: str) -> T | None:
        """The value of that id; None where there is none."""
        with self.database.reading() as connection:
            row = connection.execute(f"SELECT document FROM {self.name} WHERE id = ?", (item_id,)).fetchone()
        return self.value(row[0]) if row else None

    def insert(self, connection: sqlite3.Connection, item: T, **columns: Any) -> bool:
        """Write a new row; False, and nothing changed, where one with its id exists."""
        row = self.row(item) | columns
        into = f"INTO {self.name} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
        return connection.execute(f"INSERT OR IGNORE {into}", tuple(row.values())).rowcount == 1

    def page(self, owner_id: str, *, limit: int, cursor: str | None, **equal: Any) -> Page[T]:
        """The owner's values, newest first, where the columns in `equal` have these values.

        Values that are added meanwhile neither repeat nor hide what the cursor has yet to show.
        """
        conditions, values = (
            ["owner_id = ?", *(f"{column} = ?" for column in equal)],
            [owner_id, *equal.values()],
        )
        if cursor is not None:
            after = Cursor.decode(cursor)
            conditions.append("(created_at < ? OR created_at = ? AND id > ?)")
            values += [after.at, after.at, after.id]
        order = f"WHERE {' AND '.join(conditions)} ORDER BY created_at DESC, id LIMIT ?"
        with self.database.reading() as connection:
            rows = connection.execute(f"SELECT document FROM {self.name} {order}", (*values, limit + 1)).fetchall()
        items = tuple(self.value(row[0]) for row in rows[:limit])
        return Page(items=items, next_cursor=self._cursor(items[-1]) if len(rows) > limit else None)

    def value(self, document: str) -> T:
        """The value in a `document` column."""
        return from_document(self.kind, json.loads(document))

    def row(self, item: T) -> dict[str, Any]:
        """The columns that every table has."""
        created = to_micros(self.created_at(item))
        return {"id": item.id, "owner_id": item.owner_id, "created_at": created, "document": to_json(item)}

    def _cursor(self, item: T) -> str:
        return Cursor(to_micros(self.created_at(item)), item.id).encode()
