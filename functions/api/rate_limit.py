"""How often one user may ask."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from shared.errors import RateLimited

MAX_USERS = 10_000


class RateLimiter:
    """A token bucket per user, in the memory of this process. Safe to share between threads.

    It keeps one user from taking a whole instance for herself, and is no quota: n instances allow n times as much,
    and a new instance starts with full buckets. Memory is bounded: of more than `max_users` users the one who asked
    longest ago is forgotten, that is, allowed a full bucket again.
    """

    def __init__(
        self, per_minute: int, *, max_users: int = MAX_USERS, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """`per_minute` requests at once and in every minute from then on; 0 is no limit. `seconds` never runs back."""
        self._per_minute = per_minute
        self._max_users = max_users
        self._seconds = seconds
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what was left, and when
        self._lock = threading.Lock()

    def spend(self, user: str) -> None:
        """Count one request of `user`; `RateLimited`, and nothing is counted, where there is nothing left."""
        if not self._per_minute:
            return
        with self._lock:
            now = self._seconds()
            left = self._left(user, now)
            if left < 1:
                raise RateLimited(retry_after_s=(1 - left) * 60 / self._per_minute)
            self._buckets[user] = left - 1, now
            self._buckets.move_to_end(user)
            if len(self._buckets) > self._max_users:
                self._buckets.popitem(last=False)

    def _left(self, user: str, now: float) -> float:
        left, at = self._buckets.get(user, (float(self._per_minute), now))
        return min(float(self._per_minute), left + (now - at) * self._per_minute / 60)
