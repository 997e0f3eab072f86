"""The use case behind "Delete model": the files first, then the document, so that nothing is left without a name."""

from __future__ import annotations

from shared import logs
from shared.errors import Conflict
from shared.models import Model, version_prefix
from shared.ports import ModelRepository, Objects


def delete_model(model: Model, confirm: str, *, models: ModelRepository, bucket: Objects) -> None:
    """Delete weights, configuration and document for good. `Conflict` unless `confirm` is the model's name."""
    if confirm != model.name:
        raise Conflict(reason=f"to delete this model for good, confirm with its name, {model.name}")
    for found in list(bucket.list(version_prefix(model.person_id, model.name, model.version))):
        bucket.delete(found.name)
    models.delete(model.id)
    logs.info("model_deleted", model_id=model.id)
