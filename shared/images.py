"""Pictures as bytes: whether they are what they claim to be, and what they look like when they are small. Pure."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from PIL import ExifTags, Image, ImageOps

from shared.bare_picture import bare_picture
from shared.errors import UnreadableImage
from shared.picture_parts import Part, kind_of, parts
from shared.room import Room
from shared.shoots import file_name, split_name

_KIND_OF = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP"}

# What Pillow raises on bytes that are not the image they claim to be.
_BROKEN_IMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    AttributeError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)

# A small file can be a huge picture: so many bytes are decoded at the same time, by what a pixel takes meanwhile. Of a
# WebP Pillow holds four copies (measured: 1.2 GB for 80 million pixels).
_DECODED = Room(128 << 20)
_PIXEL_BYTES = {"JPEG": 4, "MPO": 4, "PNG": 4, "WEBP": 16}

# The EXIF orientations in which a picture lies on its side.
_ON_ITS_SIDE = (5, 6, 7, 8)


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A picture that really is one: `width` and `height` as people see it, and `image`, upright, as small as asked."""

    image: Image.Image
    width: int
    height: int


def kind_by_name(name: str) -> str:
    """The kind of picture that a file claims to be by its name: JPEG, PNG or WEBP."""
    return _KIND_OF[split_name(name)[1]]


def check_kind(data: bytes, name: str) -> None:
    """Raise `UnreadableImage` unless `data` begins as the type that `name` claims."""
    _refuse_another_kind(data, file_name(name), kind_by_name(name))


def check_image(data: bytes, name: str, *, max_pixels: int) -> None:
    """Raise `UnreadableImage` unless `data` decodes as the type that `name` claims, stands still and is not too large.

    JPEGs are decoded at an eighth of their size, which reads every byte and costs a fraction of the memory; anything
    else is decoded in full.
    """
    with _judged(name):
        _parts(data, name)
        with _opened(data, name, max_pixels) as image:
            _load(image, side=1)


def decode(data: bytes, name: str, *, max_pixels: int, side: int) -> Decoded:
    """The picture with its longest side at most `side`; `UnreadableImage` where `check_image` raises it, too."""
    with _judged(name):
        _parts(data, name)
        with _opened(data, name, max_pixels) as image:
            width, height = image.size
            _load(image, side=side, shrink=True)
            if _orientation(image.getexif) in _ON_ITS_SIDE:  # of a PNG it is known only now
                width, height = height, width
            return Decoded(image=_upright(image), width=width, height=height)


def without_metadata(data: bytes, name: str, *, max_pixels: int) -> bytes:
    """The picture as it is sent to fal.ai, and kept. Nothing is decoded: that is for `check_image` and `decode`.

    `UnreadableImage` where it is not even a picture by its beginnings, moves, or is too large.
    """
    with _judged(name):
        found = _parts(data, name)
        with _opened(data, name, max_pixels) as image:
            turned = _orientation(partial(_png_exif, data, found) if image.format == "PNG" else image.getexif)
        return bare_picture(data, found, kind_by_name(name), orientation=turned)


@contextmanager
def _judged(name: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN_IMAGE as error:
        reason = str(error).split("<")[0].strip() or "it is broken"
        raise UnreadableImage(file=file_name(name), reason=reason) from error


def _parts(data: bytes, name: str) -> Sequence[Part]:
    """What the file consists of; raises where it is of another kind, or has more than a decoder should be given."""
    _refuse_another_kind(data, file_name(name), kind_by_name(name))
    return list(parts(data, kind_by_name(name)))


def _opened(data: bytes, name: str, max_pixels: int) -> Image.Image:
    file, wanted = file_name(name), kind_by_name(name)
    if wanted == "PNG":
        Image.open(io.BytesIO(data), formats=[wanted]).verify()  # decoding looks at no checksum
    image = Image.open(io.BytesIO(data), formats=[wanted])
    if image.width * image.height > max_pixels:
        reason = f"{image.width} × {image.height} are more than {max_pixels:,} pixels"
        raise UnreadableImage(file=file, reason=reason)
    if wanted != "JPEG" and getattr(image, "is_animated", False):
        raise UnreadableImage(file=file, reason="it is animated")
    return image


def _refuse_another_kind(data: bytes, file: str, wanted: str) -> None:
    if not data:
        raise UnreadableImage(file=file, reason="it is empty")
    if (found := kind_of(data)) != wanted:
        reason = (
            f"it is a {found}, not a {wanted}" if found else f"it is no {wanted}, and no other picture that we know"
        )
        raise UnreadableImage(file=file, reason=reason)


def _load(image: Image.Image, *, side: int, shrink: bool = False) -> None:
    """Decode at no less than `side` where the type allows to decode less than all, and exactly to it to `shrink`."""
    pixels = image.width * image.height
    image.draft(None, (side, side))
    # a progressive JPEG is held whole, however small it is decoded
    decoded = pixels if image.info.get("progressive") else image.width * image.height
    with _DECODED.taken(decoded * _PIXEL_BYTES[str(image.format)]):
        image.load()
        if shrink:
            image.thumbnail((side, side), reducing_gap=None)


def _png_exif(data: bytes, found: Sequence[Part]) -> Image.Exif:
    """What Pillow would decode the whole picture to tell."""
    exif = Image.Exif()
    for part in found:
        if part.kind == b"eXIf":
            exif.load(data[part.start + 8 : part.end - 4])
    return exif


def _orientation(exif: Callable[[], Image.Exif]) -> int:
    try:
        return int(exif().get(ExifTags.Base.Orientation, 1))
    except _BROKEN_IMAGE:
        return 1  # what a camera wrote wrongly about a picture does not make it unreadable


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _BROKEN_IMAGE:
        return image.copy()
