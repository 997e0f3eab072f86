"""Pictures as bytes: whether they are what they claim to be, and what they look like when they are small. Pure."""

from __future__ import annotations

import io
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from PIL import ExifTags, Image, ImageOps

from shared.errors import UnreadableImage
from shared.shoots import file_name, split_name

_FORMAT_OF = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP"}

# What many phones write: everybody but Pillow takes it for a JPEG and sees the first picture.
_JPEG_WITH_MORE_BEHIND = "MPO"

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

# A small file can be a huge picture: of those that need more memory than this only one is decoded at a time.
_LARGE_PIXELS = 4 << 20
_ONE_LARGE_AT_A_TIME = threading.Lock()

# The EXIF orientations in which a picture lies on its side.
_ON_ITS_SIDE = (5, 6, 7, 8)


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A picture that really is one: `width` and `height` as people see it, and `image`, upright, as small as asked."""

    image: Image.Image
    width: int
    height: int


def check_image(data: bytes, name: str, *, max_pixels: int) -> None:
    """Raise `UnreadableImage` unless `data` decodes as the type that `name` claims, stands still and is not too large.

    JPEGs are decoded at an eighth of their size, which reads every byte and costs a fraction of the memory; PNGs have
    their checksums verified, which takes a hundredth of decoding them; a WebP is decoded in full.
    """
    with _judged(name), _opened(data, name, max_pixels) as image:
        if image.format == "PNG":
            image.verify()
        else:
            _load(image, side=1)


def decode(data: bytes, name: str, *, max_pixels: int, side: int) -> Decoded:
    """The picture with its longest side at most `side`; `UnreadableImage` where `check_image` raises it, too."""
    if split_name(name)[1] == "png":
        check_image(data, name, max_pixels=max_pixels)  # decoding a PNG looks at no checksum
    with _judged(name), _opened(data, name, max_pixels) as image:
        turned = _orientation(image) in _ON_ITS_SIDE
        width, height = image.size[::-1] if turned else image.size
        _load(image, side=side, shrink=True)
        return Decoded(image=_upright(image), width=width, height=height)


@contextmanager
def _judged(name: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN_IMAGE as error:
        reason = str(error).split("<")[0].strip() or "it is broken"
        raise UnreadableImage(file=file_name(name), reason=reason) from error


def _opened(data: bytes, name: str, max_pixels: int) -> Image.Image:
    image, file = Image.open(io.BytesIO(data)), file_name(name)
    wanted = _FORMAT_OF[split_name(name)[1]]
    found = "JPEG" if image.format == _JPEG_WITH_MORE_BEHIND else image.format
    if found != wanted:
        raise UnreadableImage(file=file, reason=f"it is a {found}, not a {wanted}")
    if image.width * image.height > max_pixels:
        reason = f"{image.width} × {image.height} are more than {max_pixels:,} pixels"
        raise UnreadableImage(file=file, reason=reason)
    if found != "JPEG" and getattr(image, "is_animated", False):
        raise UnreadableImage(file=file, reason="it is animated")
    return image


def _load(image: Image.Image, *, side: int, shrink: bool = False) -> None:
    """Decode at no less than `side` where the type allows to decode less than all, and exactly to it to `shrink`."""
    pixels = image.width * image.height
    image.draft(None, (side, side))
    with _room_for(image, pixels):
        image.load()
        if shrink:
            image.thumbnail((side, side), reducing_gap=None)


def _room_for(image: Image.Image, pixels: int) -> AbstractContextManager[object]:
    """What decoding waits for; a progressive JPEG is held whole, however small it is decoded."""
    decoded = pixels if image.info.get("progressive") else image.width * image.height
    return _ONE_LARGE_AT_A_TIME if decoded > _LARGE_PIXELS else nullcontext()


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except _BROKEN_IMAGE:
        return 1  # what a camera wrote wrongly about a picture does not make it unreadable


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _BROKEN_IMAGE:
        return image.copy()
