"""What a shoot would be as a dataset: its numbers, and everything that blocks a training or is worth a look."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from functions.api.findings import Finding, error_finding, warning
from functions.api.near_duplicates import look, near_duplicates
from shared.datasets import (
    caption_errors,
    caption_file,
    chosen,
    decode_caption,
    has_plain_name,
    has_trigger,
    listing_errors,
    size_errors,
    with_captions,
)
from shared.errors import DatasetError, DatasetTooLarge, TooManyImages
from shared.images import decode
from shared.ports import ObjectInfo, Objects
from shared.reading import read_ahead, read_whole
from shared.settings import DatasetSettings
from shared.shoots import (
    CAPTION_TYPE,
    IMAGE_TYPES,
    Picture,
    file_name,
    one_spelling,
    pictures,
    preprocessed_prefix,
    split_name,
)
from shared.trainers import trainer as spec_of

SMALL_SIDE = 512
EXTREME_RATIO = 3.0

# Large enough for a look of 9 × 9, small enough for a JPEG to be decoded at an eighth.
_LOOK_SIDE = 64
_DECODERS = 8


@dataclass(frozen=True, order=True)
class Pixels:
    """How large a picture is."""

    width: int
    height: int

    @property
    def area(self) -> int:
        """How many pixels it has."""
        return self.width * self.height


@dataclass(frozen=True, kw_only=True)
class Report:
    """A shoot as a dataset. The sizes are those of its pictures with the fewest, the middle and the most pixels.

    They are None where no picture could be read.
    """

    shoot_id: str
    image_count: int
    captioned_count: int
    bytes: int
    smallest: Pixels | None
    median: Pixels | None
    largest: Pixels | None
    findings: tuple[Finding, ...]

    @property
    def blocking(self) -> bool:
        """Whether a training would fail before anything is paid."""
        return any(finding.severity == "error" for finding in self.findings)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What reading one picture and its caption showed; `size` and `look` are None where it is none."""

    file: str
    findings: tuple[Finding, ...]
    size: Pixels | None = None
    look: int | None = None


def report_dataset(
    shoot_id: str,
    *,
    trigger_word: str | None,
    captions: Mapping[str, str],
    without: Collection[str] = (),
    trainer: str,
    bucket: Objects,
    limits: DatasetSettings,
) -> Report:
    """Read the whole shoot, in parallel with bounded memory, and tell everything that there is to tell about it.

    `captions`, by stem, are used in the place of the stored ones; pictures whose stems are in `without` are left out.
    Where no `trigger_word` is given, nothing is said about it.
    Of a dataset that is too large nothing is read. `InvalidRequest` for an unknown trainer, `StorageUnavailable`.
    """
    minimum = spec_of(trainer).minimum_images
    prefix = preprocessed_prefix(shoot_id)
    listed = list(bucket.list(prefix))
    everything = list(pictures(listed, prefix))
    found = with_captions(chosen(everything, without), captions)
    errors = list(listing_errors(found, minimum=minimum, limits=limits))
    look_at = partial(_look_at, captions=captions, trigger_word=trigger_word, bucket=bucket, limits=limits)
    seen = list(_read(_readable(found, errors, limits), look_at, limits))
    smallest, median, largest = _sizes(seen)
    return Report(
        shoot_id=shoot_id,
        image_count=len(found),
        captioned_count=sum(1 for picture in found if picture.caption or picture.stem in captions),
        bytes=sum(picture.image.size for picture in found),
        smallest=smallest,
        median=median,
        largest=largest,
        findings=(*_of_pictures(errors, seen), *_ignored_files(listed, everything, prefix)),
    )


