"""The repositories in SQLite. Everything raises `DatabaseUnavailable` where the file refuses."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Generic, TypeVar

from shared.accounts import Account
from shared.adapters.embedded.database import Database
from shared.adapters.embedded.documents import Table, to_json
from shared.adapters.paging import to_micros
from shared.documents import from_document
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

_UPDATE_ATTEMPTS = 30
_MAX_PAUSE_S = 0.05
_VERSION = "SELECT version FROM version_numbers WHERE name_key = ? AND training_id = ?"

J = TypeVar("J", bound=Job)


class SqliteShoots:
    """Shoots; fulfils `ShootRepository`."""

    def __init__(self, database: Database) -> None:
        """Keep the shoots in `database`."""
        self._database = database
        self._table = Table(database, "shoots", Shoot, lambda shoot: shoot.created_at)

    def get(self, shoot_id: str) -> Shoot:
        """The shoot; `ShootNotFound` where there is none."""
        if (shoot := self._table.find(shoot_id)) is None:
            raise ShootNotFound(id=shoot_id)
        return shoot

    def create(self, shoot: Shoot) -> bool:
        """Write a new shoot; False, and nothing changed, where one with its id exists."""
        with self._database.writing() as connection:
            return self._table.insert(connection, shoot)

    def delete(self, shoot_id: str) -> None:
        """Forget the shoot; no error where there is none."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM shoots WHERE id = ?", (shoot_id,))

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Shoot]:
        """The owner's shoots, newest first; `InvalidRequest` for a bad cursor."""
        return self._table.page(owner_id, limit=limit, cursor=cursor)


class _SqliteJobs(Generic[J]):
    """Jobs of one kind with their versions, in a table of its name."""

    def __init__(self, database: Database, name: str, kind: type[J], missing: type[JobNotFound]) -> None:
        self._database = database
        self._missing = missing
        self._table = Table(database, name, kind, lambda job: job.created_at)

    def get(self, job_id: str) -> J:
        """The job; `missing` where there is none."""
        return self._read(job_id)[0]

    def create(self, job: J) -> bool:
        """Write a new job; False, and nothing changed, where one with its id exists."""
        with self._database.writing() as connection:
            return self._table.insert(connection, job, version=1, **_indexed(job))

    def update(self, job_id: str, change: Callable[[J], J]) -> J:
        """Read, apply, write where nobody wrote in between, else again after a moment; see the port."""
        for attempt in range(_UPDATE_ATTEMPTS):
            job, version = self._read(job_id)
            changed = change(job)
            if changed == job or self._replace(changed, version):
                return changed
            time.sleep(random.uniform(0, min(0.001 * 2**attempt, _MAX_PAUSE_S)))
        raise DatabaseUnavailable(reason=f"the {job.noun} {job_id} is being changed by too many at once")

    def delete(self, job_id: str) -> None:
        """Forget the job; no error where there is none."""
        with self._database.writing() as connection:
            connection.execute(f"DELETE FROM {self._table.name} WHERE id = ?", (job_id,))

    def list_followed(self, *, limit: int) -> list[J]:
        """Jobs that are under way or not finished, the longest unchanged first."""
        return self._found("unfinished ORDER BY updated_at, id LIMIT ?", limit)

    def list_watched(self, *, unchanged_since: datetime, limit: int) -> list[J]:
        """Given up jobs that fal.ai may still deliver, the longest unchanged first."""
        watched = (
            "json_extract(document, '$.attention') = 'watched' AND updated_at <= ? ORDER BY updated_at, id LIMIT ?"
        )
        return self._found(watched, to_micros(unchanged_since), limit)

    def list_ended(self, status: Status, *, unchanged_since: datetime, limit: int) -> list[J]:
        """Jobs in that status that nobody changed after that time, the longest unchanged first."""
        wanted = "status = ? AND updated_at <= ? ORDER BY updated_at, id LIMIT ?"
        return self._found(wanted, status.value, to_micros(unchanged_since), limit)

    def _found(self, where: str, *values: Any) -> list[J]:
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT document FROM {self._table.name} WHERE {where}", values).fetchall()
        return [self._table.value(row[0]) for row in rows]

    def _read(self, job_id: str) -> tuple[J, int]:
        query = f"SELECT document, version FROM {self._table.name} WHERE id = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, (job_id,)).fetchone()
        if row is None:
            raise self._missing(id=job_id)
        return self._table.value(row[0]), row[1]

    def _replace(self, job: J, version: int) -> bool:
        columns = self._table.row(job) | _indexed(job)
        job_id = columns.pop("id")
        assignments = ", ".join(f"{column} = ?" for column in columns)
        statement = f"UPDATE {self._table.name} SET {assignments}, version = version + 1 WHERE id = ? AND version = ?"
        with self._database.writing() as connection:
            return connection.execute(statement, (*columns.values(), job_id, version)).rowcount == 1


