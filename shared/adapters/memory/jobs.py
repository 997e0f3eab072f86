"""Jobs of both kinds in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Generic, TypeVar

from shared.adapters.memory.faults import Faults
from shared.adapters.memory.pages import page_of
from shared.errors import DatabaseUnavailable, ImagesNotFound, JobNotFound, TrainingNotFound
from shared.image_jobs import ImageJob
from shared.jobs import Job
from shared.ports import Page
from shared.stages import Attention, Status
from shared.trainings import Training

_UPDATE_ATTEMPTS = 100

J = TypeVar("J", bound=Job)


class _MemoryJobs(Generic[J]):
    """Jobs of one kind."""

    def __init__(self, missing: type[JobNotFound], faults: Faults | None) -> None:
        self.faults = faults or Faults()
        self._missing = missing
        self._jobs: dict[str, J] = {}
        self._lock = threading.Lock()

    def get(self, job_id: str) -> J:
        """The job; `missing` where there is none."""
        with self.faults.around("get"):
            return self._found(job_id)

    def create(self, job: J) -> bool:
        """Write a new job; False, and nothing changed, where one with its id exists."""
        with self.faults.around("create"), self._lock:
            is_new = job.id not in self._jobs
            self._jobs.setdefault(job.id, job)
            return is_new

    def update(self, job_id: str, change: Callable[[J], J]) -> J:
        """Read, apply, write where nobody wrote in between, else again; see the port."""
        with self.faults.around("update"):
            for _ in range(_UPDATE_ATTEMPTS):
                job = self._found(job_id)
                changed = change(job)
                if changed == job or self._replace(job, changed):
                    return changed
            raise DatabaseUnavailable(reason=f"the {job.noun} {job_id} is being changed by too many at once")

    def delete(self, job_id: str) -> None:
        """Forget the job; no error where there is none."""
        with self.faults.around("delete"), self._lock:
            self._jobs.pop(job_id, None)

    def list_followed(self, *, limit: int) -> list[J]:
        """Jobs that are under way or not finished, the longest unchanged first."""
        with self.faults.around("list_followed"):
            return self._oldest(Attention.FOLLOWED)[:limit]

    def list_watched(self, *, unchanged_since: datetime, limit: int) -> list[J]:
        """Given up jobs that fal.ai may still deliver, the longest unchanged first."""
        with self.faults.around("list_watched"):
            return [job for job in self._oldest(Attention.WATCHED) if job.updated_at <= unchanged_since][:limit]

    def list_ended(
        self, status: Status, *, unchanged_since: datetime, limit: int, owner_id: str | None = None
    ) -> list[J]:
        """Jobs in that status that nobody changed after that time, the longest unchanged first."""
        with self.faults.around("list_ended"):
            of_owner = [job for job in self._all() if owner_id in (None, job.owner_id)]
            found = [job for job in of_owner if job.status is status and job.updated_at <= unchanged_since]
            return sorted(found, key=lambda job: (job.updated_at, job.id))[:limit]

    def _oldest(self, attention: Attention) -> list[J]:
        found = [job for job in self._all() if job.attention is attention]
        return sorted(found, key=lambda job: (job.updated_at, job.id))

    def _found(self, job_id: str) -> J:
        if (job := self._jobs.get(job_id)) is None:
            raise self._missing(id=job_id)
        return job

    def _replace(self, job: J, changed: J) -> bool:
        with self._lock:
            # values are frozen: where the very same one is still there, nobody wrote in between
            if self._jobs.get(job.id) is not job:
                return False
            self._jobs[job.id] = changed
            return True

    def _all(self) -> list[J]:
        return list(self._jobs.values())


class MemoryTrainings(_MemoryJobs[Training]):
    """Trainings; fulfils `TrainingRepository`."""

    def __init__(self, *, faults: Faults | None = None) -> None:
        """Start with none."""
        super().__init__(TrainingNotFound, faults)

    def list_for_owner(
        self,
        owner_id: str,
        *,
        limit: int,
        cursor: str | None = None,
        status: Status | None = None,
        shoot_id: str | None = None,
    ) -> Page[Training]:
        """The owner's trainings, newest first; `InvalidRequest` for a bad cursor."""
        with self.faults.around("list_for_owner"):
            of_owner = [t for t in self._all() if t.owner_id == owner_id]
            trainings = [t for t in of_owner if status in (None, t.status) and shoot_id in (None, t.shoot_id)]
            return page_of(trainings, lambda training: training.created_at, limit, cursor)

    def list_by_recipe(self, owner_id: str, recipe: str, statuses: Collection[Status]) -> list[Training]:
        """All of the owner's trainings with that recipe that stand in one of the statuses, the newest first."""
        with self.faults.around("list_by_recipe"):
            same = [t for t in self._all() if (t.owner_id, t.recipe) == (owner_id, recipe) and t.status in statuses]
            return sorted(same, key=lambda t: t.created_at, reverse=True)

    def list_succeeded(self, trainer: str, *, limit: int) -> list[Training]:
        """Anybody's trainings with that trainer that succeeded, the latest first."""
        with self.faults.around("list_succeeded"):
            found = [t for t in self._all() if t.trainer == trainer and t.status is Status.SUCCEEDED]
            return sorted(found, key=lambda t: (t.updated_at, t.id), reverse=True)[:limit]


class MemoryImageJobs(_MemoryJobs[ImageJob]):
    """Sets of pictures; fulfils `ImageJobRepository`."""

    def __init__(self, *, faults: Faults | None = None) -> None:
        """Start with none."""
        super().__init__(ImagesNotFound, faults)

    def list_for_owner(
        self,
        owner_id: str,
        *,
        limit: int,
        cursor: str | None = None,
        model_id: str | None = None,
        group_id: str | None = None,
    ) -> Page[ImageJob]:
        """The owner's sets, newest first; `InvalidRequest` for a bad cursor."""
        with self.faults.around("list_for_owner"):
            own = [job for job in self._all() if job.owner_id == owner_id]
            found = [job for job in own if model_id in (None, job.model_id) and group_id in (None, job.group_id)]
            return page_of(found, lambda job: job.created_at, limit, cursor)
