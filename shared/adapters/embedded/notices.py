"""Notices in SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

from shared.adapters.embedded.database import Database
from shared.adapters.embedded.documents import to_json
from shared.documents import from_document
from shared.notices import Notices


class SqliteNotices:
    """What was told about jobs; fulfils `NoticeRepository`."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    def get(self, job_id: str) -> Notices:
        """The job's notices; none where nothing was ever told."""
        with self._database.reading() as connection:
            return _read(connection, job_id)

    def update(self, job_id: str, change: Callable[[Notices], Notices]) -> Notices:
        """Read, apply, write, all in one transaction; see the port."""
        with self._database.writing() as connection:
            changed = change(_read(connection, job_id))
            statement = "INSERT OR REPLACE INTO notices (id, document) VALUES (?, ?)"
            connection.execute(statement, (job_id, to_json(changed)))
        return changed

    def delete(self, job_id: str) -> None:
        """Forget them; no error where there are none."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM notices WHERE id = ?", (job_id,))


def _read(connection: sqlite3.Connection, job_id: str) -> Notices:
    row = connection.execute("SELECT document FROM notices WHERE id = ?", (job_id,)).fetchone()
    return from_document(Notices, json.loads(row[0])) if row else Notices(id=job_id)
