"""The repositories in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from shared.accounts import Account
from shared.adapters.memory.faults import Faults
from shared.adapters.paging import Cursor, to_micros
from shared.errors import (
    DatabaseUnavailable,
    ImagesNotFound,
    JobNotFound,
    ModelNotFound,
    ShootNotFound,
    TrainingNotFound,
)
from shared.image_jobs import ImageJob
from shared.jobs import Job
from shared.models import Model, latest_by_shoot, name_key
from shared.ports import Page
from shared.shoots import Shoot
from shared.stages import Attention, Status
from shared.trainings import Training

_UPDATE_ATTEMPTS = 100


class _Owned(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def owner_id(self) -> str: ...


T = TypeVar("T", bound=_Owned)
J = TypeVar("J", bound=Job)


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

    def list_ended(self, status: Status, *, unchanged_since: datetime, limit: int) -> list[J]:
        """Jobs in that status that nobody changed after that time, the longest unchanged first."""
        with self.faults.around("list_ended"):
            found = [job for job in self._all() if job.status is status and job.updated_at <= unchanged_since]
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
        status: Status | None = None,
    ) -> Page[ImageJob]:
        """The owner's sets, newest first; `InvalidRequest` for a bad cursor."""
        with self.faults.around("list_for_owner"):
            own = [job for job in self._all() if job.owner_id == owner_id and status in (None, job.status)]
            found = [job for job in own if model_id in (None, job.model_id) and group_id in (None, job.group_id)]
            return page_of(found, lambda job: job.created_at, limit, cursor)


class MemoryModels:
    """Models and their numbers; fulfils `ModelRepository`."""

    def __init__(self, *, faults: Faults | None = None) -> None:
        """Start with none."""
        self.faults = faults or Faults()
        self._models: dict[str, Model] = {}
        self._versions: dict[str, dict[str, int]] = {}
        self._lock = threading.Lock()

    def get(self, model_id: str) -> Model:
        """The model; `ModelNotFound` where there is none."""
        with self.faults.around("get"):
            if (model := self._models.get(model_id)) is None:
                raise ModelNotFound(id=model_id)
            return model

    def create(self, model: Model) -> bool:
        """Write a new model; False, and nothing changed, where one with its id exists."""
        with self.faults.around("create"), self._lock:
            is_new = model.id not in self._models
            self._models.setdefault(model.id, model)
            return is_new

    def update(self, model_id: str, change: Callable[[Model], Model]) -> Model:
        """Read, apply, write; see the port."""
        with self.faults.around("update"), self._lock:
            if model_id not in self._models:
                raise ModelNotFound(id=model_id)
            self._models[model_id] = change(self._models[model_id])
            return self._models[model_id]

    def delete(self, model_id: str) -> None:
        """Forget the model; no error where there is none."""
        with self.faults.around("delete"):
            self._models.pop(model_id, None)

    def find_by_recipe(self, owner_id: str, recipe: str) -> Model | None:
        """The latest of the owner's models with that recipe."""
        with self.faults.around("find_by_recipe"):
            found = [m for m in list(self._models.values()) if m.owner_id == owner_id and m.recipe == recipe]
            return max(found, key=lambda model: (model.trained_at, model.id), default=None)

    def list_versions(self, owner_id: str, person_id: str, name: str) -> list[Model]:
        """Every version of a name of the owner's, the newest number first."""
        with self.faults.around("list_versions"):
            wanted = (owner_id, person_id, name)
            found = [m for m in list(self._models.values()) if (m.owner_id, m.person_id, m.name) == wanted]
            return sorted(found, key=lambda model: model.version, reverse=True)

    def allocate_version(self, person_id: str, name: str, training_id: str, *, above: int = 0) -> int:
        """The number of this training's version of that name: 1, 2, 3 …; the same one however often asked."""
        with self.faults.around("allocate_version"), self._lock:
            versions = self._versions.setdefault(name_key(person_id, name), {})
            if versions.get(training_id, 0) <= above:
                versions[training_id] = max(above, *versions.values(), 0) + 1
            return versions[training_id]

    def version_of(self, person_id: str, name: str, training_id: str) -> int | None:
        """The number that was given; None where none was."""
        with self.faults.around("version_of"):
            return self._versions.get(name_key(person_id, name), {}).get(training_id)

    def forget_name(self, person_id: str, name: str) -> None:
        """Nothing to do: numbers are kept by a hash of the name."""
        with self.faults.around("forget_name"):
            name_key(person_id, name)

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Model]:
        """The owner's models, newest first; `InvalidRequest` for a bad cursor."""
        with self.faults.around("list_for_owner"):
            models = [model for model in list(self._models.values()) if model.owner_id == owner_id]
            return page_of(models, lambda model: model.trained_at, limit, cursor)

    def latest_for_shoots(self, owner_id: str, shoot_ids: Collection[str]) -> dict[str, Model]:
        """The owner's latest model of each of these shoots, by the shoot's id."""
        with self.faults.around("latest_for_shoots"):
            models = list(self._models.values())
            return latest_by_shoot(m for m in models if m.owner_id == owner_id and m.shoot_id in shoot_ids)


class MemoryAccounts:
    """What users have reserved and spent; fulfils `AccountRepository`."""

    def __init__(self, *, faults: Faults | None = None) -> None:
        """Start with none."""
        self.faults = faults or Faults()
        self._accounts: dict[str, Account] = {}
        self._lock = threading.Lock()

    def get(self, owner_id: str) -> Account:
        """The owner's account; an empty one where nothing was ever reserved."""
        with self.faults.around("get"):
            return self._accounts.get(owner_id, Account(id=owner_id))

    def update(self, owner_id: str, change: Callable[[Account], Account]) -> Account:
        """Read, apply, write; see the port."""
        with self.faults.around("update"), self._lock:
            self._accounts[owner_id] = change(self._accounts.get(owner_id, Account(id=owner_id)))
            return self._accounts[owner_id]


def page_of(items: Iterable[T], created_at: Callable[[T], datetime], limit: int, cursor: str | None) -> Page[T]:
    """The page after `cursor`, newest first; `InvalidRequest` for a bad cursor."""

    def place(item: T) -> tuple[int, str]:
        return -to_micros(created_at(item)), item.id

    ordered = sorted(items, key=place)
    if cursor is not None:
        after = Cursor.decode(cursor)
        ordered = [item for item in ordered if place(item) > (-after.at, after.id)]
    shown = tuple(ordered[:limit])
    last = Cursor(to_micros(created_at(shown[-1])), shown[-1].id).encode() if len(ordered) > limit else None
    return Page(items=shown, next_cursor=last)
