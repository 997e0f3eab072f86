"""Shoots in Cloud Firestore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.adapters.google.documents import Documents, Patience
from shared.errors import ShootNotFound
from shared.ports import Page
from shared.shoots import Shoot

if TYPE_CHECKING:
    from google.cloud.firestore import Client


class FirestoreShoots:
    """Shoots by id and by owner."""

    def __init__(self, client: Client, *, patience: Patience | None = None) -> None:
        """Keep them in the collection `shoots`."""
        self._documents = Documents(client, "shoots", Shoot, missing=ShootNotFound, patience=patience)

    def get(self, shoot_id: str) -> Shoot:
        """The shoot; `ShootNotFound` where there is none."""
        return self._documents.get(shoot_id)

    def create(self, shoot: Shoot) -> bool:
        """Write a new shoot; False, and nothing changed, where one with its id exists."""
        return self._documents.create(shoot.id, shoot)

    def delete(self, shoot_id: str) -> None:
        """Forget the shoot; no error where there is none."""
        self._documents.delete(shoot_id)

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Shoot]:
        """The owner's shoots, newest first; `InvalidRequest` for a cursor that is not one of ours."""
        return self._documents.page({"owner_id": owner_id}, newest="created_at", limit=limit, cursor=cursor)
