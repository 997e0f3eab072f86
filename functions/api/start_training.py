"""The use case behind "Train LoRA": record the training once, then announce it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from functions.api.given_captions import checked_captions, refuse_unknown_stems
from shared import logs
from shared.errors import Conflict, MessagingUnavailable, ShootNotFound, TrainingNotFound
from shared.events import TrainingRequested
from shared.ports import Clock, Objects, Publisher, ShootRepository, TrainingRepository
from shared.settings import DatasetSettings
from shared.shoots import Shoot, preprocessed_prefix, slug
from shared.shoots import pictures as pictures_in
from shared.trainers import trainer as spec_of
from shared.trainings import Training


def keyed_id(prefix: str, owner_id: str, key: str) -> str:
    """The id that an owner's idempotency key stands for: the same key gives the same id, and no other owner has it."""
    digest = hashlib.sha256(f"{owner_id}\0{key}".encode()).hexdigest()
    return f"{prefix}_{digest[:24]}"


def owned_shoot(shoot_id: str, owner_id: str, shoots: ShootRepository) -> Shoot:
    """The owner's shoot; `ShootNotFound` also where it is somebody else's."""
    shoot = shoots.get(shoot_id)
    if shoot.owner_id != owner_id:
        raise ShootNotFound(id=shoot_id)
    return shoot


def start_training(
    *,
    owner_id: str,
    key: str,
    shoot_id: str,
    trigger_word: str,
    model_name: str | None,
    trainer: str,
    parameters: Mapping[str, Any],
    captions: Mapping[str, str],
    shoots: ShootRepository,
    pictures: Objects,
    trainings: TrainingRepository,
    publisher: Publisher,
    clock: Clock,
    limits: DatasetSettings,
) -> Training:
    """The training that this key of this owner stands for: recorded and announced now, or as it was before.

    `captions`, by stem, are used in the place of the stored ones. `ShootNotFound`, `InvalidRequest` for what the
    trainer does not take or captions of no picture, `InvalidCaption`, `Conflict` where the key stood for another
    request. When announcing fails the training is recorded all the same: the monitor announces it.
    """
    spec = spec_of(trainer)
    shoot = owned_shoot(shoot_id, owner_id, shoots)
    wanted: dict[str, Any] = {
        "shoot_id": shoot.id,
        "trigger_word": trigger_word,
        "model_name": slug(model_name or shoot.costume_name),
        "trainer": spec.endpoint,
        "parameters": spec.checked(parameters),
    }
    if captions:
        wanted["captions"] = checked_captions(captions, max_characters=limits.max_caption_characters)
    training = Training.requested(
        at=clock.now(),
        id=keyed_id("t", owner_id, key),
        owner_id=owner_id,
        person_id=shoot.person_id,
        idempotency_hash=hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest(),
        **wanted,
    )
    if training.captions and not _is_recorded(training.id, trainings):
        refuse_unknown_stems(training.captions, _stems(shoot.id, pictures))
    if not trainings.create(training):
        return _same_as_before(training, trainings)
    logs.info("training_requested", training_id=training.id, shoot_id=shoot.id)
    _announce(training, publisher)
    return training


def _is_recorded(training_id: str, trainings: TrainingRepository) -> bool:
    try:
        trainings.get(training_id)
    except TrainingNotFound:
        return False
    return True


def _stems(shoot_id: str, bucket: Objects) -> set[str]:
    prefix = preprocessed_prefix(shoot_id)
    return {picture.stem for picture in pictures_in(bucket.list(prefix), prefix)}


def _same_as_before(training: Training, trainings: TrainingRepository) -> Training:
    before = trainings.get(training.id)
    if before.idempotency_hash != training.idempotency_hash:
        raise Conflict(reason="this Idempotency-Key was used for another training: take a new key")
    return before


def _announce(training: Training, publisher: Publisher) -> None:
    try:
        publisher.publish(TrainingRequested(training_id=training.id))
    except MessagingUnavailable as error:
        logs.warning("training_not_announced", training_id=training.id, reason=error.message)
