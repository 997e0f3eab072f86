"""A sha256 beside the work: hashing takes as long as writing, and need not be waited for."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

# Less than that is not worth handing to another thread; and so many portions may wait there.
_PORTION_BYTES = 256 << 10
_WAITING = 2


class Sha256Beside:
    """The sha256 of bytes that come piece by piece, computed in a thread of its own while the block lasts.

    It keeps a few portions behind and holds no more: then `update` waits.
    """

    def __init__(self) -> None:
        """Start with no bytes."""
        self._digest = hashlib.sha256()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sha256")
        self._portion: list[bytes] = []
        self._bytes = 0
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def update(self, piece: bytes) -> None:
        """Go on with `piece`, which must not be changed any more."""
        self._portion.append(piece)
        self._bytes += len(piece)
        if self._bytes >= _PORTION_BYTES:
            self._hand_over()

    def hexdigest(self) -> str:
        """The hash of all pieces so far, when it is known."""
        self._hand_over()
        while self._waiting:
            self._waiting.popleft().result()
        return self._digest.hexdigest()

    def _hand_over(self) -> None:
        portion, self._portion, self._bytes = self._portion, [], 0
        if len(self._waiting) == _WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(self._hash, portion))

    def _hash(self, portion: Sequence[bytes]) -> None:
        for piece in portion:
            self._digest.update(piece)
