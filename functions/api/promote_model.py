"""The use case behind "Make current": of all versions of a name, this is the one to use."""

from __future__ import annotations

from shared import logs
from shared.lineage import promoted
from shared.models import Model
from shared.ports import Clock, ModelRepository


def promote_model(model: Model, *, models: ModelRepository, clock: Clock) -> Model:
    """The model as the current version of its name; promoting it again changes nothing.

    One document is written, conditionally: which version is current follows from all of them (`shared/lineage.py`), so
    however many promote at once, one of theirs is current in the end.
    """
    versions = models.list_versions(model.owner_id, model.person_id, model.name)
    done = models.update(model.id, lambda m: promoted(m, versions, at=clock.now()))
    logs.info("model_promoted", model_id=model.id, version=model.version)
    return done
