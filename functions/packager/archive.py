"""The ZIP as a stream: bytes in, bytes out, one entry in memory at a time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from zipfile import ZIP_STORED, ZipFile, ZipInfo

# The oldest time that a ZIP can carry: the same dataset gives the same bytes, whenever it is packaged.
FIXED_TIME = (1980, 1, 1, 0, 0, 0)


class _Sink(io.BytesIO):
    """A file of which only the part since the last `drain` is in memory.

    It can seek within that part, so that `zipfile` writes sizes and checksum into the entry's header instead of a
    data descriptor behind it.
    """

    _drained = 0

    def tell(self) -> int:
        return self._drained + super().tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._drained + super().seek(offset - self._drained if whence == io.SEEK_SET else offset, whence)

    def drain(self) -> bytes:
        """Everything written since the last call."""
        data = self.getvalue()
        self._drained += len(data)
        super().seek(0)
        self.truncate()
        return data


def zip_stream(entries: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """The bytes of a flat, stored ZIP with these (name, content) entries, in their order; deterministic."""
    sink = _Sink()
    with ZipFile(sink, "w", ZIP_STORED) as archive:
        for name, content in entries:
            info = ZipInfo(name, date_time=FIXED_TIME)
            info.external_attr = 0o600 << 16
            info.create_system = 3
            archive.writestr(info, content)
            yield sink.drain()
    yield sink.drain()
