"""A receiver of notifications, such as an operator has: it verifies every one with the specification's own library."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

from tests.scripted_server import Asked, Reply

FAILURES = 2


@dataclass
class Receiver:
    """Answers 503 to the first `failures` calls of the first success and of the first failure, and takes all others.

    Only of those, because Pub/Sub sends the slower the more is refused.

    `taken` are the notifications, in order, as often as they were taken; `bodies` every body that came, by its id. What
    does not verify is answered with a 401 and is in `forged`.
    """

    secret: str = "whsec_MfKQ9r8GKYqUTwjUPD8ILPZIo2LaLaSw"
    failures: int = FAILURES
    taken: list[dict[str, Any]] = field(default_factory=list)
    bodies: dict[str, set[bytes]] = field(default_factory=dict)
    forged: list[bytes] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    failing: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, asked: Asked) -> Reply:
        """The answer to one call."""
        try:
            content = Webhook(self.secret).verify(asked.body, dict(asked.headers))
        except Exception:  # noqa: BLE001 - whatever is wrong with it
            self.forged.append(asked.body)
            return Reply(status=401)
        name = asked.headers["webhook-id"]
        with self._lock:
            self.calls[name] += 1
            self.bodies.setdefault(name, set()).add(asked.body)
            if self.failing.setdefault(content["type"], name) == name and self.calls[name] <= self.failures:
                return Reply(status=503)
            self.taken.append(content)
        return Reply(status=204)

    def begin_anew(self) -> None:
        """Take the next success and the next failure for the first ones."""
        with self._lock:
            self.failing.clear()

    def about(self, training_id: str) -> list[dict[str, Any]]:
        """What was told of the training."""
        with self._lock:
            return [content for content in self.taken if content["data"].get("training_id") == training_id]

    def everything(self) -> str:
        """All that ever came, as text."""
        with self._lock:
            return json.dumps([body.decode() for bodies in self.bodies.values() for body in bodies])
