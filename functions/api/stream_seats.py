"""How many live streams may be open: each holds a connection and some memory for as long as a training takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import LiveStreamsUnavailable, TooManyStreams

# When somebody else may have gone; a stream is nothing that ends within seconds by itself.
_RETRY_AFTER_S = 15.0


class Seats:
    """The open streams of this process, counted. To be used in one event loop."""

    def __init__(self, *, per_user: int, in_all: int) -> None:
        """At most `per_user` for one user and `in_all` for everybody together; 0 is no limit."""
        self._per_user = per_user
        self._in_all = in_all
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, user: str) -> Iterator[None]:
        """A seat for as long as the block lasts; `TooManyStreams` or `LiveStreamsUnavailable` where there is none."""
        if self._per_user and self._taken[user] >= self._per_user:
            raise TooManyStreams(maximum=self._per_user)
        if self._in_all and self._taken.total() >= self._in_all:
            raise LiveStreamsUnavailable(retry_after_s=_RETRY_AFTER_S)
        self._taken[user] += 1
        try:
            yield
        finally:
            self._taken[user] -= 1
            if not self._taken[user]:
                del self._taken[user]
