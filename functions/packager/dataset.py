"""What of a shoot goes into the archive, and what is wrong with it. Pure: decides on listings and bytes in hand."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import zlib
from collections.abc import Iterable, Sequence

from PIL import Image

from shared.errors import (
    DatasetTooLarge,
    DuplicateImageName,
    InvalidCaption,
    InvalidImageName,
    NoPreprocessedImages,
    TooFewImages,
    TooManyImages,
    UnreadableImage,
)
from shared.settings import DatasetSettings
from shared.shoots import Picture, split_name

MASK_SUFFIX = "_mask"
TRIGGER_PLACEHOLDER = "[trigger]"

_FORMAT_OF = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

# What Pillow raises on bytes that are not the image they claim to be.
_BROKEN_IMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    TypeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


def file_name(name: str) -> str:
    """The last segment of an object's name: what the user knows the file by."""
    return name.rsplit("/", 1)[-1]


def check_pictures(pictures: Sequence[Picture], *, minimum: int, limits: DatasetSettings) -> None:
    """Raise the first error that the listing alone shows: count, names, sizes."""
    if not pictures:
        raise NoPreprocessedImages()
    if len(pictures) < minimum:
        raise TooFewImages(count=len(pictures), minimum=minimum)
    if len(pictures) > limits.max_images:
        raise TooManyImages(count=len(pictures), maximum=limits.max_images)
    _check_names(pictures)
    _check_sizes(pictures, limits)


def _check_names(pictures: Sequence[Picture]) -> None:
    seen: dict[str, str] = {}
    for picture in pictures:
        file = file_name(picture.image.name)
        if not picture.stem or _CONTROL.search(picture.stem) or "\\" in picture.stem:
            raise InvalidImageName(file=repr(file), reason="it has characters that a file name cannot have")
        if picture.stem.endswith(MASK_SUFFIX):
            raise InvalidImageName(file=file, reason=f"the trainer reads names ending in {MASK_SUFFIX} as masks")
        if picture.stem in seen:
            raise DuplicateImageName(file=file, other=seen[picture.stem])
        seen[picture.stem] = file


def _check_sizes(pictures: Sequence[Picture], limits: DatasetSettings) -> None:
    for picture in pictures:
        if picture.image.size > limits.max_image_bytes:
            what = f"The picture {file_name(picture.image.name)}"
            raise DatasetTooLarge(what=what, bytes=picture.image.size, maximum=limits.max_image_bytes)
        if picture.caption and picture.caption.size > limits.max_caption_bytes:
            reason = f"it has {picture.caption.size:,} bytes and at most {limits.max_caption_bytes:,} are allowed"
            raise InvalidCaption(file=file_name(picture.caption.name), reason=reason)
    total = sum(picture.image.size for picture in pictures)
    if total > limits.max_dataset_bytes:
        raise DatasetTooLarge(what="The shoot", bytes=total, maximum=limits.max_dataset_bytes)


def check_image(data: bytes, name: str, *, max_pixels: int) -> None:
    """Raise `UnreadableImage` unless `data` decodes as the type that `name` claims.

    JPEGs are decoded at an eighth of their size, which reads every byte and costs a fraction of the memory; PNGs have
    their checksums verified; a WebP is decoded in full.
    """
    file = file_name(name)
    wanted = _FORMAT_OF[split_name(name)[1]]
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.format != wanted:
                raise UnreadableImage(file=file, reason=f"it is a {image.format}, not a {wanted}")
            if image.width * image.height > max_pixels:
                reason = f"{image.width} × {image.height} are more than {max_pixels:,} pixels"
                raise UnreadableImage(file=file, reason=reason)
            if getattr(image, "is_animated", False):
                raise UnreadableImage(file=file, reason="it is animated")
            _decode(image)
    except _BROKEN_IMAGE as error:
        raise UnreadableImage(file=file, reason=str(error).split("<")[0].strip() or "it is broken") from error


def _decode(image: Image.Image) -> None:
    if image.format == "PNG":
        image.verify()
        return
    image.draft(None, (max(image.width // 8, 1), max(image.height // 8, 1)))
    image.load()


def prepare_caption(data: bytes, trigger_word: str, *, name: str, max_characters: int) -> bytes:
    """The caption as it goes into the archive: UTF-8, one trigger word at least (fal.ai ignores its own field here).

    `[trigger]` becomes the trigger word; where the caption then lacks it, it is put in front.
    """
    file = file_name(name)
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise InvalidCaption(file=file, reason="it is not UTF-8 text") from error
    if _CONTROL_IN_TEXT.search(text):
        raise InvalidCaption(file=file, reason="it has control characters")
    if len(text) > max_characters:
        reason = f"it has {len(text):,} characters and at most {max_characters:,} are allowed"
        raise InvalidCaption(file=file, reason=reason)
    text = text.replace(TRIGGER_PLACEHOLDER, trigger_word)
    if not re.search(rf"(?<!\w){re.escape(trigger_word)}(?!\w)", text):
        text = f"{trigger_word}, {text}" if text else trigger_word
    return text.encode()


def fingerprint(pictures: Iterable[Picture]) -> str:
    """What identifies the dataset: a sha256 over names, sizes and checksums of its objects; nothing is read."""
    digest = hashlib.sha256()
    for picture in sorted(pictures, key=lambda p: p.stem):
        for found in (picture.image, picture.caption):
            if found is not None:
                digest.update(f"{file_name(found.name)}\0{found.size}\0{found.crc32c}\n".encode())
    return digest.hexdigest()
