"""Files that lie about being pictures, or are more work than they look like: small to make, and named."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

from PIL import Image

from tests.pictures import a_jpeg, an_image, animated, encoded

SMALL = an_image(1, (64, 64))
PNG = encoded(SMALL, "PNG")
WEBP = encoded(SMALL, "WEBP")
JPEG = encoded(SMALL)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG, with its right checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def a_png(*chunks: bytes, size: tuple[int, int] = (64, 64), depth: int = 8, colour: int = 2) -> bytes:
    """A PNG made of these chunks behind its header."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))
    return b"".join((PNG[:8], header, *chunks, chunk(b"IEND", b"")))


def pixels_of(rows: int, size: tuple[int, int] = (64, 64)) -> bytes:
    """The chunk with the pixels of an RGB PNG, but only so many rows of them."""
    return chunk(b"IDAT", zlib.compress(bytes(rows * (1 + 3 * size[0]))))


def a_jpeg_of_scans(count: int, size: tuple[int, int] = (64, 64)) -> bytes:
    """A progressive JPEG that goes over its pixels again and again."""
    whole = encoded(Image.new("L", size), "JPEG", progressive=True)
    last, end = whole.rindex(b"\xff\xda"), whole.rindex(b"\xff\xd9")
    scans = whole.count(b"\xff\xda")
    return whole[:last] + whole[last:end] * (count - scans + 1) + whole[end:]


def a_jpeg_of_parts(count: int) -> bytes:
    """A JPEG with so many empty segments more."""
    return JPEG[:2] + b"\xff\xe5\x00\x02" * count + JPEG[2:]


def a_webp_of_parts(count: int) -> bytes:
    """A WebP with so many empty chunks more."""
    body = WEBP[8:] + (b"JUNK" + bytes(4)) * count
    return b"RIFF" + struct.pack("<I", len(body)) + body


