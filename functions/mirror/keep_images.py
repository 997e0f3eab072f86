"""Pictures on their way from fal.ai into our bucket: looked at, bared of metadata, and only then kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial

from functions.mirror.fetch_artifacts import until_whole
from shared import logs
from shared.errors import ArtifactCorrupt, UnreadableImage
from shared.image_jobs import ImageJob, KeptPicture, pictures_of
from shared.images import decode, without_metadata
from shared.picture_parts import kind_of
from shared.ports import Artifact, ArtifactSource, Objects, RunOutput
from shared.settings import MirrorSettings
from shared.trainers.entry import Pictures

_EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
_FLAGS = "has_nsfw_concepts"


def keep_images(
    job: ImageJob, output: RunOutput, *, source: ArtifactSource, bucket: Objects, settings: MirrorSettings
) -> tuple[KeptPicture, ...]:
    """Fetch, verify and keep every picture of the output; what does not verify is fetched again.

    Repeatable: the same set writes the same names. `ArtifactCorrupt` after the last attempt, `ArtifactUnavailable`.
    """
    named = _named(output, pictures_of(job.trainer))[: job.count]
    if not named:
        raise ArtifactCorrupt(reason="the output names no pictures")
    flags = _flags(output, len(named))
    pictures = []
    for number, (artifact, nsfw) in enumerate(zip(named, flags, strict=True), start=1):
        fetch = partial(_fetched, artifact, f"{job.prefix}{number}", nsfw, source, bucket, settings)
        pictures.append(until_whole(job.id, f"picture {number}", fetch))
    logs.info("images_kept", training_id=job.id, images=len(pictures), flagged=sum(bool(p.nsfw) for p in pictures))
    return tuple(pictures)


def _named(output: RunOutput, pictures: Pictures) -> list[Artifact]:
    """The pictures that the output names, in its order."""
    if pictures.one_image:
        return [output.artifacts[pictures.images_field]] if pictures.images_field in output.artifacts else []
    found, number = [], 0
    while (artifact := output.artifacts.get(f"{pictures.images_field}.{number}")) is not None:
        found.append(artifact)
        number += 1
    return found


def _flags(output: RunOutput, count: int) -> Sequence[bool | None]:
    """What the safety checker said of each picture; None where it did not say it in a way that can be read."""
    told = output.raw.get(_FLAGS)
    flags = told if isinstance(told, list) else []
    return [flags[i] if i < len(flags) and isinstance(flags[i], bool) else None for i in range(count)]


def _fetched(
    artifact: Artifact, stem: str, nsfw: bool | None, source: ArtifactSource, bucket: Objects, settings: MirrorSettings
) -> KeptPicture:
    with source.open(artifact, max_bytes=settings.max_made_bytes) as chunks:
        data = b"".join(chunks)
    kind = kind_of(data)
    if kind not in _EXTENSIONS:
        raise ArtifactCorrupt(reason=f"a picture is {kind or 'no picture'}")
    name = f"{stem}.{_EXTENSIONS[kind]}"
    try:
        bare = without_metadata(data, name, max_pixels=settings.max_made_pixels)
        seen = decode(bare, name, max_pixels=settings.max_made_pixels, side=1)
    except UnreadableImage as error:
        raise ArtifactCorrupt(reason=f"a picture cannot be read: {error.facts['reason']}") from error
    info = bucket.write(name, [bare], content_type=f"image/{kind.lower()}")
    return KeptPicture(
        name=name,
        width=seen.width,
        height=seen.height,
        size=info.size,
        sha256=hashlib.sha256(bare).hexdigest(),
        crc32c=info.crc32c,
        nsfw=nsfw,
    )
