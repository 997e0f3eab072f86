"""Shoots in SQLite."""

from __future__ import annotations

from shared.adapters.embedded.database import Database
from shared.adapters.embedded.documents import Table
from shared.errors import ShootNotFound
from shared.ports import Page
from shared.shoots import Shoot


class SqliteShoots:
    """Shoots; fulfils `ShootRepository`."""

    def __init__(self, database: Database) -> None:
        """Keep the shoots in `database`."""
        self._database = database
        self._table = Table(database, "shoots", Shoot, lambda shoot: shoot.created_at)

    def get(self, shoot_id: str) -> Shoot:
        """The shoot; `ShootNotFound` where there is none."""
        if (shoot := self._table.find(shoot_id)) is None:
            raise ShootNotFound(id=shoot_id)
        return shoot

    def create(self, shoot: Shoot) -> bool:
        """Write a new shoot; False, and nothing changed, where one with its id exists."""
        with self._database.writing() as connection:
            return self._table.insert(connection, shoot)

    def delete(self, shoot_id: str) -> None:
        """Forget the shoot; no error where there is none."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM shoots WHERE id = ?", (shoot_id,))

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Shoot]:
        """The owner's shoots, newest first; `InvalidRequest` for a bad cursor."""
        return self._table.page(owner_id, limit=limit, cursor=cursor)
