"""Accounts in SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

from shared.accounts import Account
from shared.adapters.embedded.database import Database
from shared.adapters.embedded.documents import to_json
from shared.documents import from_document


class SqliteAccounts:
    """What users have reserved and spent; fulfils `AccountRepository`."""

    def __init__(self, database: Database) -> None:
        """Keep the accounts in `database`."""
        self._database = database

    def get(self, owner_id: str) -> Account:
        """The owner's account; an empty one where nothing was ever reserved."""
        with self._database.reading() as connection:
            return self._read(connection, owner_id)

    def update(self, owner_id: str, change: Callable[[Account], Account]) -> Account:
        """Read, apply, write, all in one transaction; see the port."""
        with self._database.writing() as connection:
            changed = change(self._read(connection, owner_id))
            statement = "INSERT OR REPLACE INTO accounts (id, document) VALUES (?, ?)"
            connection.execute(statement, (owner_id, to_json(changed)))
        return changed

    def _read(self, connection: sqlite3.Connection, owner_id: str) -> Account:
        row = connection.execute("SELECT document FROM accounts WHERE id = ?", (owner_id,)).fetchone()
        return from_document(Account, json.loads(row[0])) if row else Account(id=owner_id)
