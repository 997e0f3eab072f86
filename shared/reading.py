"""Reading objects whole, and many of them in parallel without ever holding many."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from shared.errors import StorageUnavailable
from shared.ports import ObjectInfo, Objects

T = TypeVar("T")
R = TypeVar("R")


def read_whole(bucket: Objects, info: ObjectInfo) -> bytes:
    """All of an object as `info` listed it, and never more: what was listed is what was found small enough.

    `StorageUnavailable` where it was replaced by something longer or shorter meanwhile, or is gone: list again.
    """
    pieces, size = list[bytes](), 0
    # in one piece, where the bucket can, so that nothing is copied
    for piece in bucket.read(info.name, chunk_bytes=max(info.size, 1)):
        pieces.append(piece)
        size += len(piece)
        if size > info.size:
            break
    if size != info.size:
        raise StorageUnavailable(reason="a file of the shoot was changed while it was read")
    return b"".join(pieces)


def in_blocks(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in blocks of `size` or a little more, but for the last; an error comes when it comes."""
    block, held = list[bytes](), 0
    for piece in pieces:
        block.append(piece)
        held += len(piece)
        if held >= size:
            yield b"".join(block)
            block, held = [], 0
    if block:
        yield b"".join(block)


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
