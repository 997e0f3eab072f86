"""Models and the numbers of their versions in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from shared.adapters.memory.faults import Faults
from shared.adapters.memory.pages import page_of
from shared.errors import ModelNotFound
from shared.models import Model, latest_by_shoot, name_key
from shared.ports import Page


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
