"""Every index that the queries of the repositories need, as data; the Terraform follows it and tests hold both to it.

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


def _oldest(collection: str, *equal: str) -> Index:
    return Index(collection, tuple((field, ASCENDING) for field in (*equal, "updated_at", "__name__")))


INDEXES: tuple[Index, ...] = (
    _newest("shoots", "owner_id", by="created_at"),
    _newest("trainings", "owner_id", by="created_at"),
    _newest("trainings", "owner_id", "status", by="created_at"),
    _newest("trainings", "owner_id", "shoot_id", by="created_at"),
    _newest("trainings", "owner_id", "status", "shoot_id", by="created_at"),
    _newest("trainings", "trainer", "status", by="updated_at"),
    _oldest("trainings", "status"),
    _oldest("trainings", "owner_id", "status"),
    _newest("erasures", "owner_id", by="requested_at"),
    _oldest("erasures", "state"),
    _newest("image_jobs", "owner_id", by="created_at"),
    _newest("image_jobs", "owner_id", "model_id", by="created_at"),
    _newest("image_jobs", "owner_id", "group_id", by="created_at"),
    _oldest("image_jobs", "status"),
    _oldest("image_jobs", "owner_id", "status"),
    _newest("models", "owner_id", by="trained_at"),
    _newest("models", "owner_id", "recipe", by="trained_at"),
    _newest("models", "owner_id", "person_id", "name", by="trained_at"),
    _newest("stories", "training_id", by="at"),
    _oldest("trainings", "attention"),
    _oldest("image_jobs", "attention"),
)

APP_INDEXES: tuple[Index, ...] = tuple(
    Index(collection, (*((field, ASCENDING) for field in equal), (by, DESCENDING), ("__name__", DESCENDING)))
    for collection, equal, by in (
        ("shoots", ("owner_id",), "created_at"),
        ("training_views", ("owner_id",), "created_at"),
        ("training_views", ("owner_id", "shoot_id"), "created_at"),
        ("models", ("owner_id",), "trained_at"),
        ("images", ("owner_id",), "created_at"),
        ("images", ("owner_id", "model_id"), "created_at"),
        ("images", ("owner_id", "group_id"), "created_at"),
    )
)
"""What the app needs to listen to its user's documents, newest first, as its SDK asks: names in the last direction."""


def _each(collection: str, *fields: str) -> tuple[tuple[str, str], ...]:
    return tuple((collection, field) for field in fields)


UNINDEXED: tuple[tuple[str, str], ...] = (
    *_each("accounts", "reservations", "settled", "settled_before", "write_mark"),
    *_each("shoots", "write_mark"),
    *_each("trainings", "captions", "claim", "dataset", "delivered", "error", "fal", "hindrance", "history"),
    *_each("trainings", "log_tail", "parameters", "progress", "quote", "sent", "without", "write_mark"),
    *_each("training_views", "error", "hindrance", "history", "parameters", "progress", "quote"),
    *_each("image_jobs", "claim", "delivered", "error", "fal", "hindrance", "history", "log_tail", "pictures"),
    *_each("image_jobs", "progress", "prompt", "quote", "sent", "write_mark"),
    *_each("images", "error", "hindrance", "history", "pictures", "progress", "prompt", "quote"),
    *_each("models", "further_weights", "parameters", "weights", "write_mark"),
    *_each("model_names", "versions", "write_mark"),
    *_each("notices", "notices", "write_mark"),
    *_each("erasures", "again", "batch", "deleted", "gone", "stays", "write_mark"),
    *_each("stories", "events", "expires_at", "message", "write_mark"),
)
"""(collection, field) that nothing is ever looked up by: exempt them from the automatic single-field indexes. All that
is no single value is here, and prompts, which are long and nobody's to be searched: progress is written every few
seconds with a log of a hundred lines, and each line would be an index entry of its own."""

EXPIRING: tuple[tuple[str, str], ...] = (("stories", "expires_at"),)
"""(collection, field) whose time ends a document's life: each needs a TTL policy, without which nothing is deleted."""
