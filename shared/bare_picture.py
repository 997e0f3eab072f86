"""A picture without what cameras and programs wrote about it: fal.ai needs to see it, not to know where it was taken.

What is left of the file is byte for byte what it was, so that no pixel and no colour changes. How the picture has to
be turned is told anew, because a reader turns it. Whatever is not known to be about pixels and colours goes: EXIF with
its place, time, camera and preview, XMP, IPTC, comments, texts, and everything behind the picture's end, like the
second pictures and films that phones keep there.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from PIL import ExifTags, Image

from shared.picture_parts import Part

# The orientations that EXIF knows beside upright, and how it begins in a JPEG.
_TURNED = range(2, 9)
_EXIF = b"Exif\0\0"

# Segments of a JPEG that are for programs, and comments; of these JFIF, colour profile and colour transform are needed.
_JPEG_OTHERS = frozenset(bytes([marker]) for marker in (*range(0xE0, 0xF0), 0xFE))
_JPEG_NEEDED = re.compile(rb"\xff(\xe0..JFIF\0|\xe2..ICC_PROFILE\0|\xee..Adobe)", re.DOTALL)

# Chunks of a PNG that are in capitals are what every reader needs; of the others these are about colours.
_PNG_NEEDED = frozenset(b"tRNS gAMA cHRM sRGB iCCP sBIT bKGD pHYs hIST cICP mDCV cLLI mDCv cLLi".split(b" "))

_WEBP_NEEDED = frozenset((b"VP8X", b"ICCP", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L"))
_WEBP_TELLS_EXIF, _WEBP_TELLS_XMP = 0x08, 0x04

# What every file of a kind begins with, before its first part.
_IN_FRONT = MappingProxyType({"JPEG": 0, "PNG": 8, "WEBP": 12})

_Piece: TypeAlias = bytes | memoryview


def bare_picture(data: bytes, parts: Sequence[Part], kind: str, *, orientation: int) -> bytes:
    """The JPEG, PNG or WEBP with these `parts`, without metadata but its `orientation` (EXIF's number, 1 for upright).

    Of a file that is broken something broken is left.
    """
    needed = [part for part in parts if _NEEDED[kind](part, data)]
    exif = _exif(orientation) if orientation in _TURNED else b""
    if not exif and sum(part.end - part.start for part in needed) == len(data) - _IN_FRONT[kind]:
        return data  # most pictures tell nothing, and have a few megabytes
    view = memoryview(data)
    return _BARE[kind](data, [view[part.start : part.end] for part in needed], exif)


def _exif(orientation: int) -> bytes:
    """A TIFF header with nothing in it but the orientation."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif.tobytes().removeprefix(_EXIF)


def _is_jpegs(part: Part, data: bytes) -> bool:
    return part.kind not in _JPEG_OTHERS or _JPEG_NEEDED.match(data, part.start) is not None


def _is_pngs(part: Part, data: bytes) -> bool:
    return part.kind in _PNG_NEEDED or part.kind[:1].isupper()


def _is_webps(part: Part, data: bytes) -> bool:
    return part.kind in _WEBP_NEEDED


def _jpeg(data: bytes, kept: list[_Piece], exif: bytes) -> bytes:
    if exif:
        # behind the start and JFIF, which readers look for first
        at = 2 if len(kept) > 1 and kept[1][:2] == b"\xff\xe0" else 1
        kept.insert(at, b"\xff\xe1" + (len(_EXIF + exif) + 2).to_bytes(2) + _EXIF + exif)
    return b"".join(kept)


def _png(data: bytes, kept: list[_Piece], exif: bytes) -> bytes:
    if exif:
        chunk = b"eXIf" + exif
        kept.insert(1, len(exif).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4))
    return b"".join((data[:8], *kept))


def _webp(data: bytes, kept: list[_Piece], exif: bytes) -> bytes:
    if kept and kept[0][:4] == b"VP8X":
        told = kept[0][8] & ~(_WEBP_TELLS_EXIF | _WEBP_TELLS_XMP)
        kept[0] = b"".join((kept[0][:8], bytes([told | (_WEBP_TELLS_EXIF if exif else 0)]), kept[0][9:]))
        if exif:
            kept.append(b"EXIF" + len(exif).to_bytes(4, "little") + exif + bytes(len(exif) % 2))
    size = len(b"WEBP") + sum(len(piece) for piece in kept)
    return b"".join((b"RIFF", size.to_bytes(4, "little"), b"WEBP", *kept))


_NEEDED: Mapping[str, Callable[[Part, bytes], bool]] = MappingProxyType(
    {"JPEG": _is_jpegs, "PNG": _is_pngs, "WEBP": _is_webps}
)
_BARE: Mapping[str, Callable[[bytes, list[_Piece], bytes], bytes]] = MappingProxyType(
    {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp}
)
