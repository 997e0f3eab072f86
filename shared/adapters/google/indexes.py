"""Every index that the queries in `repositories.py` need, as data; the Terraform follows it and tests hold both to it.

The emulator answers queries without their index, production refuses them (`FailedPrecondition`). Cloud Firestore adds
the document's name to each composite index by itself, in the direction of the last field.
"""

from __future__ import annotations

from dataclasses import dataclass

ASCENDING = "ASCENDING"
DESCENDING = "DESCENDING"


@dataclass(frozen=True)
class Index:
    """A composite index: `fields` are (path, order), equality filters first, the order of the results last."""

    collection: str
    fields: tuple[tuple[str, str], ...]


INDEXES: tuple[Index, ...] = (
    Index("shoots", (("owner_id", ASCENDING), ("created_at", DESCENDING))),
    Index("trainings", (("owner_id", ASCENDING), ("created_at", DESCENDING))),
    Index("trainings", (("owner_id", ASCENDING), ("status", ASCENDING), ("created_at", DESCENDING))),
    Index("trainings", (("status", ASCENDING), ("updated_at", ASCENDING))),
    Index("models", (("owner_id", ASCENDING), ("trained_at", DESCENDING))),
)

UNINDEXED: tuple[tuple[str, str], ...] = (
    ("trainings", "history"),
    ("trainings", "log_tail"),
    ("trainings", "parameters"),
    ("trainings", "progress"),
    ("models", "parameters"),
    ("models", "weights"),
    ("model_names", "versions"),
)
"""(collection, field) that nothing is ever looked up by: exempt them from the automatic single-field indexes. Progress is
written every few seconds with a log of a hundred lines, and each line would be an index entry of its own."""
