"""Every index that the queries in `repositories.py` need, as data; the Terraform follows it and tests hold
both to it.

The emulator answers queries without their index, production refuses them (`FailedPrecondition`).
"""

from __future__ import annotations

from dataclasses import dataclass

ASCENDING = "ASCENDING"
DESCENDING = "DESCENDING"


@dataclass(frozen=True)
class Index:
    """A composite index: `fields` are (path, order), equality filters first, then the order of the results.

    Cloud Firestore adds the document's name in the last field's direction where it is not named.
    """

    collection: str
    fields: tuple[tuple[str, str], ...]


def _newest(collection: str, *equal: str, by: str) -> Index:
    filters = tuple((field, ASCENDING) for field in equal)
    return Index(collection, (*filters, (by, DESCENDING), ("__name__", ASCENDING)))


INDEXES: tuple[Index, ...] = (
    _newest("shoots", "owner_id", by="created_at"),
    _newest("trainings", "owner_id", by="created_at"),
    _newest("trainings", "owner_id", "status", by="created_at"),
    _newest("trainings", "owner_id", "shoot_id", by="created_at"),
    _newest("trainings", "owner_id", "status", "shoot_id", by="created_at"),
    _newest("trainings", "trainer", "status", by="updated_at"),
    _newest("models", "owner_id", by="trained_at"),
    _newest("models", "owner_id", "recipe", by="trained_at"),
    _newest("models", "owner_id", "person_id", "name", by="trained_at"),
    _newest("stories", "training_id", by="at"),
    Index("trainings", (("status", ASCENDING), ("updated_at", ASCENDING), ("__name__", ASCENDING))),
)

UNINDEXED: tuple[tuple[str, str], ...] = (
    ("accounts", "write_mark"),
    ("trainings", "captions"),
    ("trainings", "history"),
    ("trainings", "log_tail"),
    ("trainings", "parameters"),
    ("trainings", "progress"),
    ("models", "parameters"),
    ("models", "weights"),
    ("model_names", "versions"),
    ("stories", "events"),
    ("stories", "expires_at"),
    *((collection, "write_mark") for collection in ("shoots", "trainings", "models", "model_names", "stories")),
)
"""(collection, field) that nothing is ever looked up by: exempt them from the automatic single-field indexes.
Progress is written every few seconds with a log of a hundred lines, and each line would be an index entry of
its own."""

EXPIRING: tuple[tuple[str, str], ...] = (("stories", "expires_at"),)
"""(collection, field) whose time ends a document's life: each needs a TTL policy, without which nothing is deleted."""
