"""Models and the numbers of their versions in Cloud Firestore."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.adapters.google.documents import Documents, Patience
from shared.errors import ModelNotFound
from shared.models import Model, latest_by_shoot, name_key
from shared.ports import Page

if TYPE_CHECKING:
    from google.cloud.firestore import Client

MOST_VERSIONS = 1000


@dataclass(frozen=True, kw_only=True)
class NumberedName:
    """The number of each training's version of one name, which is the document's id, hashed.

    Whose it is stands in older documents only, until that person is erased.
    """

    versions: Mapping[str, int]
    person_id: str = ""
    name: str = ""

    def with_version_of(self, training_id: str, above: int) -> NumberedName:
        """This name with the next number for that training; itself when it has one that is above `above`."""
        if self.versions.get(training_id, 0) > above:
            return self
        following = max(above, *self.versions.values(), 0) + 1
        return replace(self, versions={**self.versions, training_id: following})


class FirestoreModels:
    """Models and the numbers of their versions."""

    def __init__(self, client: Client, *, patience: Patience | None = None) -> None:
        """Keep them in the collection `models`, and the versions of each name in `model_names`."""
        self._documents = Documents(client, "models", Model, missing=ModelNotFound, patience=patience)
        self._names = Documents(client, "model_names", NumberedName, missing=ModelNotFound, patience=patience)

    def get(self, model_id: str) -> Model:
        """The model; `ModelNotFound` where there is none."""
        return self._documents.get(model_id)

    def create(self, model: Model) -> bool:
        """Write a new model; False, and nothing changed, where one with its id exists."""
        return self._documents.create(model.id, model)

    def update(self, model_id: str, change: Callable[[Model], Model]) -> Model:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; as for trainings."""
        return self._documents.update(model_id, change)

    def delete(self, model_id: str) -> None:
        """Forget the model; no error where there is none."""
        self._documents.delete(model_id)

    def find_by_recipe(self, owner_id: str, recipe: str) -> Model | None:
        """The latest of the owner's models with that recipe."""
        equal = {"owner_id": owner_id, "recipe": recipe}
        found = self._documents.page(equal, newest="trained_at", limit=1, cursor=None).items
        return found[0] if found else None

    def list_versions(self, owner_id: str, person_id: str, name: str) -> list[Model]:
        """Every version of a name of the owner's, the newest number first."""
        equal = {"owner_id": owner_id, "person_id": person_id, "name": name}
        found = self._documents.page(equal, newest="trained_at", limit=MOST_VERSIONS, cursor=None).items
        return sorted(found, key=lambda model: model.version, reverse=True)

    def allocate_version(self, person_id: str, name: str, training_id: str, *, above: int = 0) -> int:
        """The number of this training's version of that name: 1, 2, 3 …, and the same one however often it is
        asked.

        `DatabaseUnavailable` when too many others keep winning.
        """
        key = name_key(person_id, name)
        first = NumberedName(versions={training_id: above + 1})
        if self._names.create(key, first):
            return above + 1
        return self._names.update(key, lambda known: known.with_version_of(training_id, above)).versions[training_id]

    def version_of(self, person_id: str, name: str, training_id: str) -> int | None:
        """The number that was given; None where none was."""
        try:
            return self._names.get(name_key(person_id, name)).versions.get(training_id)
        except ModelNotFound:
            return None

    def forget_name(self, person_id: str, name: str) -> None:
        """Keep no word of whose the versions are; their numbers stay."""
        with suppress(ModelNotFound):
            self._names.update(name_key(person_id, name), lambda known: replace(known, person_id="", name=""))

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Model]:
        """The owner's models, newest first; `InvalidRequest` for a cursor that is not one of ours."""
        return self._documents.page({"owner_id": owner_id}, newest="trained_at", limit=limit, cursor=cursor)

    def latest_for_shoots(self, owner_id: str, shoot_ids: Collection[str]) -> dict[str, Model]:
        """The owner's latest model of each of these shoots, by the shoot's id."""
        return latest_by_shoot(self._documents.matching({"owner_id": owner_id}, "shoot_id", list(shoot_ids)))
