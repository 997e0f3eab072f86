"""Shoots, trainings and models in Cloud Firestore.

Every write of a training is conditional on the version that was read (`last_update_time`); no transactions,
which are slower and lose more under contention. The queries need the indexes in `indexes.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from shared.accounts import Account
from shared.adapters.google.documents import Documents, Patience, Shown
from shared.errors import ImagesNotFound, ModelNotFound, NotFound, ShootNotFound, TrainingNotFound
from shared.image_jobs import ImageJob
from shared.models import Model, latest_by_shoot, name_key
from shared.ports import Page
from shared.shoots import Shoot
from shared.stages import Attention, Status
from shared.trainings import Training

if TYPE_CHECKING:
    from google.cloud.firestore import Client

MOST_VERSIONS = 1000


TRAINING_VIEWS = Shown(
    collection="training_views",
    fields=(
        "id",
        "shoot_id",
        "owner_id",
        "person_id",
        "model_name",
        "trigger_word",
        "trainer",
        "preset",
        "parameters",
        "status",
        "history",
        "progress",
        "error",
        "hindrance",
        "model_id",
        "samples",
        "quote",
        "cost_usd",
        "predecessor_id",
        "parent_model_id",
        "continues",
        "cancel_requested_at",
        "created_at",
        "updated_at",
    ),
)
"""What the app sees of a training when it listens to Firestore. Nonces and fal.ai's addresses are not in it: with them,
somebody could speak for fal.ai. Captions and the log are not, either: they are long, and the API has them."""


IMAGE_VIEWS = Shown(
    collection="images",
    fields=(
        "id",
        "owner_id",
        "person_id",
        "model_id",
        "model_name",
        "version",
        "trigger_word",
        "trainer",
        "prompt",
        "count",
        "size",
        "seed",
        "scale",
        "origin",
        "group_id",
        "like_id",
        "pictures",
        "status",
        "history",
        "progress",
        "error",
        "hindrance",
        "quote",
        "cost_usd",
        "predecessor_id",
        "cancel_requested_at",
        "created_at",
        "updated_at",
    ),
)
"""The same of a set of pictures: where they lie in the bucket is no secret, since only signed URLs open it."""


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


class FirestoreAccounts:
    """What users have reserved and spent."""

    def __init__(self, client: Client, *, patience: Patience | None = None) -> None:
        """Keep them in the collection `accounts`, under a hash of the owner's id."""
        self._documents = Documents(client, "accounts", Account, missing=NotFound, patience=patience)

    def get(self, owner_id: str) -> Account:
        """The owner's account; an empty one where nothing was ever reserved."""
        try:
            return self._documents.get(_account_key(owner_id))
        except NotFound:
            return Account(id=owner_id)

    def update(self, owner_id: str, change: Callable[[Account], Account]) -> Account:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; as for trainings."""
        key = _account_key(owner_id)
        try:
            return self._documents.update(key, change)
        except NotFound:
            # somebody else may create it first: then theirs is changed
            self._documents.create(key, Account(id=owner_id))
            return self._documents.update(key, change)


def _account_key(owner_id: str) -> str:
    return sha256(owner_id.encode()).hexdigest()


class FirestoreShoots:
    """Shoots by id and by owner."""

    def __init__(self, client: Client, *, patience: Patience | None = None) -> None:
        """Keep them in the collection `shoots`."""
        self._documents = Documents(client, "shoots", Shoot, missing=ShootNotFound, patience=patience)

    def get(self, shoot_id: str) -> Shoot:
        """The shoot; `ShootNotFound` where there is none."""
        return self._documents.get(shoot_id)

    def create(self, shoot: Shoot) -> bool:
        """Write a new shoot; False, and nothing changed, where one with its id exists."""
        return self._documents.create(shoot.id, shoot)

    def delete(self, shoot_id: str) -> None:
        """Forget the shoot; no error where there is none."""
        self._documents.delete(shoot_id)

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Shoot]:
        """The owner's shoots, newest first; `InvalidRequest` for a cursor that is not one of ours."""
        return self._documents.page({"owner_id": owner_id}, newest="created_at", limit=limit, cursor=cursor)