class SqliteTrainings(_SqliteJobs[Training]):
    """Trainings with their versions; fulfils `TrainingRepository`."""

    def __init__(self, database: Database) -> None:
        """Keep the trainings in `database`."""
        super().__init__(database, "trainings", Training, TrainingNotFound)

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
        equal = {} if status is None else {"status": status.value}
        if shoot_id is not None:
            equal["json_extract(document, '$.shoot_id')"] = shoot_id
        return self._table.page(owner_id, limit=limit, cursor=cursor, **equal)

    def list_succeeded(self, trainer: str, *, limit: int) -> list[Training]:
        """Anybody's trainings with that trainer that succeeded, the latest first."""
        wanted = "status = ? AND json_extract(document, '$.trainer') = ? ORDER BY updated_at DESC, id DESC LIMIT ?"
        return self._found(wanted, Status.SUCCEEDED.value, trainer, limit)


class SqliteImageJobs(_SqliteJobs[ImageJob]):
    """Sets of pictures with their versions; fulfils `ImageJobRepository`."""

    def __init__(self, database: Database) -> None:
        """Keep the sets in `database`."""
        super().__init__(database, "image_jobs", ImageJob, ImagesNotFound)

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
        wanted = {"model_id": model_id, "group_id": group_id}
        equal = {f"json_extract(document, '$.{field}')": value for field, value in wanted.items() if value is not None}
        if status is not None:
            equal["status"] = status.value
        return self._table.page(owner_id, limit=limit, cursor=cursor, **equal)


