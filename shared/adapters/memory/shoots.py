"""Shoots in memory."""

from __future__ import annotations

from shared.adapters.memory.faults import Faults
from shared.adapters.memory.pages import page_of
from shared.errors import ShootNotFound
from shared.ports import Page
from shared.shoots import Shoot


class MemoryShoots:
    """Shoots; fulfils `ShootRepository`."""

    def __init__(self, *, faults: Faults | None = None) -> None:
        """Start with none."""
        self.faults = faults or Faults()
        self._shoots: dict[str, Shoot] = {}

    def get(self, shoot_id: str) -> Shoot:
        """The shoot; `ShootNotFound` where there is none."""
        with self.faults.around("get"):
            if (shoot := self._shoots.get(shoot_id)) is None:
                raise ShootNotFound(id=shoot_id)
            return shoot

    def create(self, shoot: Shoot) -> bool:
        """Write a new shoot; False, and nothing changed, where one with its id exists."""
        with self.faults.around("create"):
            return self._shoots.setdefault(shoot.id, shoot) is shoot

    def delete(self, shoot_id: str) -> None:
        """Forget the shoot; no error where there is none."""
        with self.faults.around("delete"):
            self._shoots.pop(shoot_id, None)

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Shoot]:
        """The owner's shoots, newest first; `InvalidRequest` for a bad cursor."""
        with self.faults.around("list_for_owner"):
            shoots = [shoot for shoot in list(self._shoots.values()) if shoot.owner_id == owner_id]
            return page_of(shoots, lambda shoot: shoot.created_at, limit, cursor)
