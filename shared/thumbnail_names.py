"""What the name of a thumbnail tells: of which version of which picture it is, what was decoded for it, how large.

`thumbnails/{shoot_id}/{file}-{crc32c}-{digest}-{width}x{height}.webp`. One listing answers everything, a changed
picture gets a new thumbnail, and 0x0 stands for a picture that cannot be read. Pure.

Only the API writes thumbnails, and only of what it decoded whole. So a name is a proof: the picture whose bytes, as
they are sent to fal.ai, have this digest is whole, and need not be decoded again to know it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from blake3 import blake3

from shared.shoots import Picture, file_name

_NAME = re.compile(r"(?P<of>.+)-(?P<digest>[A-Za-z0-9_-]{22})-(?P<width>\d{1,9})x(?P<height>\d{1,9})\.webp", re.DOTALL)
_DIGEST_BYTES = 16

# Goes into every digest. Whoever changes what is left of a picture when it is sent, or what makes one unreadable,
# counts it up: then what was decoded under the rules before proves nothing any more.
_RULES = "costumes-lora: a picture without metadata that was decoded whole, rules 1"

# The segment of an object's name may have 255 bytes, and ours is longer than the picture's.
_MAX_FILE_BYTES = 180


@dataclass(frozen=True, kw_only=True)
class ThumbnailName:
    """A thumbnail's name; `of` is the version of the picture, `digest` is of its bytes as they are sent."""

    of: str
    digest: str
    width: int
    height: int

    def __str__(self) -> str:
        """As it stands behind the shoot's prefix."""
        return f"{self.of}-{self.digest}-{self.width}x{self.height}.webp"

    @property
    def pixels(self) -> int:
        """How many pixels the picture has; 0 where it could not be decoded."""
        return self.width * self.height

    @property
    def readable(self) -> bool:
        """Whether the picture could be decoded."""
        return self.pixels > 0


def thumbnail_prefix(shoot_id: str) -> str:
    """Where a shoot's thumbnails lie in the thumbnails bucket."""
    return f"thumbnails/{shoot_id}/"


def version_of(picture: Picture) -> str:
    """What a thumbnail's name says about the picture and its version, fit for an object's name and a URL."""
    file = file_name(picture.image.name)
    if len(file.encode()) > _MAX_FILE_BYTES:
        file = hashlib.sha256(file.encode()).hexdigest()
    return f"{file}-{picture.image.crc32c.rstrip('=').replace('+', '-').replace('/', '_')}"


def digest_of(data: bytes) -> str:
    """The digest of a picture's bytes as they are sent: BLAKE3, a quarter of the work of a sha256; 128 bits of it."""
    digest = blake3(data, derive_key_context=_RULES).digest(_DIGEST_BYTES)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def read_names(names: Iterable[str], prefix: str) -> Mapping[str, ThumbnailName]:
    """Those of the objects' `names` under `prefix` that are thumbnails' names, by the version that they are of."""
    found = (_NAME.fullmatch(name, len(prefix)) for name in names if name.startswith(prefix))
    read = (
        ThumbnailName(of=m["of"], digest=m["digest"], width=int(m["width"]), height=int(m["height"]))
        for m in found
        if m
    )
    return {name.of: name for name in read}
