"""Takes messages from the queue and POSTs them to functions, as Pub/Sub's push subscriptions do."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from shared import logs
from shared.adapters.embedded.queue import QueuedMessage, SqliteQueue
from shared.errors import MessagingUnavailable

ACKS = frozenset({102, 200, 201, 202, 204})


@dataclass(frozen=True, kw_only=True)
class DispatchSettings:
    """How messages are delivered; durations in seconds.

    `ack_deadline_s` limits one request. A back-off doubles from `min_backoff_s` to `max_backoff_s`.
    `concurrency` is the number of requests at a time for one subscription, so that a slow function does not
    hold up another. `lease_s` is how long a message stays with a dispatcher that was killed; a living one
    renews. `poll_s` is how soon messages of other processes are seen.
    """

    ack_deadline_s: float = 600.0
    min_backoff_s: float = 1.0
    max_backoff_s: float = 60.0
    concurrency: int = 8
    lease_s: float = 15.0
    poll_s: float = 0.2

    def backoff_s(self, attempt: int) -> float:
        """The wait after the `attempt`th failure, from 1."""
        return float(min(self.max_backoff_s, self.min_backoff_s * 2 ** min(attempt - 1, 60)))


def push_envelope(message: QueuedMessage) -> bytes:
    """The body of the push request, as Pub/Sub writes it."""
    published = datetime.fromtimestamp(message.published_at, UTC).isoformat().replace("+00:00", "Z")
    envelope = {
        "message": {
            "data": base64.b64encode(message.data).decode(),
            "messageId": str(message.id),
            "publishTime": published,
            "attributes": dict(message.attributes),
        },
        "subscription": f"projects/local/subscriptions/{message.subscription}",
        "deliveryAttempt": message.attempt,
    }
    return json.dumps(envelope).encode()


class Pushes:
    """Sends messages to `endpoints` (subscription to URL), waiting at most `ack_deadline_s` seconds."""

    def __init__(self, endpoints: Mapping[str, str], *, ack_deadline_s: float) -> None:
        """No connection is made before the first message."""
        self._endpoints = endpoints
        self._ack_deadline_s = ack_deadline_s
        self._client: httpx.Client | None = None
        self._opening = threading.Lock()

    def open(self) -> httpx.Client:
        """The client, made now where there is none."""
        with self._opening:
            if self._client is None:
                # functions are on this machine: no proxy; idle connections go before the server closes them
                self._client = httpx.Client(
                    timeout=httpx.Timeout(self._ack_deadline_s, connect=5.0),
                    limits=httpx.Limits(max_connections=None, keepalive_expiry=2.0),
                    trust_env=False,
                )
            return self._client

    def send(self, message: QueuedMessage) -> str:
        """Send it once; why it was not acked, empty where it was."""
        url, headers = self._endpoints[message.subscription], {"content-type": "application/json"}
        try:
            answer = self.open().post(url, content=push_envelope(message), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return type(error).__name__
        return "" if answer.status_code in ACKS else f"HTTP {answer.status_code}"

    def close(self) -> None:
        """Close the connections; nothing is being sent any more."""
        with self._opening:
            if self._client is not None:
                self._client.close()
            self._client = None


class Dispatcher:
    """Delivers messages to `endpoints` (subscription to URL) from `start` to `stop`, at least once each.

    A 102, 200, 201, 202 or 204 acks. Anything else, no answer in time among it, delivers again after a
    back-off until the queue makes it a dead letter. Messages of other subscriptions stay where they are. Also
    a context manager.
    """

    def __init__(
        self, queue: SqliteQueue, endpoints: Mapping[str, str], settings: DispatchSettings | None = None
    ) -> None:
        """Nothing runs and no connection is made before `start`."""
        self._queue = queue
        self._subscriptions = tuple(endpoints)
        self._settings = settings or DispatchSettings()
        self._pushes = Pushes(dict(endpoints), ack_deadline_s=self._settings.ack_deadline_s)
        self._stopping = threading.Event()
        self._in_flight: dict[threading.Thread, QueuedMessage] = {}
        self._changing = threading.Lock()
        self._loop: threading.Thread | None = None

    def start(self) -> None:
        """Begin to deliver, in threads of this process."""
        self._stopping.clear()
        self._loop = threading.Thread(target=self._run, name="dispatcher", daemon=True)
        self._loop.start()

    def stop(self, *, grace_s: float = 5.0) -> None:
        """Lease nothing more and wait at most `grace_s` seconds for the requests under way.

        Those that take longer are left to themselves: their messages are delivered again after a restart.
        """
        self._stopping.set()
        self._queue.published.set()
        if self._loop is not None:
            self._loop.join()
        deadline = time.monotonic() + grace_s
        for thread in self._under_way():
            thread.join(max(0.0, deadline - time.monotonic()))
        if not self._under_way():
            self._pushes.close()

    def __enter__(self) -> Dispatcher:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _run(self) -> None:
        self._pushes.open()
        renewed = time.monotonic()
        while not self._stopping.is_set():
            # cleared before looking, so that what is published meanwhile is seen at the next look
            self._queue.published.clear()
            dispatched = 0
            try:
                dispatched = sum(self._dispatch(subscription) for subscription in self._subscriptions)
                if time.monotonic() - renewed > self._settings.lease_s / 3:
                    self._renew()
                    renewed = time.monotonic()
            except MessagingUnavailable as error:
                logs.error("queue_unavailable", reason=error.message)
            if not dispatched:
                self._queue.published.wait(self._settings.poll_s)

    def _dispatch(self, subscription: str) -> int:
        """Deliver what is due and fits; how many."""
        taken = sum(message.subscription == subscription for message in self._under_way().values())
        if (free := self._settings.concurrency - taken) <= 0:
            return 0
        leased = self._queue.lease(limit=free, lease_s=self._settings.lease_s, subscriptions=(subscription,))
        for message in leased:
            thread = threading.Thread(target=self._deliver, args=(message,), daemon=True)
            with self._changing:
                self._in_flight[thread] = message
            thread.start()
        return len(leased)

    def _renew(self) -> None:
        for message in self._under_way().values():
            self._queue.renew(message, self._settings.lease_s)

    def _under_way(self) -> dict[threading.Thread, QueuedMessage]:
        with self._changing:
            return dict(self._in_flight)

    def _deliver(self, message: QueuedMessage) -> None:
        try:
            self._settle(message, self._pushes.send(message))
        except MessagingUnavailable as error:
            # neither acked nor nacked: delivered again when its lease runs out
            logs.error("message_not_settled", message_id=message.id, reason=error.message)
        finally:
            with self._changing:
                del self._in_flight[threading.current_thread()]
            self._queue.published.set()

    def _settle(self, message: QueuedMessage, error: str) -> None:
        if not error:
            self._queue.ack(message)
            return
        delay_s = self._settings.backoff_s(message.attempt)
        self._queue.nack(message, delay_s=delay_s, error=error)
        logs.warning(
            "message_refused",
            message_id=message.id,
            subscription=message.subscription,
            attempt=message.attempt,
            error=error,
        )
