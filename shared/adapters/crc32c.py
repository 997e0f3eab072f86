"""The checksum of Cloud Storage, CRC32C, written as Cloud Storage writes it."""

from __future__ import annotations

import base64

import google_crc32c


class Crc32c:
    """The checksum of bytes that come piece by piece."""

    def __init__(self) -> None:
        """Start with no bytes."""
        self._checksum = google_crc32c.Checksum()

    def update(self, chunk: bytes) -> None:
        """Go on with `chunk`."""
        self._checksum.update(chunk)

    def text(self) -> str:
        """The checksum so far: base64 of its four bytes, the most significant first."""
        digest: bytes = self._checksum.digest()
        return base64.b64encode(digest).decode()
