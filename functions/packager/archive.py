"""The ZIP as a stream: bytes in, bytes out, one entry in memory at a time."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar
from zipfile import ZIP_STORED, ZipFile, ZipInfo

T = TypeVar("T")
R = TypeVar("R")

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


def read_ahead(
    items: Iterable[T],
    load: Callable[[T], R],
    weigh: Callable[[T], int],
    *,
    max_bytes: int,
    max_items: int,
) -> Iterator[R]:
    """`load` of every item, in order, while the next ones are being loaded in parallel.

    At most `max_items` items and `max_bytes` bytes (as `weigh` tells them) are held at once; one larger item is held
    alone. The first error of `load` is raised in its turn, and what was not begun is dropped.
    """
    pending: deque[tuple[int, Future[R]]] = deque()
    held = 0
    with ThreadPoolExecutor(max_workers=max_items, thread_name_prefix="read-ahead") as pool:
        try:
            for item in items:
                weight = weigh(item)
                while pending and (len(pending) >= max_items or held + weight > max_bytes):
                    size, future = pending.popleft()
                    yield future.result()
                    held -= size
                pending.append((weight, pool.submit(load, item)))
                held += weight
            while pending:
                yield pending.popleft()[1].result()
        finally:
            for _, future in pending:
                future.cancel()