def _sizes(seen: Sequence[_Seen]) -> tuple[Pixels, Pixels, Pixels] | tuple[None, None, None]:
    """The fewest, the middle and the most pixels."""
    sizes = sorted((s.size for s in seen if s.size is not None), key=lambda size: (size.area, size))
    return (sizes[0], sizes[(len(sizes) - 1) // 2], sizes[-1]) if sizes else (None, None, None)


def _readable(found: Sequence[Picture], errors: Sequence[DatasetError], limits: DatasetSettings) -> Iterator[Picture]:
    """The pictures that it is possible, and not too much work, to read."""
    whole = (e for e in errors if isinstance(e, TooManyImages) or (isinstance(e, DatasetTooLarge) and not _file(e)))
    if any(whole):
        return
    for picture in found:
        if has_plain_name(picture) and not any(size_errors(picture, limits)):
            yield picture


def _read(found: Iterator[Picture], look_at: Callable[[Picture], _Seen], limits: DatasetSettings) -> Iterator[_Seen]:
    return read_ahead(found, look_at, lambda p: p.image.size, max_bytes=limits.read_ahead_bytes, max_items=_DECODERS)


def _file(error: DatasetError) -> str | None:
    return error.facts.get("file")


def _look_at(
    picture: Picture,
    *,
    captions: Mapping[str, str],
    trigger_word: str | None,
    bucket: Objects,
    limits: DatasetSettings,
) -> _Seen:
    file = file_name(picture.image.name)
    about_caption = tuple(_caption_findings(picture, captions, trigger_word, bucket, limits))
    data = read_whole(bucket, picture.image)
    try:
        decoded = decode(data, file, max_pixels=limits.max_image_pixels, side=_LOOK_SIDE)
    except DatasetError as error:
        return _Seen(file=file, findings=(error_finding(error), *about_caption))
    size = Pixels(decoded.width, decoded.height)
    findings = (*_size_findings(file, size), *about_caption)
    return _Seen(file=file, findings=findings, size=size, look=look(decoded.image))


def _size_findings(file: str, size: Pixels) -> Iterator[Finding]:
    short, long = sorted((size.width, size.height))
    if short < SMALL_SIDE:
        yield warning("small_image", file, width=size.width, height=size.height, minimum=SMALL_SIDE)
    if long > EXTREME_RATIO * short:
        yield warning("extreme_aspect_ratio", file, width=size.width, height=size.height, ratio=EXTREME_RATIO)


def _caption_findings(
    picture: Picture,
    captions: Mapping[str, str],
    trigger_word: str | None,
    bucket: Objects,
    limits: DatasetSettings,
) -> Iterator[Finding]:
    if picture.stem in captions:
        file, text = caption_file(picture.stem), captions[picture.stem].strip()
    elif picture.caption is not None:
        file = file_name(picture.caption.name)
        try:
            text = decode_caption(read_whole(bucket, picture.caption), file)
        except DatasetError as error:
            yield error_finding(error)
            return
    else:
        yield warning("caption_missing", file_name(picture.image.name))
        return
    for wrong in caption_errors(text, file, max_characters=limits.max_caption_characters):
        yield error_finding(wrong)
    if not text:
        yield warning("caption_empty", file)
    elif trigger_word is not None and not has_trigger(text, trigger_word):
        yield warning("caption_without_trigger", file, trigger_word=trigger_word)


def _of_pictures(errors: Iterable[DatasetError], seen: Sequence[_Seen]) -> Iterator[Finding]:
    """Of all of them together, of each, and of two that are nearly the same."""
    yield from map(error_finding, errors)
    for one in seen:
        yield from one.findings
    yield from _twins(seen)


def _twins(seen: Sequence[_Seen]) -> Iterator[Finding]:
    looks = {s.file: s.look for s in seen if s.look is not None}
    for file, other in near_duplicates(looks):
        yield warning("near_duplicate", file, other=other)


def _ignored_files(listed: Sequence[ObjectInfo], found: Sequence[Picture], prefix: str) -> Iterator[Finding]:
    """Captions of no picture, and what is neither; dot-files are nobody's concern."""
    stems = {one_spelling(picture.stem) for picture in found}
    used = {picture.image.name for picture in found}
    for info in listed:
        name = info.name.removeprefix(prefix)
        stem, kind = split_name(name)
        if not file_name(name) or file_name(name).startswith(".") or info.name in used:
            continue
        if kind == CAPTION_TYPE and "/" not in name:
            if one_spelling(stem) not in stems:
                yield warning("orphan_caption", name)
        elif "/" in name or kind not in IMAGE_TYPES:
            yield warning("ignored_file", name, types=", ".join(IMAGE_TYPES))
