"""Reads a dataset's ZIP as strictly as a trainer might, refusing what it could stumble over (fal.md §3)."""

import hashlib
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image

PICTURE_TYPES = {".jpg", ".jpeg", ".png", ".webp"}
MASK_ENDING = "_mask"
MAX_CAPTION_BYTES = 64 * 1024
MAX_PICTURE_BYTES = 256 * 1024 * 1024
_CHUNK = 1024 * 1024
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
)
_UNDECODABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


class ArchiveRefused(Exception):
    """The trainer would not train on this archive; the message says why and names the entry."""


@dataclass(frozen=True)
class Picture:
    """A picture or mask in the archive, after it was really decoded."""

    name: str
    bytes: int
    sha256: str
    format: str
    width: int
    height: int


@dataclass(frozen=True)
class ArchiveFindings:
    """What was in the archive: names in their order, pictures, masks, captions by file name, digest."""

    bytes: int
    sha256: str
    names: tuple[str, ...]
    pictures: tuple[Picture, ...]
    masks: tuple[Picture, ...]
    captions: dict[str, str]


def read_archive(path: Path, *, min_pictures: int = 4, captions_required: bool = False) -> ArchiveFindings:
    """Read and check everything; raises ArchiveRefused. Memory is bounded by one picture."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            raise ArchiveRefused("The archive is not a ZIP file")
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        with zipfile.ZipFile(path) as archive:
            return _findings(archive, path.stat().st_size, digest, min_pictures, captions_required)
    except _UNREADABLE as error:
        raise ArchiveRefused(f"The archive cannot be read: {error}") from error


def _findings(
    archive: zipfile.ZipFile, size: int, digest: str, min_pictures: int, captions_required: bool
) -> ArchiveFindings:
    entries = archive.infolist()
    names = tuple(entry.orig_filename for entry in entries)
    for entry in entries:
        _check_entry(entry)
    _check_unique(names)
    pictures = tuple(_picture(archive, entry) for entry in entries if _suffix(entry.filename) in PICTURE_TYPES)
    captions = {entry.filename: _caption(archive, entry) for entry in entries if _suffix(entry.filename) == ".txt"}
    found = ArchiveFindings(
        bytes=size,
        sha256=digest,
        names=names,
        pictures=tuple(picture for picture in pictures if not _is_mask(picture.name)),
        masks=tuple(picture for picture in pictures if _is_mask(picture.name)),
        captions=captions,
    )
    _check_pairs(found, captions_required)
    if len(found.pictures) < min_pictures:
        raise ArchiveRefused(f"Found {len(found.pictures)} images, at least {min_pictures} are required")
    return found


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    if "/" in name or "\\" in name:
        raise ArchiveRefused(f"{name!r}: the archive must be flat")
    if not name or name.startswith(".") or not name.isprintable():
        raise ArchiveRefused(f"{name!r}: not a usable file name")
    if entry.flag_bits & 0x1:
        raise ArchiveRefused(f"{name!r}: encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArchiveRefused(f"{name!r}: compression method {entry.compress_type} is not supported")
    if entry.file_size > (MAX_CAPTION_BYTES if _suffix(name) == ".txt" else MAX_PICTURE_BYTES):
        raise ArchiveRefused(f"{name!r}: {entry.file_size} bytes is too large")
    if _suffix(name) not in PICTURE_TYPES | {".txt"}:
        raise ArchiveRefused(f"{name!r}: neither a picture nor a caption")


def _check_unique(names: Sequence[str]) -> None:
    pictures = [PurePosixPath(name).stem.casefold() for name in names if _suffix(name) in PICTURE_TYPES]
    for what, values in (("name", [name.casefold() for name in names]), ("picture", pictures)):
        twice = [value for value, count in Counter(values).items() if count > 1]
        if twice:
            raise ArchiveRefused(f"{twice[0]!r}: this {what} is in the archive more than once")


def _check_pairs(found: ArchiveFindings, captions_required: bool) -> None:
    stems = {PurePosixPath(picture.name).stem for picture in found.pictures}
    captioned = {PurePosixPath(name).stem for name in found.captions}
    masked = {PurePosixPath(mask.name).stem.removesuffix(MASK_ENDING) for mask in found.masks}
    for what, lonely in (("caption", captioned - stems), ("mask", masked - stems)):
        if lonely:
            raise ArchiveRefused(f"{sorted(lonely)[0]!r}: a {what} without its picture")
    if captions_required and stems - captioned:
        raise ArchiveRefused(f"{sorted(stems - captioned)[0]!r}: no caption, and no default_caption was given")


def _picture(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Picture:
    digest = _digest(archive, entry)
    try:
        with archive.open(entry) as file, Image.open(file) as image:
            image.load()
            return Picture(entry.filename, entry.file_size, digest, image.format or "?", image.width, image.height)
    except _UNDECODABLE as error:
        raise ArchiveRefused(f"{entry.filename!r}: not a picture that can be decoded ({error})") from error


def _caption(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    try:
        return archive.read(entry).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ArchiveRefused(f"{entry.filename!r}: not UTF-8") from error
    except _UNREADABLE as error:
        raise ArchiveRefused(f"{entry.filename!r}: cannot be read ({error})") from error


def _digest(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    """Read an entry to its end, which is also what makes zipfile check its CRC."""
    digest = hashlib.sha256()
    try:
        with archive.open(entry) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except _UNREADABLE as error:
        raise ArchiveRefused(f"{entry.filename!r}: cannot be read ({error})") from error
    return digest.hexdigest()


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _is_mask(name: str) -> bool:
    return PurePosixPath(name).stem.endswith(MASK_ENDING)