class SqliteModels:
    """Models and their numbers; fulfils `ModelRepository`."""

    def __init__(self, database: Database) -> None:
        """Keep the models in `database`."""
        self._database = database
        self._table = Table(database, "models", Model, lambda model: model.trained_at)

    def get(self, model_id: str) -> Model:
        """The model; `ModelNotFound` where there is none."""
        if (model := self._table.find(model_id)) is None:
            raise ModelNotFound(id=model_id)
        return model

    def create(self, model: Model) -> bool:
        """Write a new model; False, and nothing changed, where one with its id exists."""
        with self._database.writing() as connection:
            return self._table.insert(connection, model)

    def update(self, model_id: str, change: Callable[[Model], Model]) -> Model:
        """Read, apply, write, all in one transaction; see the port."""
        with self._database.writing() as connection:
            row = connection.execute("SELECT document FROM models WHERE id = ?", (model_id,)).fetchone()
            if row is None:
                raise ModelNotFound(id=model_id)
            changed = change(self._table.value(row[0]))
            connection.execute("UPDATE models SET document = ? WHERE id = ?", (to_json(changed), model_id))
        return changed

    def delete(self, model_id: str) -> None:
        """Forget the model; no error where there is none."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM models WHERE id = ?", (model_id,))

    def find_by_recipe(self, owner_id: str, recipe: str) -> Model | None:
        """The latest of the owner's models with that recipe."""
        found = self._owned(owner_id, "created_at DESC, id DESC LIMIT 1", recipe=recipe)
        return found[0] if found else None

    def list_versions(self, owner_id: str, person_id: str, name: str) -> list[Model]:
        """Every version of a name of the owner's, the newest number first."""
        return self._owned(owner_id, "json_extract(document, '$.version') DESC", person_id=person_id, name=name)

    def _owned(self, owner_id: str, order: str, **equal: str) -> list[Model]:
        conditions = " AND ".join(f"json_extract(document, '$.{field}') = ?" for field in equal)
        query = f"SELECT document FROM models WHERE owner_id = ? AND {conditions} ORDER BY {order}"
        with self._database.reading() as connection:
            rows = connection.execute(query, (owner_id, *equal.values())).fetchall()
        return [self._table.value(row[0]) for row in rows]

    def allocate_version(self, person_id: str, name: str, training_id: str, *, above: int = 0) -> int:
        """The number of this training's version of that name: 1, 2, 3 …; the same one however often asked."""
        key = name_key(person_id, name)
        with self._database.writing() as connection:
            # max + 1 keeps the numbers dense, ON CONFLICT keeps the one that this training has where it will do
            connection.execute(
                "INSERT INTO version_numbers (name_key, training_id, version)"
                " SELECT :key, :training_id, max(coalesce(max(version), 0), :above) + 1 FROM version_numbers"
                " WHERE name_key = :key ON CONFLICT (name_key, training_id)"
                " DO UPDATE SET version = excluded.version WHERE version <= :above",
                {"key": key, "training_id": training_id, "above": above},
            )
            row: tuple[int] = connection.execute(_VERSION, (key, training_id)).fetchone()
        return row[0]

    def version_of(self, person_id: str, name: str, training_id: str) -> int | None:
        """The number that was given; None where none was."""
        with self._database.reading() as connection:
            row = connection.execute(_VERSION, (name_key(person_id, name), training_id)).fetchone()
        return row[0] if row else None

    def forget_name(self, person_id: str, name: str) -> None:
        """Nothing to do: numbers are kept by a hash of the name."""

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Model]:
        """The owner's models, newest first; `InvalidRequest` for a bad cursor."""
        return self._table.page(owner_id, limit=limit, cursor=cursor)

    def latest_for_shoots(self, owner_id: str, shoot_ids: Collection[str]) -> dict[str, Model]:
        """The owner's latest model of each of these shoots, by the shoot's id."""
        query = (
            "SELECT document FROM models WHERE owner_id = ?"
            " AND json_extract(document, '$.shoot_id') IN (SELECT value FROM json_each(?))"
        )
        with self._database.reading() as connection:
            rows = connection.execute(query, (owner_id, json.dumps(list(shoot_ids)))).fetchall()
        return latest_by_shoot(self._table.value(row[0]) for row in rows)


class SqliteAccounts:
    """What users have reserved and spent; fulfils `AccountRepository`."""

    def __init__(self, database: Database) -> None:
        """Keep the accounts in `database`."""
        self._database = database

    def get(self, owner_id: str) -> Account:
        """The owner's account; an empty one where nothing was ever reserved."""
        with self._database.reading() as connection:
            return self._read(connection, owner_id)

    def update(self, owner_id: str, change: Callable[[Account], Account]) -> Account:
        """Read, apply, write, all in one transaction; see the port."""
        with self._database.writing() as connection:
            changed = change(self._read(connection, owner_id))
            statement = "INSERT OR REPLACE INTO accounts (id, document) VALUES (?, ?)"
            connection.execute(statement, (owner_id, to_json(changed)))
        return changed

    def _read(self, connection: sqlite3.Connection, owner_id: str) -> Account:
        row = connection.execute("SELECT document FROM accounts WHERE id = ?", (owner_id,)).fetchone()
        return from_document(Account, json.loads(row[0])) if row else Account(id=owner_id)


def _indexed(job: Job) -> dict[str, Any]:
    return {
        "updated_at": to_micros(job.updated_at),
        "status": job.status.value,
        "unfinished": int(job.attention is Attention.FOLLOWED),
    }
