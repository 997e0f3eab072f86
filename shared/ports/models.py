"""Where shoots and models are kept: what trainings begin with, and what comes of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.models import Model
    from shared.ports.pages import Page
    from shared.shoots import Shoot


class ShootRepository(Protocol):
    """Shoots by id and by owner."""

    def get(self, shoot_id: str) -> Shoot:
        """The shoot; `ShootNotFound` where there is none."""
        ...

    def create(self, shoot: Shoot) -> bool:
        """Write a new shoot; False, and nothing changed, where one with its id exists."""
        ...

    def delete(self, shoot_id: str) -> None:
        """Forget the shoot; no error where there is none. Its pictures stay."""
        ...

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Shoot]:
        """The owner's shoots, newest first."""
        ...


class ModelRepository(Protocol):
    """Models and the numbers of their versions."""

    def get(self, model_id: str) -> Model:
        """The model; `ModelNotFound` where there is none."""
        ...

    def create(self, model: Model) -> bool:
        """Write a new model; False, and nothing changed, where one with its id exists."""
        ...

    def update(self, model_id: str, change: Callable[[Model], Model]) -> Model:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; as for trainings."""
        ...

    def delete(self, model_id: str) -> None:
        """Forget the model; no error where there is none. Its version number is not given again."""
        ...

    def find_by_recipe(self, owner_id: str, recipe: str) -> Model | None:
        """The latest of the owner's models with that recipe."""
        ...

    def list_versions(self, owner_id: str, person_id: str, name: str) -> list[Model]:
        """Every version of a name of the owner's, the newest number first."""
        ...

    def allocate_version(self, person_id: str, name: str, training_id: str, *, above: int = 0) -> int:
        """The number of this training's version of that name: 1, 2, 3 …, and the same one however often it is asked.

        Where that is not above `above`, it gets another: the next one that is, and that nobody was given.
        """
        ...

    def version_of(self, person_id: str, name: str, training_id: str) -> int | None:
        """The number that `allocate_version` gave; None where it gave none. It gives none itself."""
        ...

    def forget_name(self, person_id: str, name: str) -> None:
        """Keep no word of whose the versions of that name are; their numbers are not given again all the same."""
        ...

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Model]:
        """The owner's models, newest first."""
        ...

    def latest_for_shoots(self, owner_id: str, shoot_ids: Collection[str]) -> Mapping[str, Model]:
        """The owner's latest model of each of these shoots, by the shoot's id; one question for all of them."""
        ...
