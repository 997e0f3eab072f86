"""The weights that a training continues from."""

from __future__ import annotations

from shared.errors import CannotContinue, ModelNotFound
from shared.lineage import refuse_unless_continuable
from shared.ports import ModelRepository, Objects
from shared.trainers import trainer as spec_of
from shared.trainings import Training


def parent_weights(training: Training, *, models: ModelRepository, kept: Objects) -> str | None:
    """The object in `kept` with the weights to begin with; None where the training begins afresh.

    `CannotContinue` where they have been deleted since it was asked for; looked at again with every announcement, for
    fal.ai would run without them, or fail, and either may cost money.
    """
    if training.continued_model_id is None:
        return None
    try:
        parent = models.get(training.continued_model_id)
    except ModelNotFound as error:
        raise CannotContinue(reason="it has been deleted") from error
    if parent.owner_id != training.owner_id:
        raise CannotContinue(reason="it has been deleted")
    refuse_unless_continuable(parent, spec_of(training.trainer))
    name = parent.lora_uri.removeprefix(f"{kept.uri}/")
    if kept.stat(name) is None:
        raise CannotContinue(reason="its weights are not in the bucket any more")
    return name
