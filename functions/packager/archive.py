"""The ZIP as a stream: bytes in, bytes out, one entry in memory at a time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

# The oldest time that a ZIP can carry: the same dataset gives the same bytes, whenever it is packaged.
FIXED_TIME = (1980, 1, 1, 0, 0, 0)


class _Sink:
    """What `zipfile` writes into: the pieces since the last `drain`, as they are, without copying one.

    An entry's header can be written anew as long as it is here, so that sizes and checksum stand in it instead of in a
    data descriptor behind the content.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._header = self._end = self._at = 0

    def write(self, piece: bytes) -> int:
        if self._at == self._end:
            self._pieces.append(piece)
            self._end += len(piece)
        elif self._pieces and (self._at, len(piece)) == (self._header, len(self._pieces[0])):
            self._pieces[0] = piece
        else:
            raise BadZipFile("zipfile writes anew what is not an entry's header")
        self._at += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only from the start")
        self._at = offset
        return offset

    def flush(self) -> None:
        """Nothing waits in here."""

    def drain(self) -> list[bytes]:
        """Everything written since the last call."""
        pieces, self._pieces = self._pieces, []
        self._header = self._end
        return pieces


def zip_stream(entries: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """The bytes of a flat, stored ZIP with these (name, content) entries, in their order; deterministic."""
    sink = _Sink()
    with ZipFile(sink, "w", ZIP_STORED) as archive:  # type: ignore[call-overload]
        for name, content in entries:
            info = ZipInfo(name, date_time=FIXED_TIME)
            info.external_attr = 0o600 << 16
            info.create_system = 3
            archive.writestr(info, content)
            yield from sink.drain()
    yield from sink.drain()
