"""How often one user may ask."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from shared.errors import RateLimited

MAX_USERS = 10_000
HEAVY_BYTES = 64 << 10


def weight_of(method: str, headers: Mapping[str, str], *, max_bytes: int) -> int:
    """How many requests one counts for: JSON is taken apart in the one event loop that serves everybody.

    Files (PUT) are not looked into. A body that comes without its length can have the `max_bytes` that are allowed.
    """
    if method not in ("POST", "PATCH"):
        return 1
    length = headers.get("content-length", "")
    unknown = max_bytes if "transfer-encoding" in headers else 0
    return 1 + (int(length) if length.isdecimal() else unknown) // HEAVY_BYTES


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

    def spend(self, user: str, weight: int = 1) -> None:
        """Count a request of `user` as `weight` of them; `RateLimited`, and nothing counted, where too little is left.

        However heavy, a request gets through when the bucket is full.
        """
        if not self._per_minute:
            return
        with self._lock:
            now = self._seconds()
            left = self._left(user, now)
            counted = min(weight, self._per_minute)
            if left < counted:
                raise RateLimited(retry_after_s=(counted - left) * 60 / self._per_minute)
            self._buckets[user] = left - counted, now
            self._buckets.move_to_end(user)
            if len(self._buckets) > self._max_users:
                self._buckets.popitem(last=False)

    def _left(self, user: str, now: float) -> float:
        left, at = self._buckets.get(user, (float(self._per_minute), now))
        return min(float(self._per_minute), left + (now - at) * self._per_minute / 60)
