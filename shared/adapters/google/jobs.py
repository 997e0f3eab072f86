"""Jobs of both kinds in Cloud Firestore.

Every write is conditional on the version that was read (`last_update_time`); no transactions, which are slower and lose
more under contention. The queries need the indexes in `indexes.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar

from shared.adapters.google.documents import Documents, Patience
from shared.adapters.google.views import IMAGE_VIEWS, TRAINING_VIEWS
from shared.errors import ImagesNotFound, TrainingNotFound
from shared.image_jobs import ImageJob
from shared.jobs import Job
from shared.ports import Page
from shared.stages import Attention, Status
from shared.trainings import Training

if TYPE_CHECKING:
    from google.cloud.firestore import Client

J = TypeVar("J", bound=Job)


class _FirestoreJobs(Generic[J]):
    """Jobs of one kind."""

    def __init__(self, documents: Documents[J]) -> None:
        self._documents = documents

    def get(self, job_id: str) -> J:
        """The job; the collection's `missing` where there is none."""
        return self._documents.get(job_id)

    def create(self, job: J) -> bool:
        """Write a new job; False, and nothing changed, where one with its id exists."""
        return self._documents.create(job.id, job)

    def update(self, job_id: str, change: Callable[[J], J]) -> J:
        """Read, apply, write where nobody wrote in between, else again after a moment; see the port."""
        return self._documents.update(job_id, change)

    def delete(self, job_id: str) -> None:
        """Forget the job and its view, in one commit; no error where there is none."""
        self._documents.delete(job_id)

    def list_followed(self, *, limit: int) -> list[J]:
        """Jobs that are under way or not finished, the longest unchanged first."""
        return self._documents.oldest({"attention": Attention.FOLLOWED}, by="updated_at", limit=limit)

    def list_watched(self, *, unchanged_since: datetime, limit: int) -> list[J]:
        """Given up jobs that fal.ai may still deliver, the longest unchanged first."""
        watched = {"attention": Attention.WATCHED}
        return self._documents.oldest(watched, by="updated_at", until=unchanged_since, limit=limit)

    def list_ended(
        self, status: Status, *, unchanged_since: datetime, limit: int, owner_id: str | None = None
    ) -> list[J]:
        """Jobs in that status that nobody changed after that time, the longest unchanged first."""
        equal = {"status": status} if owner_id is None else {"owner_id": owner_id, "status": status}
        return self._documents.oldest(equal, by="updated_at", until=unchanged_since, limit=limit)


class FirestoreTrainings(_FirestoreJobs[Training]):
    """Trainings; fulfils `TrainingRepository`."""

    def __init__(self, client: Client, *, patience: Patience | None = None) -> None:
        """Keep them in the collection `trainings`, and what the app sees of them in `training_views`."""
        missing, shown = TrainingNotFound, TRAINING_VIEWS
        super().__init__(Documents(client, "trainings", Training, missing=missing, shown=shown, patience=patience))

    def list_for_owner(
        self,
        owner_id: str,
        *,
        limit: int,
        cursor: str | None = None,
        status: Status | None = None,
        shoot_id: str | None = None,
    ) -> Page[Training]:
        """The owner's trainings, newest first; `InvalidRequest` for a cursor that is not one of ours."""
        equal = {"owner_id": owner_id, **({"status": status.value} if status else {})}
        if shoot_id is not None:
            equal["shoot_id"] = shoot_id
        return self._documents.page(equal, newest="created_at", limit=limit, cursor=cursor)

    def list_by_recipe(self, owner_id: str, recipe: str, statuses: Collection[Status]) -> list[Training]:
        """All of the owner's trainings with that recipe that stand in one of the statuses, the newest first."""
        equal, names = {"owner_id": owner_id, "recipe": recipe}, [status.value for status in statuses]
        return sorted(self._documents.matching(equal, "status", names), key=lambda t: t.created_at, reverse=True)

    def list_succeeded(self, trainer: str, *, limit: int) -> list[Training]:
        """Anybody's trainings with that trainer that succeeded, the latest first."""
        equal = {"trainer": trainer, "status": Status.SUCCEEDED.value}
        return list(self._documents.page(equal, newest="updated_at", limit=limit, cursor=None).items)


class FirestoreImageJobs(_FirestoreJobs[ImageJob]):
    """Sets of pictures; fulfils `ImageJobRepository`."""

    def __init__(self, client: Client, *, patience: Patience | None = None) -> None:
        """Keep them in the collection `image_jobs`, and what the app sees of them in `images`."""
        missing, shown = ImagesNotFound, IMAGE_VIEWS
        super().__init__(Documents(client, "image_jobs", ImageJob, missing=missing, shown=shown, patience=patience))

    def list_for_owner(
        self,
        owner_id: str,
        *,
        limit: int,
        cursor: str | None = None,
        model_id: str | None = None,
        group_id: str | None = None,
    ) -> Page[ImageJob]:
        """The owner's sets, newest first; `InvalidRequest` for a cursor that is not one of ours."""
        wanted = {"owner_id": owner_id, "model_id": model_id, "group_id": group_id}
        equal = {field: value for field, value in wanted.items() if value is not None}
        return self._documents.page(equal, newest="created_at", limit=limit, cursor=cursor)
