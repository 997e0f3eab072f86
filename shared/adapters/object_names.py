"""Which object names are accepted: those that mean the same in a bucket, in a URL and in a directory."""

from __future__ import annotations

import re
import unicodedata

from shared.errors import InvalidRequest

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_MAX_NAME_BYTES = 1024
_MAX_SEGMENT_BYTES = 255


def checked_bucket(bucket: str) -> str:
    """`bucket` where it is a bucket's name; `InvalidRequest` otherwise."""
    if not _BUCKET.fullmatch(bucket):
        raise InvalidRequest(reason=f"{bucket!r} is no bucket name")
    return bucket


def checked_name(name: str) -> str:
    """`name` where an object may have it; `InvalidRequest` otherwise.

    Refused are absolute names, empty segments, `.` and `..`, control characters, and what is too long for a
    file.
    """
    segments = name.split("/")
    if any(segment in ("", ".", "..") for segment in segments):
        raise InvalidRequest(reason=f"{name!r} is no object name: a segment is empty, . or ..")
    _check_characters(name)
    sizes = [len(segment.encode()) for segment in segments]
    if max(sizes) > _MAX_SEGMENT_BYTES or sum(sizes) + len(sizes) > _MAX_NAME_BYTES:
        raise InvalidRequest(reason=f"the object name {name[:40]!r}… is too long")
    return name


def is_object_name(name: str) -> bool:
    """Whether `checked_name` accepts it."""
    try:
        checked_name(name)
    except InvalidRequest:
        return False
    return True


def checked_prefix(prefix: str) -> str:
    """`prefix` where accepted names may start with it; `InvalidRequest` otherwise."""
    folder, _, rest = prefix.rpartition("/")
    if folder or prefix.startswith("/"):
        checked_name(folder)
    _check_characters(rest)
    return prefix


def _check_characters(text: str) -> None:
    # Cc: control characters; Cs: halves of surrogate pairs, which no UTF-8 can hold
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise InvalidRequest(reason=f"the object name {text!r} has control characters")
