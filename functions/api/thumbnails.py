"""Small pictures for people to look at: made once, kept in a bucket of ours, shown by signed URLs.

What is decoded for one is what would be sent to fal.ai, so that its name proves to the packager that it is whole
(shared/thumbnail_names.py). A picture that cannot be read is not tried again at every view.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from shared import logs
from shared.datasets import has_plain_name, size_errors
from shared.errors import StorageUnavailable, UnreadableImage
from shared.images import decode, without_metadata
from shared.ports import Objects
from shared.reading import read_ahead, read_whole
from shared.settings import DatasetSettings
from shared.shoots import Picture, file_name
from shared.thumbnail_names import ThumbnailName, digest_of, read_names, version_of

LONGEST_SIDE = 320
_QUALITY = 80
_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Thumbnail:
    """Where the thumbnail of a picture is to be had, and the size in pixels of the picture itself."""

    url: str
    width: int
    height: int


def show_thumbnails(
    folder: str,
    pictures: Sequence[Picture],
    *,
    source: Objects,
    thumbnails: Objects,
    ttl_s: float,
    limits: DatasetSettings,
    side: int = LONGEST_SIDE,
) -> Mapping[str, Thumbnail]:
    """The thumbnails of those `pictures` that can be read, by the names of their files; missing ones are made now, in
    `folder`, which ends with a slash, with their longest side at most `side`.

    A few at a time and with bounded memory. Where a bucket does not answer there are none: a shoot can be looked at
    and trained on without.
    """
    fit = [picture for picture in pictures if has_plain_name(picture) and not any(size_errors(picture, limits))]
    try:
        known = _known(folder, fit, thumbnails)

        def show(picture: Picture) -> Thumbnail | None:
            name = known.get(version_of(picture)) or make_thumbnail(
                folder, picture, source=source, thumbnails=thumbnails, limits=limits, side=side
            )
            return _signed(folder, name, thumbnails, ttl_s)

        def weigh(picture: Picture) -> int:
            return 0 if version_of(picture) in known else picture.image.size

        shown = list(read_ahead(fit, show, weigh, max_bytes=limits.read_ahead_bytes, max_items=_AT_ONCE))
    except StorageUnavailable as error:
        logs.warning("thumbnails_unavailable", folder=folder, reason=error.message)
        return {}
    return {file_name(p.image.name): thumbnail for p, thumbnail in zip(fit, shown, strict=True) if thumbnail}


def _known(folder: str, pictures: Sequence[Picture], thumbnails: Objects) -> Mapping[str, ThumbnailName]:
    """The thumbnails that there are, by what they are of; looks at one name only for one picture."""
    if not pictures:
        return {}
    asked = folder + version_of(pictures[0]) if len(pictures) == 1 else folder
    return read_names((info.name for info in thumbnails.list(asked)), folder)


def make_thumbnail(
    folder: str, picture: Picture, *, source: Objects, thumbnails: Objects, limits: DatasetSettings, side: int
) -> ThumbnailName | None:
    """The new thumbnail; none where the picture was deleted meanwhile.

    Who deletes a picture looks for thumbnails after that, and we look for the picture after we wrote: however long this
    takes, one of the two sees the other.
    """
    data, file = read_whole(source, picture.image), picture.image.name
    width, height, content = 0, 0, b""
    try:
        data = without_metadata(data, file, max_pixels=limits.max_image_pixels)
        decoded = decode(data, file, max_pixels=limits.max_image_pixels, side=side)
        width, height, content = decoded.width, decoded.height, _webp(decoded.image)
    except UnreadableImage as error:
        logs.info("thumbnail_impossible", folder=folder, reason=error.code)
    name = ThumbnailName(of=version_of(picture), digest=digest_of(data), width=width, height=height)
    thumbnails.write(f"{folder}{name}", [content], content_type="image/webp")
    if source.stat(picture.image.name) is None:
        thumbnails.delete(f"{folder}{name}")
        return None
    return name


def _webp(image: Image.Image) -> bytes:
    """The picture and nothing else: no place, no camera, no time."""
    if image.mode not in ("RGB", "RGBA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    out = io.BytesIO()
    image.save(out, "WEBP", quality=_QUALITY, exif=b"", icc_profile=b"", xmp=b"")
    return out.getvalue()


def _signed(folder: str, name: ThumbnailName | None, thumbnails: Objects, ttl_s: float) -> Thumbnail | None:
    if name is None or not name.readable:
        return None
    url = thumbnails.sign(f"{folder}{name}", ttl_s=ttl_s)
    return Thumbnail(url=url, width=name.width, height=name.height)
