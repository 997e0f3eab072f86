"""What an upload reads from."""

from __future__ import annotations

from collections.abc import Iterable

import google_crc32c


class Source:
    """`chunks` as the file that an upload reads from, with the size and checksum of what was read.

    An error of `chunks` is raised again at every further read: it can never be taken for the end of the data.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        """Nothing is taken from `chunks` before the first read."""
        self._chunks = iter(chunks)
        self._buffer = bytearray()
        self.failure: BaseException | None = None
        self.size = 0
        self.checksum = google_crc32c.Checksum()

    def tell(self) -> int:
        """How many bytes were read."""
        return self.size

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes, fewer at the end."""
        while len(self._buffer) < size and (chunk := self._next()) is not None:
            self._buffer += chunk
        with memoryview(self._buffer) as view:
            data = bytes(view[:size])
        del self._buffer[:size]
        self.size += len(data)
        self.checksum.update(data)
        return data

    def _next(self) -> bytes | None:
        if self.failure is not None:
            raise self.failure
        try:
            return next(self._chunks, None)
        except BaseException as error:
            self.failure = error
            raise
