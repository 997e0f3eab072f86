"""Pictures on their way from fal.ai into our bucket: looked at, bared of metadata, and only then kept.

All that fal.ai delivered are kept, or none: what was paid for and cannot be fetched or verified is fetched again later.
Where it delivered fewer than were asked for there is nothing more to fetch, and the set has a shortfall.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class _Whole:
    """One picture that is what it claims to be, bared of metadata, and not kept yet."""

    data: bytes
    kind: str
    width: int
    height: int


def keep_images(
    job: ImageJob, output: RunOutput, *, source: ArtifactSource, bucket: Objects, settings: MirrorSettings
) -> tuple[KeptPicture, ...]:
    """Fetch, verify and keep every picture of the output: all of them, or none; what does not verify is fetched again.

    At most as many as were asked for. Repeatable: the same set writes the same names. `ArtifactCorrupt` after the last
    attempt, and where there is no picture at all; `ArtifactUnavailable`.
    """
    named = _delivered(job, output)
    # a set is small: so it is held, until the last of it is known to be whole
    whole = [
        until_whole(job.id, f"picture {number}", partial(_fetched, artifact, number, source, settings))
        for number, artifact in enumerate(named.values(), start=1)
    ]
    flags = _flags(output, named)
    kept = [_kept(picture, f"{job.prefix}{n}", flags[n - 1], bucket) for n, picture in enumerate(whole, start=1)]
    logs.info("images_kept", training_id=job.id, images=len(kept), flagged=sum(bool(p.nsfw) for p in kept))
    return tuple(kept)


def _delivered(job: ImageJob, output: RunOutput) -> dict[int, Artifact]:
    """The pictures to keep, by their place in the output: what it names twice is one, and no more than were asked for.

    Pictures that are alike are several: so are those that the safety checker blackened.
    """
    named = _named(output, pictures_of(job.trainer))
    by_url = {artifact.url: place for place, artifact in reversed([*enumerate(named)])}
    if not by_url:
        raise ArtifactCorrupt(reason=f"no picture came and {job.count} were asked for")
    if len(by_url) != job.count:
        logs.warning("images_differ_in_number", training_id=job.id, delivered=len(by_url), asked=job.count)
    return {place: named[place] for place in sorted(by_url.values())[: job.count]}


def _named(output: RunOutput, pictures: Pictures) -> list[Artifact]:
    """The pictures that the output names, in its order."""
    if pictures.one_image:
        return [output.artifacts[pictures.images_field]] if pictures.images_field in output.artifacts else []
    found, number = [], 0
    while (artifact := output.artifacts.get(f"{pictures.images_field}.{number}")) is not None:
        found.append(artifact)
        number += 1
    return found


def _flags(output: RunOutput, places: Iterable[int]) -> Sequence[bool | None]:
    """What the safety checker said of the pictures at these places; None where it did not say it in a readable way."""
    told = output.raw.get(_FLAGS)
    flags = told if isinstance(told, list) else []
    return [flags[i] if i < len(flags) and isinstance(flags[i], bool) else None for i in places]


def _fetched(artifact: Artifact, number: int, source: ArtifactSource, settings: MirrorSettings) -> _Whole:
    with source.open(artifact, max_bytes=settings.max_made_bytes) as chunks:
        data = b"".join(chunks)
    if artifact.size not in (None, len(data)):
        raise ArtifactCorrupt(reason=f"{artifact.size:,} bytes of picture {number} were announced, {len(data):,} came")
    # by its bytes, not by what fal.ai calls it: its content type is loose (fal.md §5)
    kind = kind_of(data)
    if kind not in _EXTENSIONS:
        raise ArtifactCorrupt(reason=f"picture {number} is {f'a {kind}' if kind else 'no picture'}")
    name = f"{number}.{_EXTENSIONS[kind]}"
    try:
        bare = without_metadata(data, name, max_pixels=settings.max_made_pixels)
        seen = decode(bare, name, max_pixels=settings.max_made_pixels, side=1)
    except UnreadableImage as error:
        raise ArtifactCorrupt(reason=f"picture {number} cannot be read: {error.facts['reason']}") from error
    return _Whole(data=bare, kind=kind, width=seen.width, height=seen.height)


def _kept(picture: _Whole, stem: str, nsfw: bool | None, bucket: Objects) -> KeptPicture:
    name = f"{stem}.{_EXTENSIONS[picture.kind]}"
    info = bucket.write(name, [picture.data], content_type=f"image/{picture.kind.lower()}")
    return KeptPicture(
        name=name,
        width=picture.width,
        height=picture.height,
        size=info.size,
        sha256=hashlib.sha256(picture.data).hexdigest(),
        crc32c=info.crc32c,
        nsfw=nsfw,
    )
