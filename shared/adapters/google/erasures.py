"""Erasures in Cloud Firestore."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from shared.adapters.google.documents import Documents, Patience
from shared.erasing.receipt import Erasure, State
from shared.errors import ErasureNotFound
from shared.ports import Page

if TYPE_CHECKING:
    from google.cloud.firestore import Client


class FirestoreErasures:
    """Erasures and receipts; fulfils `ErasureRepository`."""

    def __init__(self, client: Client, *, patience: Patience | None = None) -> None:
        """Keep them in the collection `erasures`."""
        self._documents = Documents(client, "erasures", Erasure, missing=ErasureNotFound, patience=patience)

    def get(self, erasure_id: str) -> Erasure:
        """The erasure; `ErasureNotFound` where there is none."""
        return self._documents.get(erasure_id)

    def create(self, erasure: Erasure) -> bool:
        """Write a new erasure; False, and nothing changed, where one with its id exists."""
        return self._documents.create(erasure.id, erasure)

    def update(self, erasure_id: str, change: Callable[[Erasure], Erasure]) -> Erasure:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; as for trainings."""
        return self._documents.update(erasure_id, change)

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Erasure]:
        """The owner's erasures, newest first; `InvalidRequest` for a cursor that is not one of ours."""
        return self._documents.page({"owner_id": owner_id}, newest="requested_at", limit=limit, cursor=cursor)

    def list_open(self, *, unchanged_since: datetime, limit: int) -> list[Erasure]:
        """Erasures that are not done, the longest unchanged first."""
        return self._documents.oldest({"state": State.OPEN}, by="updated_at", until=unchanged_since, limit=limit)
