"""Erasures in SQLite."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from shared.adapters.embedded.database import Database
from shared.adapters.embedded.documents import Table
from shared.adapters.paging import to_micros
from shared.erasing.receipt import Erasure, State
from shared.errors import ErasureNotFound
from shared.ports import Page


class SqliteErasures:
    """Erasures and receipts; fulfils `ErasureRepository`."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database
        self._table = Table(database, "erasures", Erasure, lambda erasure: erasure.requested_at)

    def get(self, erasure_id: str) -> Erasure:
        """The erasure; `ErasureNotFound` where there is none."""
        if (erasure := self._table.find(erasure_id)) is None:
            raise ErasureNotFound(id=erasure_id)
        return erasure

    def create(self, erasure: Erasure) -> bool:
        """Write a new erasure; False, and nothing changed, where one with its id exists."""
        with self._database.writing() as connection:
            return self._table.insert(connection, erasure, **_indexed(erasure))

    def update(self, erasure_id: str, change: Callable[[Erasure], Erasure]) -> Erasure:
        """Read, apply, write, all in one transaction; see the port.

        With its receipt, and when it is done, what it deleted goes from the file, too.
        """
        with self._database.writing() as connection:
            row = connection.execute("SELECT document FROM erasures WHERE id = ?", (erasure_id,)).fetchone()
            if row is None:
                raise ErasureNotFound(id=erasure_id)
            before = self._table.value(row[0])
            changed = change(before)
            columns = self._table.row(changed) | _indexed(changed)
            assignments = ", ".join(f"{column} = ?" for column in columns)
            connection.execute(f"UPDATE erasures SET {assignments} WHERE id = ?", (*columns.values(), erasure_id))
        if (changed.has_receipt, changed.state) != (before.has_receipt, before.state):
            self._database.forget_deleted()
        return changed

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Erasure]:
        """The owner's erasures, newest first; `InvalidRequest` for a bad cursor."""
        return self._table.page(owner_id, limit=limit, cursor=cursor)

    def list_open(self, *, unchanged_since: datetime, limit: int) -> list[Erasure]:
        """Erasures that are not done, the longest unchanged first."""
        query = "SELECT document FROM erasures WHERE open AND updated_at <= ? ORDER BY updated_at, id LIMIT ?"
        with self._database.reading() as connection:
            rows = connection.execute(query, (to_micros(unchanged_since), limit)).fetchall()
        return [self._table.value(row[0]) for row in rows]


def _indexed(erasure: Erasure) -> dict[str, Any]:
    return {"updated_at": to_micros(erasure.updated_at), "open": int(erasure.state is State.OPEN)}
