"""What the embedded queue promises to a dispatcher."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.adapters.embedded.database import Database
from shared.adapters.embedded.queue import QueueCounts, QueuedMessage, SqliteQueue
from shared.adapters.memory import FixedClock
from shared.errors import MessagingUnavailable
from shared.events import DatasetPackaged, TrainingFinished, TrainingRequested, subscriptions
from shared.messaging import encode

EVENT = TrainingRequested(training_id="t_1")
MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class World:
    queue: SqliteQueue
    clock: FixedClock
    path: Path

    def lease_one(self) -> QueuedMessage:
        (message,) = self.queue.lease(limit=10, lease_s=60)
        return message

    def is_idle(self) -> bool:
        return self.queue.lease(limit=10, lease_s=60) == []


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    database, clock = Database(tmp_path / "app.sqlite"), FixedClock()
    yield World(SqliteQueue(database, max_attempts=MAX_ATTEMPTS, clock=clock), clock, tmp_path / "app.sqlite")
    database.close()


def test_a_message_has_what_the_push_envelope_needs(world: World) -> None:
    world.queue.publish(EVENT)
    message = world.lease_one()
    assert (message.subscription, message.topic, message.attempt) == ("packager", "training-requested", 1)
    assert message.data == encode(EVENT)
    assert message.published_at == world.clock.now().timestamp()


def test_every_subscription_of_a_topic_gets_a_message_of_its_own(tmp_path: Path) -> None:
    database = Database(tmp_path / "app.sqlite")
    queue = SqliteQueue(database, subscriptions={"training-requested": ("one", "two")})
    queue.publish(EVENT)
    leased = queue.lease(limit=10, lease_s=60)
    queue.ack(leased[0])
    assert [message.subscription for message in leased] == ["one", "two"]
    assert queue.counts() == {"two": QueueCounts(leased=1)}
    database.close()


def test_where_nobody_is_notified_an_end_is_published_and_no_message_lies_about(tmp_path: Path) -> None:
    database = Database(tmp_path / "app.sqlite")
    queue = SqliteQueue(database, subscriptions=subscriptions(notifies=False))
    queue.publish(TrainingFinished(training_id="t_1", status="succeeded"))
    assert queue.counts() == {}
    database.close()


def test_a_leased_message_is_with_one_holder_only(world: World) -> None:
    for _ in range(40):
        world.queue.publish(EVENT)
    with ThreadPoolExecutor(8) as pool:
        leased = list(pool.map(lambda _: world.queue.lease(limit=5, lease_s=60), range(16)))
    ids = [message.id for messages in leased for message in messages]
    assert len(ids) == len(set(ids)) == 40


def test_an_acked_message_is_gone(world: World) -> None:
    world.queue.publish(EVENT)
    world.queue.ack(world.lease_one())
    world.clock.advance(3600)
    assert world.is_idle()
    assert world.queue.counts() == {}


def test_a_lease_that_ran_out_delivers_again(world: World) -> None:
    world.queue.publish(EVENT)
    first = world.lease_one()
    world.clock.advance(59)
    assert world.is_idle()
    world.clock.advance(2)
    second = world.lease_one()
    assert (second.id, second.attempt) == (first.id, 2)


def test_a_renewed_lease_lasts(world: World) -> None:
    world.queue.publish(EVENT)
    message = world.lease_one()
    world.clock.advance(50)
    world.queue.renew(message, 60)
    world.clock.advance(50)
    assert world.is_idle()


def test_a_nacked_message_comes_again_after_its_delay(world: World) -> None:
    world.queue.publish(EVENT)
    world.queue.nack(world.lease_one(), delay_s=10, error="HTTP 500")
    world.clock.advance(9)
    assert world.is_idle()
    world.clock.advance(2)
    message = world.lease_one()
    assert (message.attempt, message.last_error) == (2, "HTTP 500")


def test_who_lost_the_lease_can_neither_nack_nor_renew_but_ack(world: World) -> None:
    world.queue.publish(EVENT)
    slow = world.lease_one()
    world.clock.advance(61)
    world.lease_one()
    world.queue.nack(slow, delay_s=0, error="late")
    assert world.is_idle()
    world.queue.renew(slow, 3600)
    world.queue.ack(slow)
    assert world.queue.counts() == {}


def test_after_its_last_attempt_a_message_is_a_dead_letter_with_its_last_error(world: World) -> None:
    world.queue.publish(EVENT)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        world.queue.nack(world.lease_one(), delay_s=0, error=f"HTTP 50{attempt}")
    (dead,) = world.queue.dead_letters()
    assert (dead.data, dead.attempt, dead.last_error) == (encode(EVENT), MAX_ATTEMPTS, "HTTP 503")
    assert world.is_idle()
    assert world.queue.counts() == {"packager": QueueCounts(dead=1)}


def test_a_message_whose_every_holder_vanishes_is_a_dead_letter_too(world: World) -> None:
    world.queue.publish(EVENT)
    for _ in range(MAX_ATTEMPTS):
        world.lease_one()
        world.clock.advance(61)
    assert world.is_idle()
    (dead,) = world.queue.dead_letters()
    assert "lease" in dead.last_error


def test_a_dead_letter_can_be_delivered_again_from_the_start(world: World) -> None:
    world.queue.publish(EVENT)
    for _ in range(MAX_ATTEMPTS):
        world.queue.nack(world.lease_one(), delay_s=0, error="HTTP 500")
    (dead,) = world.queue.dead_letters()
    assert world.queue.redrive(dead.id) is True
    assert world.queue.redrive(dead.id) is False
    assert world.lease_one().attempt == 1
    assert world.queue.dead_letters() == []


def test_a_lease_takes_the_asked_subscriptions_only_and_the_longest_due_first(world: World) -> None:
    packaged = DatasetPackaged(training_id="t_1", nonce="n", archive_url="https://x", expires_at=1)
    for event in (EVENT, packaged, EVENT, packaged):
        world.queue.publish(event)
        world.clock.advance(1)
    assert [m.id for m in world.queue.lease(limit=1, lease_s=60, subscriptions=["submitter"])] == [2]
    assert [m.id for m in world.queue.lease(limit=9, lease_s=60, subscriptions=["mirror", "packager"])] == [1, 3]
    assert world.queue.lease(limit=9, lease_s=60, subscriptions=[]) == []
    assert world.lease_one().id == 4


def test_counts_tell_what_waits_what_is_leased_and_what_is_dead(world: World) -> None:
    for _ in range(4):
        world.queue.publish(EVENT)
    for _ in range(MAX_ATTEMPTS):
        (message,) = world.queue.lease(limit=1, lease_s=60)
        world.queue.nack(message, delay_s=0, error="HTTP 500")
    world.queue.lease(limit=1, lease_s=60)
    assert world.queue.counts() == {"packager": QueueCounts(waiting=2, leased=1, dead=1)}


def test_publishing_wakes_who_waits(world: World) -> None:
    world.queue.published.clear()
    world.queue.publish(EVENT)
    assert world.queue.published.is_set()


def test_what_another_connection_publishes_is_seen(world: World) -> None:
    other = Database(world.path)
    SqliteQueue(other, clock=world.clock).publish(EVENT)
    other.close()
    assert world.lease_one().data == encode(EVENT)


def test_a_file_that_is_no_database_is_messaging_unavailable(tmp_path: Path) -> None:
    (tmp_path / "app.sqlite").write_bytes(b"this is no database, and long enough to be seen as none" * 100)
    database = Database(tmp_path / "app.sqlite", busy_timeout_s=0.1)
    with pytest.raises(MessagingUnavailable):
        SqliteQueue(database).publish(EVENT)
    with pytest.raises(MessagingUnavailable):
        SqliteQueue(database).lease(limit=1, lease_s=1)
