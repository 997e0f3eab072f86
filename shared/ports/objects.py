"""Files in a bucket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectInfo:
    """An object as a listing shows it: `size` in bytes, `crc32c` base64 as Cloud Storage writes it."""

    name: str
    size: int
    crc32c: str
    updated_at: datetime


class Objects(Protocol):
    """One bucket."""

    @property
    def uri(self) -> str:
        """`gs://` and the bucket's name, without a final slash."""
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Everything under `prefix`, by name, without reading it."""
        ...

    def stat(self, name: str) -> ObjectInfo | None:
        """The object; None where there is none."""
        ...

    def read(self, name: str, *, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        """Its bytes in order, at most `chunk_bytes` at a time; `StorageUnavailable` where it is not there."""
        ...

    def write(self, name: str, chunks: Iterable[bytes], *, content_type: str) -> ObjectInfo:
        """Stream `chunks` into the object: whole and visible at the end, replacing what was there.

        When `chunks` raises, that error passes through and no object appears or changes. Memory is bounded by one
        chunk and a fixed buffer.
        """
        ...

    def copy(self, source: str, target: str) -> ObjectInfo:
        """Copy within the bucket without moving the bytes through this process."""
        ...

    def delete(self, name: str) -> None:
        """Delete it; no error where it is not there."""
        ...

    def sign(self, name: str, *, ttl_s: float, download_name: str | None = None) -> str:
        """A URL that anybody can GET for `ttl_s` seconds, at most 12 h; `download_name` makes browsers save it."""
        ...
