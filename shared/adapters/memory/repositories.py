"""The repositories in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from shared.accounts import Account
from shared.adapters.memory.faults import Faults
from shared.adapters.paging import Cursor, to_micros
from shared.errors import DatabaseUnavailable, ModelNotFound, ShootNotFound, TrainingNotFound
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


class MemoryTrainings:
    """Trainings; fulfils `TrainingRepository`."""

    def __init__(self, *, faults: Faults | None = None) -> None:
        """Start with none."""
        self.faults = faults or Faults()
        self._trainings: dict[str, Training] = {}
        self._lock = threading.Lock()

    def get(self, training_id: str) -> Training:
        """The training; `TrainingNotFound` where there is none."""
        with self.faults.around("get"):
            return self._found(training_id)

    def create(self, training: Training) -> bool:
        """Write a new training; False, and nothing changed, where one with its id exists."""
        with self.faults.around("create"), self._lock:
            is_new = training.id not in self._trainings
            self._trainings.setdefault(training.id, training)
            return is_new

    def update(self, training_id: str, change: Callable[[Training], Training]) -> Training:
        """Read, apply, write where nobody wrote in between, else again; see the port."""
        with self.faults.around("update"):
            for _ in range(_UPDATE_ATTEMPTS):
                training = self._found(training_id)
                changed = change(training)
                if changed == training or self._replace(training, changed):
                    return changed
            raise DatabaseUnavailable(reason=f"the training {training_id} is being changed by too many at once")

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

    def list_ended(self, status: Status, *, unchanged_since: datetime, limit: int) -> list[Training]:
        """Trainings in that status that nobody changed after that time, the longest unchanged first."""
        with self.faults.around("list_ended"):
            found = [t for t in self._all() if t.status is status and t.updated_at <= unchanged_since]
            return sorted(found, key=lambda t: (t.updated_at, t.id))[:limit]

    def delete(self, training_id: str) -> None:
        """Forget the training; no error where there is none."""
        with self.faults.around("delete"), self._lock:
            self._trainings.pop(training_id, None)

    def list_followed(self, *, limit: int) -> list[Training]:
        """Trainings that are under way or not finished, the longest unchanged first."""
        with self.faults.around("list_followed"):
            return self._oldest(Attention.FOLLOWED)[:limit]

    def list_watched(self, *, unchanged_since: datetime, limit: int) -> list[Training]:
        """Given up trainings that fal.ai may still deliver, the longest unchanged first."""
        with self.faults.around("list_watched"):
            return [t for t in self._oldest(Attention.WATCHED) if t.updated_at <= unchanged_since][:limit]

    def _oldest(self, attention: Attention) -> list[Training]:
        found = [training for training in self._all() if training.attention is attention]
        return sorted(found, key=lambda training: (training.updated_at, training.id))

    def _found(self, training_id: str) -> Training:
        if (training := self._trainings.get(training_id)) is None:
            raise TrainingNotFound(id=training_id)
        return training

    def _replace(self, training: Training, changed: Training) -> bool:
        with self._lock:
            # values are frozen: where the very same one is still there, nobody wrote in between
            if self._trainings.get(training.id) is not training:
                return False
            self._trainings[training.id] = changed
            return True

    def _all(self) -> list[Training]:
        return list(self._trainings.values())


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
