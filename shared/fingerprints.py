"""What identifies a dataset as it is trained on; from the listing and the given captions, nothing is read. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import google_crc32c

from shared.datasets import caption_file
from shared.ports import ObjectInfo
from shared.shoots import Picture, split_name

# How the text of a caption may end in a file; around a text white space does not count.
_ENDS = ("", "\n", "\r\n")


@dataclass(frozen=True)
class Sum:
    """Bytes by their number and their CRC32C, as Cloud Storage writes it."""

    size: int
    crc32c: str


def picture_file(picture: Picture) -> str:
    """What the picture is called in the archive."""
    return f"{picture.stem}.{split_name(picture.image.name)[1]}"


def caption_sum(picture: Picture, captions: Mapping[str, str]) -> Sum | None:
    """The sum of the caption that is used for the picture: the one of `captions`, by stem, else the stored one.

    A given text that the stored object has as well, perhaps with an end of line, is that object.
    """
    stored = _of_object(picture.caption) if picture.caption else None
    if (text := captions.get(picture.stem)) is None:
        return stored
    possible = [_of_text(f"{text}{end}") for end in _ENDS]
    return stored if stored in possible else possible[0]


def fingerprint(pictures: Iterable[Picture], captions: Mapping[str, str]) -> str:
    """A sha256 over names, sizes and checksums of what is used; `captions`, by stem, stand in for the stored ones."""
    digest = hashlib.sha256()
    for picture in sorted(pictures, key=lambda p: p.stem):
        image, caption = _of_object(picture.image), caption_sum(picture, captions)
        digest.update(f"{picture_file(picture)}\0{image.size}\0{image.crc32c}\n".encode())
        if caption is not None:
            digest.update(f"{caption_file(picture.stem)}\0{caption.size}\0{caption.crc32c}\n".encode())
    return digest.hexdigest()


def _of_object(found: ObjectInfo) -> Sum:
    return Sum(found.size, found.crc32c)


def _of_text(text: str) -> Sum:
    data = text.encode()
    return Sum(len(data), base64.b64encode(google_crc32c.Checksum(data).digest()).decode())
