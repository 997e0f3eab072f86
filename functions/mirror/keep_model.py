"""Verified artifacts get their kept names, and everything that belongs beside them is written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from functions.mirror.fetch_artifacts import Kept, KeptFile
from functions.mirror.model_card import model_card
from functions.mirror.origin import Origin
from shared.documents import to_document
from shared.errors import ArtifactCorrupt
from shared.manifests import FILE_NAME, to_bytes
from shared.models import DESCRIPTION, Model, WeightsFile, model_id, version_prefix, weights_name
from shared.ports import Objects
from shared.trainings import Training


def keep_model(
    training: Training,
    kept: Kept,
    version: int,
    origin: Origin,
    *,
    log: Iterable[str],
    cost_usd: float | None,
    bucket: Objects,
    at: datetime,
) -> Model:
    """Give the verified files their kept names and write what belongs beside them; the model to be recorded.

    Repeatable: the same training and version write the same names. Whose the folder is stands there before the weights.
    """
    prefix = version_prefix(training.person_id, training.model_name, version)
    names = [f"{prefix}{weights_name(training.model_name, version, file.part)}" for file in kept.files]
    files = tuple(_named(file, f"{bucket.uri}/{name}") for file, name in zip(kept.files, names, strict=True))
    model = _model(training, files, version, f"{bucket.uri}/{prefix}config.json", cost_usd=cost_usd, at=at)
    description = _pretty(to_document(model, mode="json"))
    bucket.write(f"{prefix}{DESCRIPTION}", [description], content_type="application/json")
    for file, name in zip(kept.files, names, strict=True):
        _copy(file, name, bucket)
    for name, (content_type, data) in _beside(kept, model, training, origin, log).items():
        bucket.write(f"{prefix}{name}", [data], content_type=content_type)
    return model


def _beside(
    kept: Kept, model: Model, training: Training, origin: Origin, log: Iterable[str]
) -> Mapping[str, tuple[str, bytes]]:
    """What lies beside the weights, by name: its type and its bytes."""
    beside = {
        "config.json": ("application/json", kept.config),
        "training.log": ("text/plain; charset=utf-8", _text(log)),
        "README.md": ("text/markdown; charset=utf-8", model_card(model, training, origin).encode()),
    }
    if training.captions:
        beside["captions.json"] = ("application/json", _pretty(training.captions))
    if origin.manifest is not None:
        beside[FILE_NAME] = ("application/json", to_bytes(origin.manifest))
    return beside


def _copy(file: KeptFile, name: str, bucket: Objects) -> None:
    """Give the file its kept name; `ArtifactCorrupt` where the copy is not what was verified."""
    copied = bucket.copy(file.name, name)
    if (copied.size, copied.crc32c) != (file.size, file.crc32c):
        raise ArtifactCorrupt(reason="the copy in our bucket differs from what was verified")


def _named(file: KeptFile, uri: str) -> WeightsFile:
    return WeightsFile(
        part=file.part,
        uri=uri,
        size=file.size,
        sha256=file.sha256,
        crc32c=file.crc32c,
        weights=file.weights,
    )


def _model(
    training: Training,
    files: tuple[WeightsFile, ...],
    version: int,
    config_uri: str,
    *,
    cost_usd: float | None,
    at: datetime,
) -> Model:
    assert training.dataset is not None, "a mirrored training was packaged"
    first, *further = files
    return Model(
        id=model_id(training.id),
        person_id=training.person_id,
        owner_id=training.owner_id,
        shoot_id=training.shoot_id,
        training_id=training.id,
        name=training.model_name,
        version=version,
        trainer=training.trainer,
        trigger_word=training.trigger_word,
        part=first.part,
        lora_uri=first.uri,
        config_uri=config_uri,
        size=first.size,
        sha256=first.sha256,
        crc32c=first.crc32c,
        weights=first.weights,
        further_weights=tuple(further),
        dataset_fingerprint=training.dataset.fingerprint,
        parameters=dict(training.parameters),
        trained_at=at,
        recipe=training.recipe_of(training.dataset.fingerprint),
        parent_model_id=training.parent_model_id,
        continues=training.continues,
        cost_usd=cost_usd,
    )


def _text(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _pretty(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