class FirestoreTrainings:
    """Trainings; every write is conditional on the version that was read."""

    def __init__(self, client: Client, *, patience: Patience | None = None) -> None:
        """Keep them in the collection `trainings`, and what the app sees of them in `training_views`."""
        self._documents = Documents(
            client, "trainings", Training, missing=TrainingNotFound, shown=TRAINING_VIEWS, patience=patience
        )

    def get(self, training_id: str) -> Training:
        """The training; `TrainingNotFound` where there is none."""
        return self._documents.get(training_id)

    def create(self, training: Training) -> bool:
        """Write a new training; False, and nothing changed, where one with its id exists."""
        return self._documents.create(training.id, training)

    def update(self, training_id: str, change: Callable[[Training], Training]) -> Training:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; the training as it
        now is.

        A change that returns its argument writes nothing. What `change` raises passes through and nothing is
        written. `TrainingNotFound` where there is none; `DatabaseUnavailable` when too many others keep winning.
        """
        return self._documents.update(training_id, change)

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

    def list_succeeded(self, trainer: str, *, limit: int) -> list[Training]:
        """Anybody's trainings with that trainer that succeeded, the latest first."""
        equal = {"trainer": trainer, "status": Status.SUCCEEDED.value}
        return list(self._documents.page(equal, newest="updated_at", limit=limit, cursor=None).items)

    def list_ended(self, status: Status, *, unchanged_since: datetime, limit: int) -> list[Training]:
        """Trainings in that status that nobody changed after that time, the longest unchanged first."""
        return self._documents.oldest("status", status, by="updated_at", until=unchanged_since, limit=limit)

    def delete(self, training_id: str) -> None:
        """Forget the training and its view, in one commit; no error where there is none."""
        self._documents.delete(training_id)

    def list_followed(self, *, limit: int) -> list[Training]:
        """Trainings that are under way or not finished, the longest unchanged first."""
        return self._documents.oldest("attention", Attention.FOLLOWED, by="updated_at", limit=limit)

    def list_watched(self, *, unchanged_since: datetime, limit: int) -> list[Training]:
        """Given up trainings that fal.ai may still deliver, the longest unchanged first."""
        attention = Attention.WATCHED
        return self._documents.oldest("attention", attention, by="updated_at", until=unchanged_since, limit=limit)


class FirestoreImageJobs:
    """Sets of pictures; every write is conditional on the version that was read."""

    def __init__(self, client: Client, *, patience: Patience | None = None) -> None:
        """Keep them in the collection `image_jobs`, and what the app sees of them in `images`."""
        self._documents = Documents(
            client, "image_jobs", ImageJob, missing=ImagesNotFound, shown=IMAGE_VIEWS, patience=patience
        )

    def get(self, job_id: str) -> ImageJob:
        """The set; `ImagesNotFound` where there is none."""
        return self._documents.get(job_id)

    def create(self, job: ImageJob) -> bool:
        """Write a new set; False, and nothing changed, where one with its id exists."""
        return self._documents.create(job.id, job)

    def update(self, job_id: str, change: Callable[[ImageJob], ImageJob]) -> ImageJob:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; as for trainings."""
        return self._documents.update(job_id, change)

    def delete(self, job_id: str) -> None:
        """Forget the set, and what the app sees of it; no error where there is none."""
        self._documents.delete(job_id)

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
        """The owner's sets, newest first; `InvalidRequest` for a cursor that is not one of ours."""
        wanted = {"owner_id": owner_id, "model_id": model_id, "group_id": group_id, "status": status}
        equal = {field: value for field, value in wanted.items() if value is not None}
        return self._documents.page(equal, newest="created_at", limit=limit, cursor=cursor)

    def list_ended(self, status: Status, *, unchanged_since: datetime, limit: int) -> list[ImageJob]:
        """Sets in that status that nobody changed after that time, the longest unchanged first."""
        return self._documents.oldest("status", status, by="updated_at", until=unchanged_since, limit=limit)

    def list_followed(self, *, limit: int) -> list[ImageJob]:
        """Sets that are under way or not finished, the longest unchanged first."""
        return self._documents.oldest("attention", Attention.FOLLOWED, by="updated_at", limit=limit)

    def list_watched(self, *, unchanged_since: datetime, limit: int) -> list[ImageJob]:
        """Sets that were given up while fal.ai may still deliver and that nobody changed after that time."""
        attention = Attention.WATCHED
        return self._documents.oldest("attention", attention, by="updated_at", until=unchanged_since, limit=limit)


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
