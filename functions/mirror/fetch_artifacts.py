"""Artifacts on their way from fal.ai into our bucket: streamed, and verified on the way."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import google_crc32c

from functions.mirror.safetensors import WeightsCheck
from shared import logs
from shared.errors import ArtifactCorrupt
from shared.hashing import Sha256Beside
from shared.models import Weights, staging_prefix
from shared.ports import Artifact, ArtifactSource, Objects, RunOutput
from shared.reading import in_blocks
from shared.settings import MirrorSettings
from shared.trainers import trainer as spec_of
from shared.trainers.entry import WeightsOutput
from shared.trainings import Training

# What does not verify is fetched again before it is given up (design §9).
FETCH_ATTEMPTS = 3

# A server sends a few kilobytes at a time; what is done with each piece costs less where it is done with many.
BLOCK_BYTES = 512 << 10

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class KeptFile:
    """Verified weights: which part of the model they are, where they lie for now, and what they are."""

    part: str
    name: str
    size: int
    sha256: str
    crc32c: str
    weights: Weights


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Verified artifacts: every file of weights in the trainer's order, and the configuration as fal.ai served it."""

    files: tuple[KeptFile, ...]
    config: bytes

    @property
    def size(self) -> int:
        """The bytes of all weights."""
        return sum(file.size for file in self.files)


def fetch_artifacts(
    training: Training,
    output: RunOutput,
    *,
    source: ArtifactSource,
    bucket: Objects,
    run: str,
    settings: MirrorSettings,
) -> Kept:
    """Stream and verify all weights and the configuration; what does not verify is fetched again.

    `run` keeps two mirrors of one training apart. `ArtifactCorrupt` after the last attempt, `ArtifactUnavailable`.
    """
    spec = spec_of(training.trainer)
    staging = f"{staging_prefix(training.id)}{run}/"
    # before anything is fetched: what is missing is missed at once
    named = [(weights, _named(output, weights.output)) for weights in spec.weights]
    config = _named(output, spec.config_field)

    def fetch(weights: WeightsOutput, artifact: Artifact) -> KeptFile:
        name = f"{staging}{weights.part or 'weights'}.safetensors"
        checked = _Checked(artifact)
        with source.open(artifact, max_bytes=settings.max_weights_bytes) as chunks:
            bucket.write(name, checked.pass_on(chunks), content_type="application/octet-stream")
        return checked.kept(weights.part, name)

    whole = partial(until_whole, training.id)
    kept = Kept(
        files=tuple(whole(weights.output, partial(fetch, weights, artifact)) for weights, artifact in named),
        config=whole(spec.config_field, partial(_read_config, source, config, settings)),
    )
    for (weights, _), file in zip(named, kept.files, strict=True):
        _log_verified(training.id, weights.output, file)
    return kept


def until_whole(training_id: str, output: str, fetch: Callable[[], T]) -> T:
    """What `fetch` gives; again where it was `ArtifactCorrupt`, which is raised after `FETCH_ATTEMPTS`."""
    for attempt in range(1, FETCH_ATTEMPTS + 1):
        try:
            return fetch()
        except ArtifactCorrupt as error:
            reason = error.facts["reason"]
            logs.warning("artifacts_refused", training_id=training_id, output=output, attempt=attempt, reason=reason)
            if attempt == FETCH_ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _log_verified(training_id: str, output: str, file: KeptFile) -> None:
    logs.info(
        "artifacts_verified",
        training_id=training_id,
        output=output,
        bytes=file.size,
        sha256=file.sha256,
        crc32c=file.crc32c,
        tensors=file.weights.tensors,
    )


def _named(output: RunOutput, field: str) -> Artifact:
    if field not in output.artifacts:
        raise ArtifactCorrupt(reason=f"the output names no {field}")
    return output.artifacts[field]


class _Checked:
    """Hashes, counts and verifies a file of weights while it passes through."""

    def __init__(self, announced: Artifact) -> None:
        self._announced = announced.size
        self._check = WeightsCheck(size=announced.size)
        self._sha256 = ""
        self._crc32c = google_crc32c.Checksum()
        self._size = 0

    def pass_on(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The same chunks; raises `ArtifactCorrupt` instead of ending when the whole does not verify."""
        with Sha256Beside() as digest:
            for chunk in in_blocks(chunks, BLOCK_BYTES):
                self._check.feed(chunk)
                digest.update(chunk)
                self._crc32c.update(chunk)
                self._size += len(chunk)
                yield chunk
            self._weights = self._check.finish()
            self._sha256 = digest.hexdigest()

    def kept(self, part: str, name: str) -> KeptFile:
        """What was kept; `ArtifactCorrupt` where fal.ai announced another size."""
        if self._announced is not None and self._announced != self._size:
            raise ArtifactCorrupt(reason=f"{self._announced:,} bytes were announced and {self._size:,} came")
        return KeptFile(
            part=part,
            name=name,
            size=self._size,
            sha256=self._sha256,
            crc32c=base64.b64encode(self._crc32c.digest()).decode(),
            weights=self._weights,
        )


def _read_config(source: ArtifactSource, config: Artifact, settings: MirrorSettings) -> bytes:
    with source.open(config, max_bytes=settings.max_config_bytes) as chunks:
        data = b"".join(chunks)
    try:
        json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ArtifactCorrupt(reason="the configuration is not JSON") from error
    return data
