"""How much may be going on at the same time: what lasts long, or takes memory, takes a seat."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from shared.errors import ProductError, RateLimited


class Seats:
    """The seats of this process for one kind of thing. Safe to share between threads."""

    def __init__(
        self, *, per_user: int, in_all: int, too_many: Callable[[], ProductError], none_left: Callable[[], ProductError]
    ) -> None:
        """At most `per_user` for one user, else `too_many`, and `in_all` for everybody together, else `none_left`.

        0 is no limit.
        """
        self._per_user = per_user
        self._in_all = in_all
        self._too_many = too_many
        self._none_left = none_left
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, user: str) -> Iterator[None]:
        """A seat for as long as the block lasts, or the error for want of one."""
        with self._lock:
            if self._per_user and self._taken[user] >= self._per_user:
                raise self._too_many()
            if self._in_all and self._taken.total() >= self._in_all:
                raise self._none_left()
            self._taken[user] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[user] -= 1
                if not self._taken[user]:
                    del self._taken[user]


def seats_for_work(*, per_user: int, in_all: int) -> Seats:
    """Seats for what is over in seconds: whoever gets none is told to come again soon."""
    soon = partial(RateLimited, retry_after_s=1.0)
    return Seats(per_user=per_user, in_all=in_all, too_many=soon, none_left=soon)
