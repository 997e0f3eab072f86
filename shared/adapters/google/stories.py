"""Stories in Cloud Firestore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.adapters.google.documents import Documents, Patience
from shared.errors import NotFound
from shared.stories import StoryEntry

if TYPE_CHECKING:
    from google.cloud.firestore import Client

# a story is worth no long wait: the step that it tells of is done
IMPATIENT = Patience(call_s=2.0)


class FirestoreStories:
    """What happened to trainings; fulfils `StoryRepository`. A TTL policy on `expires_at` deletes what has expired."""

    def __init__(self, client: Client, *, patience: Patience = IMPATIENT) -> None:
        """Keep the entries in the collection `stories`."""
        self._documents = Documents(client, "stories", StoryEntry, missing=NotFound, patience=patience)

    def append(self, entry: StoryEntry) -> None:
        """Keep it, unless one with its id is kept; `DatabaseUnavailable` where Firestore does not answer soon."""
        self._documents.create(entry.id, entry)

    def forget(self, training_id: str) -> None:
        """Delete every entry of the training."""
        self._documents.delete_where("training_id", training_id)

    def list_for_training(self, training_id: str, *, limit: int) -> list[StoryEntry]:
        """The latest `limit` entries of the training, in the order in which they began."""
        page = self._documents.page({"training_id": training_id}, newest="at", limit=limit, cursor=None)
        return list(reversed(page.items))
