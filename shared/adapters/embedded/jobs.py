"""Jobs of both kinds in SQLite."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Generic, TypeVar

from shared.adapters.embedded.database import Database
from shared.adapters.embedded.documents import Table
from shared.adapters.paging import to_micros
from shared.errors import DatabaseUnavailable, ImagesNotFound, JobNotFound, TrainingNotFound
from shared.image_jobs import ImageJob
from shared.jobs import Job
from shared.ports import Page
from shared.stages import Attention, Status
from shared.trainings import Training

_UPDATE_ATTEMPTS = 30
_MAX_PAUSE_S = 0.05

J = TypeVar("J", bound=Job)


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

    def list_ended(
        self, status: Status, *, unchanged_since: datetime, limit: int, owner_id: str | None = None
    ) -> list[J]:
        """Jobs in that status that nobody changed after that time, the longest unchanged first."""
        wanted = "status = ? AND updated_at <= ? ORDER BY updated_at, id LIMIT ?"
        values = (status.value, to_micros(unchanged_since), limit)
        if owner_id is not None:
            return self._found(f"owner_id = ? AND {wanted}", owner_id, *values)
        return self._found(wanted, *values)

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

    def list_by_recipe(self, owner_id: str, recipe: str, statuses: Collection[Status]) -> list[Training]:
        """All of the owner's trainings with that recipe that stand in one of the statuses, the newest first."""
        wanted = (
            "owner_id = ? AND json_extract(document, '$.recipe') = ? AND status IN (SELECT value FROM json_each(?))"
        )
        named = json.dumps([status.value for status in statuses])
        return self._found(f"{wanted} ORDER BY created_at DESC", owner_id, recipe, named)

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
    ) -> Page[ImageJob]:
        """The owner's sets, newest first; `InvalidRequest` for a bad cursor."""
        wanted = {"model_id": model_id, "group_id": group_id}
        equal = {f"json_extract(document, '$.{field}')": value for field, value in wanted.items() if value is not None}
        return self._table.page(owner_id, limit=limit, cursor=cursor, **equal)


def _indexed(job: Job) -> dict[str, Any]:
    return {
        "updated_at": to_micros(job.updated_at),
        "status": job.status.value,
        "unfinished": int(job.attention is Attention.FOLLOWED),
    }
