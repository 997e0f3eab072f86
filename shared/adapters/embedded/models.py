"""Models and the numbers of their versions in SQLite."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection

from shared.adapters.embedded.database import Database
from shared.adapters.embedded.documents import Table, to_json
from shared.errors import ModelNotFound
from shared.models import Model, latest_by_shoot, name_key
from shared.ports import Page

_VERSION = "SELECT version FROM version_numbers WHERE name_key = ? AND training_id = ?"


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
