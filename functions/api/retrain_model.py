"""The use case behind "Train again" and "Continue": a model's own training with changes, as the next version."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from functions.api.start_training import TrainingDesk, Wish, begun_before, start_training
from shared import logs
from shared.errors import CannotContinue, TrainingNotFound
from shared.lineage import refuse_unless_continuable
from shared.models import Model
from shared.orders import request_hash
from shared.ports import Objects, TrainingRepository
from shared.trainers import TrainerSpec
from shared.trainers import trainer as spec_of
from shared.trainers.presets import preset_values
from shared.trainings import Training
from shared.usable_models import refuse_if_erased


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
    samples: int | None = None


@dataclass(frozen=True, kw_only=True)
class Heritage:
    """What a model was trained with, as far as that is still known: what training it again begins with.

    Without its training, which may be deleted, nobody knows preset, given captions and what was left out.
    """

    trigger_word: str
    trainer: str
    parameters: Mapping[str, Any]
    preset: str | None = None
    captions: Mapping[str, str]
    without: Collection[str]


def heritage_of(parent: Model, trainings: TrainingRepository) -> Heritage:
    """The heritage of a model."""
    try:
        before = trainings.get(parent.training_id)
    except TrainingNotFound:
        before = None
    return Heritage(
        trigger_word=parent.trigger_word,
        trainer=parent.trainer,
        parameters=parent.parameters,
        # a word that the trainer offers no more is none
        preset=before.preset if before and before.preset in spec_of(parent.trainer).presets else None,
        captions=before.captions if before else {},
        without=before.without if before else (),
    )


def refuse_to_continue(parent: Model, spec: TrainerSpec, kept: Objects) -> None:
    """`ModelErased` or `CannotContinue` where a training cannot begin with the parent's weights."""
    refuse_if_erased(parent)
    refuse_unless_continuable(parent, spec)
    if kept.stat(parent.lora_uri.removeprefix(f"{kept.uri}/")) is None:
        raise CannotContinue(reason="its weights are not in the bucket any more")


def retrain_model(parent: Model, key: str, changes: Changes, *, desk: TrainingDesk, kept: Objects) -> Training:
    """A training of the parent's shoot, as it was trained but for `changes`; it gives the next version of its name.

    `ModelErased` and `CannotContinue` where it should begin with weights that are being deleted, that the trainer
    cannot take, or that are gone; else as `start_training`. The same key gives the same training.
    """
    press_hash = request_hash({"model_id": parent.id, **vars(changes)})
    made = begun_before(parent.owner_id, key, desk)
    if made is not None and made.press_hash == press_hash:
        return made
    spec = spec_of(changes.trainer or parent.trainer)
    if changes.continues:
        refuse_to_continue(parent, spec, kept)
    before = heritage_of(parent, desk.jobs.trainings)
    wish = Wish(
        shoot_id=parent.shoot_id,
        trigger_word=changes.trigger_word or parent.trigger_word,
        model_name=parent.name,
        trainer=spec.endpoint,
        parameters=_parameters(parent, spec, changes),
        preset=changes.preset or (before.preset if spec.endpoint == before.trainer else None),
        captions=before.captions if changes.captions is None else changes.captions,
        without=before.without if changes.without is None else changes.without,
        force=changes.force,
        parent_model_id=parent.id,
        continues=changes.continues,
        inherited={*before.captions, *before.without},
        samples=changes.samples,
    )
    training = start_training(parent.owner_id, key, wish, desk, press_hash=press_hash)
    logs.info("model_retrained", training_id=training.id, model_id=parent.id, continues=changes.continues)
    return training


def _parameters(parent: Model, spec: TrainerSpec, changes: Changes) -> dict[str, Any]:
    """The parent's, but for what a preset that is chosen anew sets, but for what is given; another trainer's are its
    own: a number that suits one may spoil another.
    """
    if parent.trainer != spec.endpoint:
        return dict(changes.parameters)
    return {**parent.parameters, **preset_values(spec, changes.preset), **changes.parameters}
