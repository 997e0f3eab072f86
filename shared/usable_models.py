"""The models that something may be made with: those that are there and are not being deleted."""

from __future__ import annotations

from shared.errors import ModelErased, ModelNotFound
from shared.jobs import Job
from shared.models import Model
from shared.ports import ModelRepository


def usable_model(model_id: str, models: ModelRepository) -> Model:
    """The model; `ModelErased` where it is deleted, or its erasure has begun."""
    try:
        model = models.get(model_id)
    except ModelNotFound as error:
        raise ModelErased(id=model_id, charged=False) from error
    refuse_if_erased(model)
    return model


def refuse_if_erased(model: Model) -> None:
    """`ModelErased` where the erasure of the model has begun."""
    if model.erasure_id is not None:
        raise ModelErased(id=model.id, charged=False)


def refuse_without_model(job: Job, models: ModelRepository) -> None:
    """`ModelErased` where the job needs a model that cannot be used any more.

    Whoever is about to pay asks this after the claim: the eraser marks a model before it looks who needs it, so one of
    the two sees the other.
    """
    if job.needs_model_id is not None:
        usable_model(job.needs_model_id, models)
