"""Notices in Cloud Firestore."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from shared.adapters.google.documents import Documents, Patience
from shared.errors import NotFound
from shared.notices import Notices

if TYPE_CHECKING:
    from google.cloud.firestore import Client


class FirestoreNotices:
    """What was told about jobs; fulfils `NoticeRepository`."""

    def __init__(self, client: Client, *, patience: Patience | None = None) -> None:
        """Keep them in the collection `notices`, under the job's id."""
        self._documents = Documents(client, "notices", Notices, missing=NotFound, patience=patience)

    def get(self, job_id: str) -> Notices:
        """The job's notices; none where nothing was ever told."""
        try:
            return self._documents.get(job_id)
        except NotFound:
            return Notices(id=job_id)

    def update(self, job_id: str, change: Callable[[Notices], Notices]) -> Notices:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; as for trainings."""
        try:
            return self._documents.update(job_id, change)
        except NotFound:
            # somebody else may create it first: then theirs is changed
            self._documents.create(job_id, Notices(id=job_id))
            return self._documents.update(job_id, change)

    def delete(self, job_id: str) -> None:
        """Forget them; no error where there are none."""
        self._documents.delete(job_id)
