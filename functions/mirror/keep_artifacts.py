"""Artifacts on their way: streamed from fal.ai into our bucket, verified on the way, then given their kept names."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import google_crc32c

from functions.mirror.model_card import model_card
from functions.mirror.safetensors import WeightsCheck
from shared import logs
from shared.documents import to_document
from shared.errors import ArtifactCorrupt
from shared.models import Model, Weights, model_id, recipe, staging_prefix, version_prefix
from shared.ports import Artifact, ArtifactSource, Objects, RunOutput
from shared.settings import MirrorSettings
from shared.trainers import trainer as spec_of
from shared.trainings import Training

# What does not verify is fetched again before it is given up (design §9).
FETCH_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Verified artifacts: where the weights lie for now, what they are, and the configuration as fal.ai served it."""

    weights_name: str
    size: int
    sha256: str
    crc32c: str
    weights: Weights
    config: bytes


def fetch_artifacts(
    training: Training,
    output: RunOutput,
    *,
    source: ArtifactSource,
    bucket: Objects,
    run: str,
    settings: MirrorSettings,
) -> Kept:
    """Stream and verify weights and configuration; what does not verify is fetched again.

    `run` keeps two mirrors of one training apart. `ArtifactCorrupt` after the last attempt, `ArtifactUnavailable`.
    """
    spec = spec_of(training.trainer)
    weights = _named(output, spec.weights[0].output)
    config = _named(output, spec.config_field)
    name = f"{staging_prefix(training.id)}{run}/weights.safetensors"
    for attempt in range(1, FETCH_ATTEMPTS + 1):
        try:
            checked = _Checked(weights.size)
            with source.open(weights, max_bytes=settings.max_weights_bytes) as chunks:
                bucket.write(name, checked.pass_on(chunks), content_type="application/octet-stream")
            kept = checked.kept(name, weights, _read_config(source, config, settings))
            _log_verified(training, kept)
            return kept
        except ArtifactCorrupt as error:
            reason = error.facts["reason"]
            logs.warning("artifacts_refused", training_id=training.id, attempt=attempt, reason=reason)
            if attempt == FETCH_ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _named(output: RunOutput, field: str) -> Artifact:
    if field not in output.artifacts:
        raise ArtifactCorrupt(reason=f"the output names no {field}")
    return output.artifacts[field]


def _log_verified(training: Training, kept: Kept) -> None:
    logs.info(
        "artifacts_verified",
        training_id=training.id,
        bytes=kept.size,
        sha256=kept.sha256,
        crc32c=kept.crc32c,
        tensors=kept.weights.tensors,
    )


class _Checked:
    """Hashes, counts and verifies the weights while they pass through."""

    def __init__(self, size: int | None) -> None:
        self._check = WeightsCheck(size=size)
        self._sha256 = hashlib.sha256()
        self._crc32c = google_crc32c.Checksum()
        self._size = 0

    def pass_on(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The same chunks; raises `ArtifactCorrupt` instead of ending when the whole does not verify."""
        for chunk in chunks:
            self._check.feed(chunk)
            self._sha256.update(chunk)
            self._crc32c.update(chunk)
            self._size += len(chunk)
            yield chunk
        self._weights = self._check.finish()

    def kept(self, name: str, announced: Artifact, config: bytes) -> Kept:
        """What was kept; `ArtifactCorrupt` where fal.ai announced another size."""
        if announced.size is not None and announced.size != self._size:
            raise ArtifactCorrupt(reason=f"{announced.size:,} bytes were announced and {self._size:,} came")
        return Kept(
            weights_name=name,
            size=self._size,
            sha256=self._sha256.hexdigest(),
            crc32c=base64.b64encode(self._crc32c.digest()).decode(),
            weights=self._weights,
            config=config,
        )


def _read_config(source: ArtifactSource, config: Artifact, settings: MirrorSettings) -> bytes:
    with source.open(config, max_bytes=settings.max_config_bytes) as chunks:
        data = b"".join(chunks)
    try:
        json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ArtifactCorrupt(reason="the configuration is not JSON") from error
    return data


def keep_model(
    training: Training,
    kept: Kept,
    version: int,
    *,
    log: Iterable[str],
    cost_usd: float | None,
    bucket: Objects,
    at: datetime,
) -> Model:
    """Give the verified files their kept names and write what belongs beside them; the model to be recorded.

    Repeatable: the same training and version write the same names.
    """
    prefix = version_prefix(training.person_id, training.model_name, version)
    weights_name = f"{prefix}{training.model_name}-v{version}.safetensors"
    copied = bucket.copy(kept.weights_name, weights_name)
    if (copied.size, copied.crc32c) != (kept.size, kept.crc32c):
        raise ArtifactCorrupt(reason="the copy in our bucket differs from what was verified")
    place = Place(prefix=prefix, weights_name=weights_name, bucket_uri=bucket.uri)
    model = _model(training, kept, version, place, cost_usd=cost_usd, at=at)
    document = to_document(model, mode="json")
    files: Mapping[str, tuple[str, bytes]] = {
        "config.json": ("application/json", kept.config),
        "training.log": ("text/plain; charset=utf-8", _text(log)),
        "model.json": ("application/json", _pretty(document)),
        "README.md": ("text/markdown; charset=utf-8", model_card(model, training).encode()),
    }
    if training.captions:
        files = {**files, "captions.json": ("application/json", _pretty(training.captions))}
    for name, (content_type, data) in files.items():
        bucket.write(f"{prefix}{name}", [data], content_type=content_type)
    return model


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the files of a version lie."""

    bucket_uri: str
    prefix: str
    weights_name: str


def _model(
    training: Training, kept: Kept, version: int, place: Place, *, cost_usd: float | None, at: datetime
) -> Model:
    assert training.dataset is not None, "a mirrored training was packaged"
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
        lora_uri=f"{place.bucket_uri}/{place.weights_name}",
        config_uri=f"{place.bucket_uri}/{place.prefix}config.json",
        size=kept.size,
        sha256=kept.sha256,
        crc32c=kept.crc32c,
        weights=kept.weights,
        dataset_fingerprint=training.dataset.fingerprint,
        parameters=dict(training.parameters),
        trained_at=at,
        recipe=recipe(
            training.dataset.fingerprint,
            trainer=training.trainer,
            trigger_word=training.trigger_word,
            parameters=training.parameters,
        ),
        cost_usd=cost_usd,
    )


def _text(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _pretty(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
