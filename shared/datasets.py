"""What of a shoot can be trained on, and what is wrong with it. Pure: decides on listings and bytes in hand.

One set of rules for two readers: the packager raises the first error, the API's report shows all of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from shared.errors import (
    DatasetError,
    DatasetTooLarge,
    DuplicateImageName,
    InvalidCaption,
    InvalidImageName,
    NoPreprocessedImages,
    TooFewImages,
    TooManyImages,
)
from shared.hidden_characters import hides_in_text
from shared.settings import DatasetSettings
from shared.shoots import CAPTION_TYPE, Picture, file_name, one_spelling

MASK_SUFFIX = "_mask"
TRIGGER_PLACEHOLDER = "[trigger]"
TRIGGER_WORD_PATTERN = r"^\w(?:[\w -]{0,48}\w)?$"

_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")
_MAX_FILE_BYTES = 255
_HALF = re.compile(r"[\ud800-\udfff]")


def raise_first(errors: Iterable[DatasetError]) -> None:
    """Raise the first of `errors`; what comes after it is not looked for."""
    for error in errors:
        raise error


def caption_file(stem: str) -> str:
    """What the user knows a picture's caption by, also where it was given for one training and lies in no file."""
    return f"{stem}.{CAPTION_TYPE}"


def with_captions(pictures: Iterable[Picture], captions: Mapping[str, str]) -> list[Picture]:
    """The pictures without the caption objects in whose place `captions`, by stem, are used."""
    return [replace(p, caption=None) if p.stem in captions else p for p in pictures]


def chosen(pictures: Iterable[Picture], without: Collection[str]) -> list[Picture]:
    """The pictures but for those whose stems are in `without`."""
    return [picture for picture in pictures if picture.stem not in without]


def listing_errors(pictures: Sequence[Picture], *, minimum: int, limits: DatasetSettings) -> Iterator[DatasetError]:
    """What the listing alone shows: count, names, sizes."""
    yield from _count_errors(len(pictures), minimum, limits)
    yield from name_errors(pictures)
    for picture in pictures:
        yield from size_errors(picture, limits)
    total = sum(picture.image.size for picture in pictures)
    if total > limits.max_dataset_bytes:
        yield DatasetTooLarge(what="The shoot", bytes=total, maximum=limits.max_dataset_bytes)


def _count_errors(count: int, minimum: int, limits: DatasetSettings) -> Iterator[DatasetError]:
    if not count:
        yield NoPreprocessedImages()
    elif count < minimum:
        yield TooFewImages(count=count, minimum=minimum)
    elif count > limits.max_images:
        yield TooManyImages(count=count, maximum=limits.max_images)


def has_plain_name(picture: Picture) -> bool:
    """Whether the picture's name can be a file's and an object's everywhere; otherwise it cannot even be read."""
    file = file_name(picture.image.name)
    return bool(picture.stem) and not _UNFIT.search(file) and len(file.encode()) <= _MAX_FILE_BYTES


def name_errors(pictures: Iterable[Picture]) -> Iterator[DatasetError]:
    """Names that cannot go into the archive, or not beside each other.

    Names that differ in their case or in how their accents are written are one name to some computers.
    """
    seen: dict[str, str] = {}
    for picture in pictures:
        file = file_name(picture.image.name)
        if not has_plain_name(picture):
            yield InvalidImageName(
                file=repr(file), reason="it is too long or has characters that no file name can have"
            )
        elif picture.stem.casefold().endswith(MASK_SUFFIX):
            yield InvalidImageName(file=file, reason=f"the trainer reads names ending in {MASK_SUFFIX} as masks")
        elif (same := one_spelling(picture.stem).casefold()) in seen:
            yield DuplicateImageName(file=file, other=seen[same])
        seen.setdefault(one_spelling(picture.stem).casefold(), file)


def size_errors(picture: Picture, limits: DatasetSettings) -> Iterator[DatasetError]:
    """A picture or a caption that is too large to be read at all."""
    if picture.image.size > limits.max_image_bytes:
        file = file_name(picture.image.name)
        what = f"The picture {file}"
        yield DatasetTooLarge(what=what, file=file, bytes=picture.image.size, maximum=limits.max_image_bytes)
    if picture.caption and picture.caption.size > limits.max_caption_bytes:
        reason = f"it has {picture.caption.size:,} bytes and at most {limits.max_caption_bytes:,} are allowed"
        yield InvalidCaption(file=file_name(picture.caption.name), reason=reason)


def decode_caption(data: bytes, file: str) -> str:
    """The text of a caption file; `InvalidCaption` where it is not UTF-8."""
    try:
        return data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise InvalidCaption(file=file, reason="it is not UTF-8 text") from error


def caption_errors(text: str, file: str, *, max_characters: int) -> Iterator[DatasetError]:
    """What is wrong with the text of a caption."""
    if hides_in_text(text) or _HALF.search(text):
        yield InvalidCaption(
            file=file, reason="it has control characters, changes of direction or halves of characters"
        )
    if len(text) > max_characters:
        reason = f"it has {len(text):,} characters and at most {max_characters:,} are allowed"
        yield InvalidCaption(file=file, reason=reason)


def has_trigger(text: str, trigger_word: str) -> bool:
    """Whether the caption calls up the subject by itself: by the trigger word, or by the placeholder for it."""
    return TRIGGER_PLACEHOLDER in text or _has_word(text, trigger_word)


def with_trigger(text: str, trigger_word: str) -> str:
    """The caption as it goes into the archive: one trigger word at least (fal.ai ignores its own field here).

    `[trigger]` becomes the trigger word; where the caption then lacks it, it is put in front.
    """
    text = text.replace(TRIGGER_PLACEHOLDER, trigger_word)
    if _has_word(text, trigger_word):
        return text
    return f"{trigger_word}, {text}" if text else trigger_word


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None
