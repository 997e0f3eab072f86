"""Small pictures for people to look at: made once, kept in a bucket of ours, shown by signed URLs.

A thumbnail's name tells of which version of which picture it is, and how large that one is:
`thumbnails/{shoot_id}/{file}-{crc32c}-{width}x{height}.webp`. So one listing answers everything, a changed picture gets
a new thumbnail, and 0x0 stands for a picture that cannot be read, which is not tried again at every view.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from shared import logs
from shared.datasets import has_plain_name, size_errors
from shared.errors import StorageUnavailable, UnreadableImage
from shared.images import decode
from shared.ports import Objects
from shared.reading import read_ahead, read_whole
from shared.settings import DatasetSettings
from shared.shoots import Picture, file_name

LONGEST_SIDE = 320
_QUALITY = 80
_AT_ONCE = 8
_NAME = re.compile(r"(?P<of>.+)-(?P<width>\d+)x(?P<height>\d+)\.webp", re.DOTALL)

# The segment of an object's name may have 255 bytes, and ours is longer than the picture's.
_MAX_FILE_BYTES = 180


@dataclass(frozen=True, kw_only=True)
class Thumbnail:
    """Where the thumbnail of a picture is to be had, and the size in pixels of the picture itself."""

    url: str
    width: int
    height: int


def thumbnail_prefix(shoot_id: str) -> str:
    """Where a shoot's thumbnails lie in the thumbnails bucket."""
    return f"thumbnails/{shoot_id}/"


def show_thumbnails(
    folder: str,
    pictures: Sequence[Picture],
    *,
    source: Objects,
    thumbnails: Objects,
    ttl_s: float,
    limits: DatasetSettings,
) -> Mapping[str, Thumbnail]:
    """The thumbnails of those `pictures` that can be read, by the names of their files; missing ones are made now, in
    `folder`, which ends with a slash.

    A few at a time and with bounded memory. Where a bucket does not answer there are none: a shoot can be looked at
    and trained on without.
    """
    fit = [picture for picture in pictures if has_plain_name(picture) and not any(size_errors(picture, limits))]
    try:
        known = _known(folder, fit, thumbnails)

        def show(picture: Picture) -> Thumbnail | None:
            name = known.get(_of(picture)) or _make(folder, picture, source, thumbnails, limits)
            return _signed(name, thumbnails, ttl_s)

        def weigh(picture: Picture) -> int:
            return 0 if _of(picture) in known else picture.image.size

        shown = list(read_ahead(fit, show, weigh, max_bytes=limits.read_ahead_bytes, max_items=_AT_ONCE))
    except StorageUnavailable as error:
        logs.warning("thumbnails_unavailable", folder=folder, reason=error.message)
        return {}
    return {file_name(p.image.name): thumbnail for p, thumbnail in zip(fit, shown, strict=True) if thumbnail}


def _known(folder: str, pictures: Sequence[Picture], thumbnails: Objects) -> dict[str, str]:
    """The names of the thumbnails that there are, by what they are of; looks at one name only for one picture."""
    if not pictures:
        return {}
    asked = folder + _of(pictures[0]) if len(pictures) == 1 else folder
    names = (info.name for info in thumbnails.list(asked))
    return {match["of"]: name for name in names if (match := _NAME.fullmatch(name, len(folder)))}


def _of(picture: Picture) -> str:
    """What a thumbnail's name says about the picture and its version, fit for an object's name and a URL."""
    file = file_name(picture.image.name)
    if len(file.encode()) > _MAX_FILE_BYTES:
        file = hashlib.sha256(file.encode()).hexdigest()
    return f"{file}-{picture.image.crc32c.rstrip('=').replace('+', '-').replace('/', '_')}"


def _make(folder: str, picture: Picture, source: Objects, thumbnails: Objects, limits: DatasetSettings) -> str:
    data = read_whole(source, picture.image)
    width, height, content = 0, 0, b""
    try:
        decoded = decode(data, picture.image.name, max_pixels=limits.max_image_pixels, side=LONGEST_SIDE)
        width, height, content = decoded.width, decoded.height, _webp(decoded.image)
    except UnreadableImage as error:
        logs.info("thumbnail_impossible", folder=folder, reason=error.code)
    name = f"{folder}{_of(picture)}-{width}x{height}.webp"
    thumbnails.write(name, [content], content_type="image/webp")
    return name


def _webp(image: Image.Image) -> bytes:
    """The picture and nothing else: no place, no camera, no time."""
    if image.mode not in ("RGB", "RGBA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    out = io.BytesIO()
    image.save(out, "WEBP", quality=_QUALITY, exif=b"", icc_profile=b"", xmp=b"")
    return out.getvalue()


def _signed(name: str, thumbnails: Objects, ttl_s: float) -> Thumbnail | None:
    match = _NAME.fullmatch(name)
    assert match is not None, "it was listed or made under such a name"
    width, height = int(match["width"]), int(match["height"])
    if not width:
        return None
    return Thumbnail(url=thumbnails.sign(name, ttl_s=ttl_s), width=width, height=height)
