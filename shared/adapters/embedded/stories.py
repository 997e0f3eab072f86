"""Stories in SQLite."""

from __future__ import annotations

import json

from shared.adapters.embedded.database import Database
from shared.adapters.embedded.documents import to_json
from shared.adapters.paging import to_micros
from shared.documents import from_document
from shared.stories import StoryEntry


class SqliteStories:
    """What happened to trainings; fulfils `StoryRepository`. What has expired goes when something is added."""

    def __init__(self, database: Database) -> None:
        """Keep the entries in `database`."""
        self._database = database

    def append(self, entry: StoryEntry) -> None:
        """Keep it, unless one with its id is kept; `DatabaseUnavailable` where the file refuses."""
        row = (entry.id, entry.training_id, to_micros(entry.at), to_micros(entry.expires_at), to_json(entry))
        into = "stories (id, training_id, at, expires_at, document)"
        with self._database.writing() as connection:
            connection.execute("DELETE FROM stories WHERE expires_at <= ?", (to_micros(entry.ended_at),))
            connection.execute(f"INSERT OR IGNORE INTO {into} VALUES (?, ?, ?, ?, ?)", row)

    def forget(self, training_id: str) -> None:
        """Delete every entry of the training."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM stories WHERE training_id = ?", (training_id,))

    def list_for_training(self, training_id: str, *, limit: int) -> list[StoryEntry]:
        """The latest `limit` entries of the training, in the order in which they began."""
        query = "SELECT document FROM stories WHERE training_id = ? ORDER BY at DESC, id DESC LIMIT ?"
        with self._database.reading() as connection:
            rows = connection.execute(query, (training_id, limit)).fetchall()
        return [from_document(StoryEntry, json.loads(row[0])) for row in reversed(rows)]
