"""The weights that a training continues from."""

from __future__ import annotations

from shared.errors import CannotContinue, ModelErased
from shared.lineage import refuse_unless_continuable
from shared.ports import ModelRepository, Objects
from shared.trainers import trainer as spec_of
from shared.trainings import Training
from shared.usable_models import usable_model


def parent_weights(training: Training, *, models: ModelRepository, kept: Objects) -> str | None:
    """The object in `kept` with the weights to begin with; None where the training begins afresh.

    `ModelErased` where the model is being deleted, `CannotContinue` where its weights are gone; looked at again with
    every announcement, for fal.ai would run without them, or fail, and either may cost money.
    """
    if training.continued_model_id is None:
        return None
    parent = usable_model(training.continued_model_id, models)
    if parent.owner_id != training.owner_id:
        raise ModelErased(id=parent.id)
    refuse_unless_continuable(parent, spec_of(training.trainer))
    name = parent.lora_uri.removeprefix(f"{kept.uri}/")
    if kept.stat(name) is None:
        raise CannotContinue(reason="its weights are not in the bucket any more")
    return name
