"""Which version of its name a training becomes: the next free number, never one whose folder is another's."""

from __future__ import annotations

import json

from shared import logs
from shared.models import DESCRIPTION, version_prefix
from shared.ports import ModelRepository, Objects
from shared.trainings import Training


def number_version(training: Training, *, models: ModelRepository, bucket: Objects) -> int:
    """The number of this training's version, the same one however often it is asked.

    The database gives every number once. One that was restored from a backup has forgotten some, and what was paid for
    lies in their folders: such a number is passed over, and said to be taken.
    """
    person, name, own = training.person_id, training.model_name, training.id
    version = models.allocate_version(person, name, own)
    while (kept_for := _kept_for(version_prefix(person, name, version), bucket)) not in (None, own):
        logs.error("version_was_taken", training_id=own, version=version, other_training_id=kept_for)
        version = models.allocate_version(person, name, own, above=version)
    logs.info("version_allocated", training_id=own, version=version)
    return version


def _kept_for(prefix: str, bucket: Objects) -> str | None:
    """The training whose model the folder is for; None where it is nobody's yet, empty where that cannot be read."""
    name = f"{prefix}{DESCRIPTION}"
    if bucket.stat(name) is None:
        return None
    try:
        return str(json.loads(b"".join(bucket.read(name)))["training_id"])
    except (ValueError, TypeError, KeyError):
        return ""
