"""The use case behind "Train again" and "Continue": a model's own training with changes, as the next version."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from functions.api.start_training import Desk, Wish, start_training
from shared import logs
from shared.errors import CannotContinue, TrainingNotFound
from shared.lineage import refuse_unless_continuable
from shared.models import Model
from shared.ports import Objects, TrainingRepository
from shared.trainers import TrainerSpec
from shared.trainers import trainer as spec_of
from shared.trainers.presets import preset_values
from shared.trainings import Training


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What is to be different; None is as it was. Of `parameters` those that are not given are as they were.

    `captions` and `without` take the place of all that were given for the training before.
    """

    trigger_word: str | None = None
    trainer: str | None = None
    preset: str | None = None
    parameters: Mapping[str, Any]
    captions: Mapping[str, str] | None = None
    without: Collection[str] | None = None
    continues: bool = False
    force: bool = False


def retrain_model(parent: Model, key: str, changes: Changes, *, desk: Desk, kept: Objects) -> Training:
    """A training of the parent's shoot, as it was trained but for `changes`; it gives the next version of its name.

    `CannotContinue` where it should begin with weights that the trainer cannot take or that are gone; else as
    `start_training`. The same key gives the same training.
    """
    spec = spec_of(changes.trainer or parent.trainer)
    if changes.continues:
        refuse_unless_continuable(parent, spec)
        if kept.stat(parent.lora_uri.removeprefix(f"{kept.uri}/")) is None:
            raise CannotContinue(reason="its weights are not in the bucket any more")
    before = _training_of(parent, desk.trainings)
    captions = (before.captions if before else {}) if changes.captions is None else changes.captions
    without = (before.without if before else ()) if changes.without is None else changes.without
    wish = Wish(
        shoot_id=parent.shoot_id,
        trigger_word=changes.trigger_word or parent.trigger_word,
        model_name=parent.name,
        trainer=spec.endpoint,
        parameters=_parameters(parent, spec, changes),
        preset=changes.preset or _preset(before, spec),
        captions=captions,
        without=without,
        force=changes.force,
        parent_model_id=parent.id,
        continues=changes.continues,
        inherited={*before.captions, *before.without} if before else (),
    )
    training = start_training(parent.owner_id, key, wish, desk)
    logs.info("model_retrained", training_id=training.id, model_id=parent.id, continues=changes.continues)
    return training


def _training_of(model: Model, trainings: TrainingRepository) -> Training | None:
    try:
        return trainings.get(model.training_id)
    except TrainingNotFound:
        return None


def _parameters(parent: Model, spec: TrainerSpec, changes: Changes) -> dict[str, Any]:
    """The parent's, but for what a preset that is chosen anew sets, but for what is given; another trainer's are its
    own: a number that suits one may spoil another.
    """
    if parent.trainer != spec.endpoint:
        return dict(changes.parameters)
    return {**parent.parameters, **preset_values(spec, changes.preset), **changes.parameters}


def _preset(before: Training | None, spec: TrainerSpec) -> str | None:
    """The word for what the training before was to learn; one that the trainer does not offer is none."""
    return before.preset if before and before.trainer == spec.endpoint and before.preset in spec.presets else None
