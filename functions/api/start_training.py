"""The use case behind "Train LoRA": record the training once, then announce it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from functions.api.given_captions import checked_captions, checked_stems, refuse_unknown_stems
from shared.datasets import chosen
from shared.errors import (
    AlreadyPaid,
    AlreadyTrained,
    AlreadyTraining,
    ProductError,
    ShootNotFound,
    SubmissionUncertain,
)
from shared.fingerprints import fingerprint
from shared.jobs import keyed_id
from shared.orders import Desk, begin, request_hash, the_same
from shared.ports import ModelRepository, Objects, ShootRepository
from shared.samples import samples_of, with_samples
from shared.settings import DatasetSettings
from shared.shoots import Shoot, preprocessed_prefix, slug
from shared.shoots import pictures as pictures_in
from shared.stages import Status
from shared.trainers import checked
from shared.trainers import trainer as spec_of
from shared.trainings import Training
from shared.usable_models import refuse_without_model

# Where a training stands that fal.ai was, or may have been, paid for, and that has no model.
PAID_FOR = (Status.MIRRORING, Status.FAILED)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a user wants trained; `captions`, by stem, are used in the place of the stored ones, `without` are the stems
    of pictures to be left out.

    What `parameters` do not say is as the `preset` has it, else the trainer's default.
    `samples` is how many pictures are made with the model by themselves; None is as it is set up.
    `force` trains although the same input already gave a model, or is being trained; `predecessor_id` is the training
    that this one repeats,
    `parent_model_id` the model that it trains again, and, where it `continues`, whose weights it begins with: whoever
    wishes that has found out that the trainer can. `inherited` are stems that were told for an earlier training: their
    pictures may be gone since.
    """

    shoot_id: str
    trigger_word: str
    trainer: str
    parameters: Mapping[str, Any]
    preset: str | None = None
    model_name: str | None = None
    captions: Mapping[str, str] = field(default_factory=dict)
    force: bool = False
    predecessor_id: str | None = None
    without: Collection[str] = ()
    parent_model_id: str | None = None
    continues: bool = False
    inherited: Collection[str] = ()
    samples: int | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingDesk(Desk):
    """The ports of starting a training; `samples` are made with a model where nothing is said of them."""

    shoots: ShootRepository
    pictures: Objects
    models: ModelRepository
    dataset_limits: DatasetSettings
    samples: int = 0


def owned_shoot(shoot_id: str, owner_id: str, shoots: ShootRepository) -> Shoot:
    """The owner's shoot; `ShootNotFound` also where it is somebody else's."""
    shoot = shoots.get(shoot_id)
    if shoot.owner_id != owner_id:
        raise ShootNotFound(id=shoot_id)
    return shoot


def begun_before(owner_id: str, key: str, desk: TrainingDesk) -> Training | None:
    """The training that this key of this owner stands for, as it is now."""
    return cast("Training | None", desk.jobs.find(keyed_id("t", owner_id, key)))


def start_training(
    owner_id: str, key: str, wish: Wish, desk: TrainingDesk, *, press_hash: str | None = None
) -> Training:
    """The training that this key of this owner stands for: recorded and announced now, or as it was before.

    The same press again is known by its words alone, whatever became since of what they are about; `press_hash` stands
    for them where they are not those of the wish.
    `ShootNotFound`; `InvalidParameter` for what the trainer does not take; `InvalidRequest` for no such trainer or
    preset, or for words about pictures that the shoot does not have; `InvalidCaption`; `AlreadyTraining`,
    `AlreadyTrained` and `AlreadyPaid`; `ModelErased` where it would begin with the weights of a model that is being
    deleted; `TooManyTrainings` and `BudgetExceeded`; `Conflict` where the key stood for
    another request. When announcing fails the training is recorded all the same: the monitor announces it.

    Reserving comes before looking for a model: the same under another key is either still reserved or has its model.
    """
    press_hash = press_hash or request_hash(vars(wish))
    before = begun_before(owner_id, key, desk)
    if before is not None and before.press_hash == press_hash:
        return before
    training = _wanted(owner_id, key, wish, desk)
    if before is not None:
        return the_same(before, training)
    refuse_without_model(training, desk.models)
    training = replace(training, press_hash=press_hash, recipe=_recipe(training, wish.inherited, desk))
    return begin(training, desk, refusal=lambda: _bought_before(training, desk))


def _wanted(owner_id: str, key: str, wish: Wish, desk: TrainingDesk) -> Training:
    spec = spec_of(wish.trainer)
    shoot = owned_shoot(wish.shoot_id, owner_id, desk.shoots)
    wanted: dict[str, Any] = {
        "shoot_id": shoot.id,
        "trigger_word": wish.trigger_word,
        "model_name": slug(wish.model_name or shoot.costume_name),
        "trainer": spec.endpoint,
        "parameters": checked(spec, wish.parameters, wish.preset),
        "captions": checked_captions(wish.captions, max_characters=desk.dataset_limits.max_caption_characters),
    }
    # only where they are: what was asked for before there were such wishes is still the same request
    lineage = {"without": checked_stems(wish.without), "parent_model_id": wish.parent_model_id}
    wanted |= {name: value for name, value in {**lineage, "continues": wish.continues}.items() if value}
    digest = {**wanted, **({} if wish.samples is None else {"samples": wish.samples})}
    samples = samples_of(spec, wish.samples, by_default=desk.samples)
    return Training.requested(
        at=desk.clock.now(),
        id=keyed_id("t", owner_id, key),
        owner_id=owner_id,
        person_id=shoot.person_id,
        idempotency_hash=request_hash(digest),
        quote=with_samples(spec.quote(wanted["parameters"]), spec, samples),
        samples=samples,
        preset=wish.preset,
        predecessor_id=wish.predecessor_id,
        forced=wish.force,
        **wanted,
    )


def _bought_before(training: Training, desk: TrainingDesk) -> ProductError | None:
    """Why the same is not bought again unless that is forced: it has a model, or fal.ai has, or may have, what was paid
    for, or that is being fetched.

    All of them are looked at in one question, and models after it: nothing can move past it from one place to another.
    """
    if training.forced:
        return None
    earlier = desk.jobs.trainings.list_by_recipe(training.owner_id, training.recipe, PAID_FOR)
    if model := desk.models.find_by_recipe(training.owner_id, training.recipe):
        return AlreadyTrained(model_id=model.id)
    for before in earlier:
        if before.status is Status.MIRRORING:
            return AlreadyTraining(training_id=before.id)
        if before.is_recoverable or (before.error is not None and before.error.code == SubmissionUncertain.code):
            return AlreadyPaid(training_id=before.id)
    return None


def _recipe(training: Training, inherited: Collection[str], desk: TrainingDesk) -> str:
    prefix = preprocessed_prefix(training.shoot_id)
    found = list(pictures_in(desk.pictures.list(prefix), prefix))
    known = {picture.stem for picture in found}.union(inherited)
    refuse_unknown_stems(training.captions, known, "captions are given for")
    refuse_unknown_stems(training.without, known, "it is to leave out")
    return training.recipe_of(fingerprint(chosen(found, training.without), training.captions))
