"""The durable message queue in SQLite: what Pub/Sub is on Google Cloud, for one machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from shared.adapters.clock import SystemClock
from shared.adapters.embedded.database import Database
from shared.errors import MessagingUnavailable
from shared.events import SUBSCRIPTIONS, Event
from shared.messaging import encode
from shared.ports import Clock
from shared.tracing import message_attributes, publishing

_COLUMNS = "id, subscription, topic, data, published_at, attempt, last_error, attributes"
NewMessage = tuple[str, str, bytes, float, float, str]
"""The row of a message that nobody was told of yet."""

_LEASE_RAN_OUT = "no answer while its lease lasted"


@dataclass(frozen=True, kw_only=True)
class QueuedMessage:
    """One message of one subscription, leased for the `attempt`th time (from 1) or dead after that many.

    `published_at` is in Unix seconds; `last_error` says why the delivery before failed, empty where none did.
    """

    id: int
    subscription: str
    topic: str
    data: bytes = field(repr=False)
    published_at: float
    attempt: int
    last_error: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class QueueCounts:
    """How many messages wait (now or after a back-off), are leased, and are dead."""

    waiting: int = 0
    leased: int = 0
    dead: int = 0


class SqliteQueue:
    """Messages per subscription with leases, counted attempts and dead letters; fulfils `Publisher`.

    A published message survives kill -9. It is leased again and again, at least once, until it is acked, or
    dead after `max_attempts`. `published` is set by every publish and redrive through this object, for a
    dispatcher to wait on. Everything raises `MessagingUnavailable` where the file refuses.
    """

    def __init__(
        self,
        database: Database,
        *,
        max_attempts: int = 10,
        subscriptions: Mapping[str, tuple[str, ...]] = SUBSCRIPTIONS,
        clock: Clock | None = None,
    ) -> None:
        """Keep the messages in `database`; `subscriptions` names those of each topic."""
        self.published = threading.Event()
        self._database = database
        self._max_attempts = max_attempts
        self._subscriptions = subscriptions
        self._clock = clock or SystemClock()

    def publish(self, event: Event) -> None:
        """One message for every subscription of the event's topic, all or none, durable on return."""
        with publishing(event):
            self.insert(self.messages_of(event))

    def messages_of(self, event: Event) -> list[NewMessage]:
        """One message for every subscription of the event's topic, of now and here, for `insert`."""
        now, data = self._now(), encode(event)
        attributes = json.dumps({"event": event.topic, **message_attributes()})
        return [(name, event.topic, data, now, now, attributes) for name in self._subscriptions.get(event.topic, ())]

    def insert(self, messages: Sequence[NewMessage]) -> None:
        """Queue the messages, all or none, durable on return."""
        if not messages:
            return
        # one statement: between two, the interpreter's lock is handed to and fro
        rows = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(messages))
        statement = f"INSERT INTO messages (subscription, topic, data, published_at, due_at, attributes) VALUES {rows}"
        with self._database.writing(MessagingUnavailable) as connection:
            connection.execute(statement, tuple(chain.from_iterable(messages)))
        self.published.set()

    def lease(self, *, limit: int, lease_s: float, subscriptions: Collection[str] | None = None) -> list[QueuedMessage]:
        """Up to `limit` messages that are due, of these subscriptions or of any, the longest due first.

        Nobody else gets them for `lease_s` seconds. What outlived its last lease becomes a dead letter
        instead.
        """
        now = self._now()
        due, values = _due(now, subscriptions)
        # most polls find nothing and shall not take the write lock
        with self._database.reading(MessagingUnavailable) as connection:
            if connection.execute(f"SELECT 1 FROM messages WHERE {due} LIMIT 1", values).fetchone() is None:
                return []
        with self._database.writing(MessagingUnavailable) as connection:
            connection.execute(
                f"UPDATE messages SET dead = 1, leased = 0, last_error = ? WHERE {due} AND attempt >= ?",
                (_LEASE_RAN_OUT, *values, self._max_attempts),
            )
            rows = connection.execute(
                "UPDATE messages SET leased = 1, attempt = attempt + 1, due_at = ? WHERE id IN"
                f" (SELECT id FROM messages WHERE {due} ORDER BY due_at, id LIMIT ?) RETURNING {_COLUMNS}",
                (now + lease_s, *values, limit),
            ).fetchall()
        return sorted((_message(row) for row in rows), key=lambda message: message.id)

    def renew(self, message: QueuedMessage, lease_s: float) -> None:
        """Let the lease last `lease_s` seconds from now; nothing happens where it is not held any more."""
        self._settle(
            "UPDATE messages SET due_at = ? WHERE id = ? AND attempt = ? AND leased",
            message,
            self._now() + lease_s,
        )

    def ack(self, message: QueuedMessage) -> None:
        """It was handled: forget it, whoever holds it now."""
        with self._database.writing(MessagingUnavailable) as connection:
            connection.execute("DELETE FROM messages WHERE id = ?", (message.id,))

    def nack(self, message: QueuedMessage, *, delay_s: float, error: str) -> None:
        """It failed with `error`: due again after `delay_s` seconds, or dead when this was the last attempt.

        Nothing happens where the lease ran out and somebody else holds the message.
        """
        dead = int(message.attempt >= self._max_attempts)
        statement = (
            "UPDATE messages SET due_at = ?, dead = ?, last_error = ?, leased = 0"
            " WHERE id = ? AND attempt = ? AND leased"
        )
        self._settle(statement, message, self._now() + delay_s, dead, error)

    def dead_letters(self) -> list[QueuedMessage]:
        """The messages that were given up, oldest first, each with its last error."""
        query = f"SELECT {_COLUMNS} FROM messages WHERE dead ORDER BY id"
        with self._database.reading(MessagingUnavailable) as connection:
            return [_message(row) for row in connection.execute(query)]

    def discard(self, message_id: int) -> bool:
        """Forget a dead letter; False where there is none of that id."""
        with self._database.writing(MessagingUnavailable) as connection:
            return connection.execute("DELETE FROM messages WHERE id = ? AND dead", (message_id,)).rowcount == 1

    def redrive(self, message_id: int) -> bool:
        """Deliver a dead letter again, with all its attempts; False where there is none of that id."""
        statement = "UPDATE messages SET dead = 0, attempt = 0, due_at = ? WHERE id = ? AND dead"
        with self._database.writing(MessagingUnavailable) as connection:
            found = connection.execute(statement, (self._now(), message_id)).rowcount == 1
        self.published.set()
        return found

    def counts(self) -> dict[str, QueueCounts]:
        """The counts of every subscription that has messages."""
        query = (
            "SELECT subscription, sum(NOT dead AND NOT (leased AND due_at > :now)),"
            " sum(NOT dead AND leased AND due_at > :now), sum(dead) FROM messages GROUP BY subscription"
        )
        with self._database.reading(MessagingUnavailable) as connection:
            rows = connection.execute(query, {"now": self._now()}).fetchall()
        return {name: QueueCounts(waiting=waiting, leased=leased, dead=dead) for name, waiting, leased, dead in rows}

    def _settle(self, statement: str, message: QueuedMessage, *values: Any) -> None:
        with self._database.writing(MessagingUnavailable) as connection:
            connection.execute(statement, (*values, message.id, message.attempt))

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _due(now: float, subscriptions: Collection[str] | None) -> tuple[str, tuple[Any, ...]]:
    if subscriptions is None:
        return "NOT dead AND due_at <= ?", (now,)
    return f"NOT dead AND subscription IN ({', '.join('?' * len(subscriptions))}) AND due_at <= ?", (
        *subscriptions,
        now,
    )


def _message(row: tuple[Any, ...]) -> QueuedMessage:
    message_id, subscription, topic, data, published_at, attempt, last_error, attributes = row
    return QueuedMessage(
        id=message_id,
        subscription=subscription,
        topic=topic,
        data=data,
        published_at=published_at,
        attempt=attempt,
        last_error=last_error,
        attributes=json.loads(attributes),
    )