def cut(data: bytes) -> bytes:
    """Its first half."""
    return data[: len(data) // 2]


def with_a_flipped_bit(data: bytes) -> bytes:
    """The same with one bit wrong, in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def a_bomb(size: tuple[int, int]) -> bytes:
    """A PNG of a few bytes that would be a picture of that size."""
    return a_png(chunk(b"IDAT", zlib.compress(b"\0")), size=size, depth=1, colour=0)


# what: (name, content, what the user is told)
UNREADABLE: Mapping[str, tuple[str, bytes, str]] = {
    "nothing at all": ("a.jpg", b"", "it is empty"),
    "one byte": ("a.png", b"\x89", "it is no PNG"),
    "text": ("a.jpg", b"no picture at all", "it is no JPEG, and no other picture that we know"),
    "a web page": ("a.png", b"<html><script>alert(1)</script>", "it is no PNG"),
    "a program": ("a.jpg", b"\x7fELF" + bytes(100), "it is no JPEG"),
    "a ZIP": ("a.webp", b"PK\x03\x04" + bytes(100), "it is no WEBP"),
    "an SVG": ("a.png", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "it is no PNG"),
    "a PDF": ("a.jpg", b"%PDF-1.7\n" + bytes(100), "it is a PDF, not a JPEG"),
    "a PNG named JPEG": ("a.jpg", PNG, "it is a PNG, not a JPEG"),
    "a WebP named JPEG": ("a.jpeg", WEBP, "it is a WEBP, not a JPEG"),
    "a JPEG named PNG": ("a.png", JPEG, "it is a JPEG, not a PNG"),
    "a JPEG named WebP": ("a.webp", JPEG, "it is a JPEG, not a WEBP"),
    "a GIF named JPEG": ("a.jpg", encoded(SMALL, "GIF"), "it is a GIF, not a JPEG"),
    "an animated GIF named WebP": ("a.webp", animated("GIF"), "it is a GIF, not a WEBP"),
    "a BMP named PNG": ("a.png", encoded(SMALL, "BMP"), "it is a BMP, not a PNG"),
    "a TIFF named JPEG": ("a.jpg", encoded(SMALL, "TIFF"), "it is a TIFF, not a JPEG"),
    "a phone's HEIC named JPEG": ("a.jpg", b"\0\0\0\x24ftypheic" + bytes(100), "it is a HEIC, not a JPEG"),
    "an AVIF named JPEG": ("a.jpg", b"\0\0\0\x24ftypavif" + bytes(100), "it is a AVIF, not a JPEG"),
    "a DDS, whose reader breaks": ("a.jpg", encoded(SMALL, "DDS")[:80] + bytes(200), "it is no JPEG"),
    "half a JPEG": ("a.jpg", cut(a_jpeg()), "truncated"),
    "half a PNG": ("a.png", cut(PNG), ""),
    "half a WebP": ("a.webp", cut(WEBP), ""),
    "a JPEG's beginning": ("a.jpg", JPEG[:20], ""),
    "a PNG's beginning": ("a.png", PNG[:8], ""),
    "a WebP's beginning": ("a.webp", WEBP[:12], ""),
    "a PNG with a wrong bit": ("a.png", with_a_flipped_bit(PNG), "bad header checksum"),
    "a PNG whose pixels are nonsense": ("a.png", a_png(chunk(b"IDAT", b"not deflated")), "broken data stream"),
    "a PNG without a row": ("a.png", a_png(pixels_of(rows=0)), "truncated"),
    "a PNG without pixels": ("a.png", a_png(), ""),
    "a PNG of no width": ("a.png", a_png(pixels_of(64), size=(0, 64)), ""),
    "an animated PNG": ("a.png", animated("PNG"), "it is animated"),
    "an animated WebP": ("a.webp", animated("WEBP"), "it is animated"),
    "a bomb of pixels": ("a.png", a_bomb((60_000, 60_000)), ""),
    "the largest bomb": ("a.png", a_bomb((2**31 - 1, 2**31 - 1)), ""),
    "a text that unpacks to much": (
        "a.png",
        a_png(chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 26))), pixels_of(64)),
        "too large",
    ),
    "a colour profile that unpacks to much": (
        "a.png",
        a_png(chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1 << 26))), pixels_of(64)),
        "",
    ),
    "a JPEG of endless scans": ("a.jpg", a_jpeg_of_scans(101), "it has more than 100 scans"),
    "a JPEG of many empty parts": ("a.jpg", a_jpeg_of_parts(20_001), "it has more than 20,000 parts"),
    "a PNG of many empty parts": (
        "a.png",
        a_png(chunk(b"prVt", b"") * 20_001, pixels_of(64)),
        "it has more than 20,000 parts",
    ),
    "a WebP of many empty parts": ("a.webp", a_webp_of_parts(20_001), "it has more than 20,000 parts"),
}


def on_its_side() -> Image.Exif:
    """What a camera writes that was held upright, and where it was."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "A camera"
    exif.get_ifd(0x8825)[1] = "N"
    return exif


def a_phone_jpeg() -> bytes:
    """A JPEG with a second, smaller picture behind it (MPO), as many phones write it."""
    return encoded(an_image(1, (64, 64)), "MPO", save_all=True, append_images=[an_image(1, (30, 20))])


def an_rgb_jpeg() -> bytes:
    """A JPEG of which only Adobe's segment tells that it holds red, green and blue and no brightness and colour."""
    data = encoded(SMALL, keep_rgb=True)
    for named, numbered in (
        (b"R\x11\0G\x11\0B\x11\0", b"\1\x11\0\2\x11\0\3\x11\0"),
        (b"\3R\0G\0B\0", b"\3\1\0\2\0\3\0"),
    ):
        assert named in data
        data = data.replace(named, numbered)
    return data


# what: (name, content); trainers read all of these
READABLE: Mapping[str, tuple[str, bytes]] = {
    "a JPEG": ("a.jpg", JPEG),
    "a progressive JPEG": ("a.jpeg", encoded(SMALL, progressive=True)),
    "a JPEG of as many scans as may be": ("a.jpg", a_jpeg_of_scans(100)),
    "a JPEG of as many parts as may be": ("a.jpg", a_jpeg_of_parts(19_000)),
    "a CMYK JPEG": ("a.jpg", encoded(SMALL.convert("CMYK"))),
    "a JPEG of red, green and blue": ("a.jpg", an_rgb_jpeg()),
    "a grey JPEG": ("a.jpg", encoded(SMALL.convert("L"))),
    "a JPEG on its side": ("a.jpg", encoded(SMALL, exif=on_its_side())),
    "a JPEG with broken EXIF": ("a.jpg", encoded(SMALL, exif=b"Exif\x00\x00no such thing")),
    "a JPEG with a colour profile": ("a.jpg", encoded(SMALL, icc_profile=b"a profile" * 20_000)),
    "a JPEG with another picture behind": ("a.jpg", a_phone_jpeg()),
    "a JPEG that is a ZIP, too": ("a.jpg", JPEG + b"PK\x05\x06" + bytes(18)),
    "a JPEG with a film behind": ("a.jpg", JPEG + b"\0\0\0\x18ftypmp42" + b"\xff\xda\xff\xe1" * 60_000),
    "a PNG": ("a.png", PNG),
    "a PNG of 16 bits": ("a.png", encoded(Image.new("I;16", (64, 64)), "PNG")),
    "a PNG of two colours": ("a.png", encoded(SMALL.convert("1"), "PNG")),
    "a PNG with a palette and a transparent colour": ("a.png", encoded(SMALL.convert("P"), "PNG", transparency=0)),
    "a transparent PNG": ("a.png", encoded(SMALL.convert("RGBA"), "PNG")),
    "a PNG on its side": ("a.png", encoded(SMALL, "PNG", exif=on_its_side())),
    "a PNG with a page behind": ("a.png", PNG + b"<script>alert(1)</script>"),
    "a WebP": ("a.webp", WEBP),
    "a lossless, transparent WebP": ("a.webp", encoded(SMALL.convert("RGBA"), "WEBP", lossless=True)),
    "a WebP on its side": ("a.webp", encoded(SMALL, "WEBP", exif=on_its_side())),
    "a picture of one pixel": ("a.png", encoded(Image.new("RGB", (1, 1)), "PNG")),
}
