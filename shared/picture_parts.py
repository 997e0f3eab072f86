"""What the file of a picture consists of: its segments or chunks, found without decoding anything. Pure.

A small file can be endless work for a decoder, and take many times its size: a JPEG that goes over all its pixels in
thousands of scans, a million comments of nothing. Its pixels do not tell; its parts do, and so they are counted first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

MAX_PARTS = 20_000

# Progressive JPEGs have about ten, and an odd program writes twenty.
MAX_SCANS = 100

# What a file is, by how it begins: the types that are taken, and those that are most often taken for them.
_BEGINNINGS: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple(
    (kind, re.compile(pattern, re.DOTALL))
    for kind, pattern in (
        ("JPEG", rb"\xff\xd8\xff"),
        ("PNG", rb"\x89PNG\r\n\x1a\n"),
        ("WEBP", rb"RIFF.{4}WEBP"),
        ("GIF", rb"GIF8"),
        ("HEIC", rb".{4}ftyp(hei|hev|mif|msf)"),
        ("AVIF", rb".{4}ftypavi"),
        ("TIFF", rb"II\*\0|MM\0\*"),
        ("BMP", rb"BM"),
        ("PDF", rb"%PDF"),
    )
)

# In the data of a scan 0xff is followed by 0 or a restart marker; fill bytes come before a marker.
_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_SOI, _EOI, _SOS, _TEM = b"\xd8", b"\xd9", b"\xda", b"\x01"


@dataclass(frozen=True)
class Part:
    """One segment or chunk: `kind` is the JPEG marker's byte or the chunk's four letters.

    `data[start:end]` is all of it, with its own header.
    """

    kind: bytes
    start: int
    end: int


def kind_of(data: bytes) -> str | None:
    """What the file is, by how it begins; None where it is no kind of picture that we know."""
    return next((kind for kind, beginning in _BEGINNINGS if beginning.match(data)), None)


def parts(data: bytes, kind: str) -> Iterator[Part]:
    """The parts of a JPEG, PNG or WEBP up to the picture's end; what is behind it is none of the picture.

    A file that is cut off just ends. `ValueError` where it has too many.
    """
    scans = 0
    for number, part in enumerate(_WALKS[kind](data)):
        scans += kind == "JPEG" and part.kind == _SOS
        if number >= MAX_PARTS or scans > MAX_SCANS:
            limit = f"{MAX_SCANS} scans" if scans > MAX_SCANS else f"{MAX_PARTS:,} parts"
            raise ValueError(f"it has more than {limit}")
        yield part


def _jpeg_parts(data: bytes) -> Iterator[Part]:
    at = 0
    while found := _JPEG_MARKER.search(data, at):
        start, at = found.span()
        kind = data[at - 1 : at]
        if kind not in (_SOI, _EOI, _TEM):
            at += int.from_bytes(data[at : at + 2])
        if kind == _SOS:
            following = _JPEG_MARKER.search(data, at)
            at = following.start() if following else len(data)
        yield Part(kind, start, min(at, len(data)))
        if kind == _EOI:
            return


def _png_parts(data: bytes) -> Iterator[Part]:
    at = 8
    while at < len(data):
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4])
        yield Part(kind, at, min(end, len(data)))
        if kind == b"IEND":
            return
        at = end


def _webp_parts(data: bytes) -> Iterator[Part]:
    at, size = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at < size:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + length + length % 2
        yield Part(data[at : at + 4], at, min(end, size))
        at = end


_WALKS: Mapping[str, Callable[[bytes], Iterator[Part]]] = MappingProxyType(
    {"JPEG": _jpeg_parts, "PNG": _png_parts, "WEBP": _webp_parts}
)
