"""The local dispatcher: Pub/Sub's push deliveries on one machine, against a real HTTP server."""

from __future__ import annotations

import http.server
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local.dispatcher import ACKS, Dispatcher, DispatchSettings, push_envelope
from shared.adapters.embedded.database import Database
from shared.adapters.embedded.queue import QueueCounts, QueuedMessage, SqliteQueue
from shared.events import DatasetPackaged, TrainingRequested
from shared.messaging import encode, read_envelope

EVENT = TrainingRequested(training_id="t_1")
PACKAGED = DatasetPackaged(training_id="t_1", nonce="n", archive_url="https://x", expires_at=1)
PATIENCE_S = 10.0
QUICK = DispatchSettings(min_backoff_s=0.01, max_backoff_s=0.02, poll_s=0.05)


@dataclass
class Function:
    """A function under push: keeps what it got, and answers what `answer` says of the how-manieth request it is."""

    answer: Callable[[int], int] = lambda _: 204
    bodies: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    url: str = ""

    def envelopes(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]


def handler_of(functions: dict[str, Function]) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            function = functions[self.path]
            function.times.append(time.monotonic())
            function.bodies.append(body)
            self.send_response(function.answer(len(function.bodies)))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@dataclass
class World:
    database: Database
    queue: SqliteQueue
    packager: Function
    submitter: Function

    def dispatcher(self, settings: DispatchSettings = QUICK) -> Dispatcher:
        endpoints = {"packager": self.packager.url, "submitter": self.submitter.url}
        return Dispatcher(self.queue, endpoints, settings)

    def is_done(self) -> bool:
        return self.queue.counts() == {}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    functions = {"/packager": Function(), "/submitter": Function()}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_of(functions))
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    for path, function in functions.items():
        function.url = f"http://127.0.0.1:{server.server_port}{path}"
    database = Database(tmp_path / "app.sqlite", busy_timeout_s=0.2)
    queue = SqliteQueue(database, max_attempts=3)
    yield World(database, queue, functions["/packager"], functions["/submitter"])
    server.shutdown()
    serving.join()
    server.server_close()
    database.close()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def test_the_envelope_is_the_one_of_pub_sub() -> None:
    message = QueuedMessage(
        id=7,
        subscription="packager",
        topic="training-requested",
        data=encode(EVENT),
        published_at=1767268800.5,
        attempt=2,
    )
    assert json.loads(push_envelope(message)) == {
        "message": {
            "data": "eyJ0cmFpbmluZ19pZCI6InRfMSJ9",
            "messageId": "7",
            "publishTime": "2026-01-01T12:00:00.500000Z",
            "attributes": {},
        },
        "subscription": "projects/local/subscriptions/packager",
        "deliveryAttempt": 2,
    }


def test_a_published_event_arrives_once_as_consumers_read_it(world: World) -> None:
    with world.dispatcher():
        world.queue.publish(EVENT)
        wait_until(world.is_done)
    (body,) = world.packager.bodies
    delivery = read_envelope(body)
    assert (delivery.data, delivery.attempt) == (encode(EVENT), 1)
    assert datetime.fromisoformat(json.loads(body)["message"]["publishTime"]).tzinfo is not None


def test_messages_from_before_the_start_are_delivered(world: World) -> None:
    world.queue.publish(EVENT)
    world.queue.publish(PACKAGED)
    with world.dispatcher():
        wait_until(world.is_done)
    assert (len(world.packager.bodies), len(world.submitter.bodies)) == (1, 1)


def test_publishing_in_the_same_process_wakes_the_dispatcher(world: World) -> None:
    with world.dispatcher(DispatchSettings(poll_s=30)):
        world.queue.publish(EVENT)
        wait_until(world.is_done)
        time.sleep(0.1)
        published = time.monotonic()
        world.queue.publish(EVENT)
        wait_until(lambda: len(world.packager.times) == 2)
    assert world.packager.times[1] - published < 0.5  # a few milliseconds, where the machine is not busy


def test_what_another_process_publishes_is_found_by_polling(world: World) -> None:
    with world.dispatcher():
        SqliteQueue(world.database).publish(EVENT)
        wait_until(world.is_done)
    assert len(world.packager.bodies) == 1


@pytest.mark.parametrize("status", sorted(ACKS - {102}))
def test_an_acking_status_ends_the_delivery(world: World, status: int) -> None:
    world.packager.answer = lambda _: status
    world.queue.publish(EVENT)
    with world.dispatcher():
        wait_until(world.is_done)
    assert len(world.packager.bodies) == 1


@pytest.mark.parametrize("status", [203, 301, 400, 404, 429, 500, 503])
def test_any_other_status_delivers_again_as_the_next_attempt(world: World, status: int) -> None:
    world.packager.answer = lambda number: status if number == 1 else 204
    world.queue.publish(EVENT)
    with world.dispatcher():
        wait_until(world.is_done)
    assert [envelope["deliveryAttempt"] for envelope in world.packager.envelopes()] == [1, 2]
    assert len({envelope["message"]["messageId"] for envelope in world.packager.envelopes()}) == 1


def test_after_the_last_attempt_it_is_a_dead_letter_with_the_reason(world: World) -> None:
    world.packager.answer = lambda _: 503
    world.queue.publish(EVENT)
    with world.dispatcher():
        wait_until(lambda: world.queue.counts() == {"packager": QueueCounts(dead=1)})
        (dead,) = world.queue.dead_letters()
        assert (len(world.packager.bodies), dead.last_error) == (3, "HTTP 503")
        world.packager.answer = lambda _: 204
        world.queue.redrive(dead.id)
        wait_until(world.is_done)
    assert world.packager.envelopes()[-1]["deliveryAttempt"] == 1


def test_no_answer_in_time_delivers_again(world: World) -> None:
    released = threading.Event()
    world.packager.answer = lambda number: 204 if number > 1 or released.wait(PATIENCE_S) else 500
    world.queue.publish(EVENT)
    with world.dispatcher(DispatchSettings(ack_deadline_s=0.2, min_backoff_s=0.01)):
        wait_until(world.is_done)
    released.set()
    assert len(world.packager.bodies) == 2


def test_a_function_that_is_down_gets_its_message_later(world: World) -> None:
    world.queue.publish(EVENT)
    nobody = Dispatcher(world.queue, {"packager": "http://127.0.0.1:9/"}, QUICK)
    with nobody:
        wait_until(lambda: world.queue.counts()["packager"].dead == 1)
    (dead,) = world.queue.dead_letters()
    assert dead.last_error == "ConnectError"


def test_the_back_off_doubles_up_to_its_maximum() -> None:
    settings = DispatchSettings(min_backoff_s=2, max_backoff_s=30)
    assert [settings.backoff_s(attempt) for attempt in (1, 2, 3, 4, 5, 6, 1000)] == [2, 4, 8, 16, 30, 30, 30]


def test_a_slow_function_holds_up_no_other_and_is_not_overrun(world: World) -> None:
    released, at_once = threading.Event(), 2
    world.packager.answer = lambda _: 204 if released.wait(PATIENCE_S) else 500
    for _ in range(5):
        world.queue.publish(EVENT)
    with world.dispatcher(DispatchSettings(concurrency=at_once, poll_s=0.02)):
        wait_until(lambda: len(world.packager.bodies) == at_once)
        world.queue.publish(PACKAGED)
        wait_until(lambda: len(world.submitter.bodies) == 1)
        time.sleep(0.1)
        assert len(world.packager.bodies) == at_once
        released.set()
        wait_until(world.is_done)
    assert len(world.packager.bodies) == 5


def test_a_request_that_outlasts_its_lease_is_not_delivered_twice(world: World) -> None:
    def answer(_: int) -> int:
        time.sleep(0.9)
        return 204

    world.packager.answer = answer
    world.queue.publish(EVENT)
    with world.dispatcher(DispatchSettings(lease_s=0.3, poll_s=0.02)):
        wait_until(world.is_done)
    assert len(world.packager.bodies) == 1


def test_a_message_whose_dispatcher_was_killed_is_delivered_when_its_lease_runs_out(world: World) -> None:
    world.queue.publish(EVENT)
    world.queue.lease(limit=1, lease_s=0.2)  # and never heard of again
    with world.dispatcher():
        wait_until(world.is_done)
    assert [envelope["deliveryAttempt"] for envelope in world.packager.envelopes()] == [2]


def test_stopping_waits_for_requests_under_way_and_begins_none(world: World) -> None:
    entered = threading.Event()

    def answer(_: int) -> int:
        entered.set()
        time.sleep(0.2)
        return 204

    world.packager.answer = answer
    dispatcher = world.dispatcher(DispatchSettings(concurrency=1))
    world.queue.publish(EVENT)
    world.queue.publish(EVENT)
    with dispatcher:
        assert entered.wait(PATIENCE_S)
    assert world.queue.counts() == {"packager": QueueCounts(waiting=1)}
    with dispatcher:
        wait_until(world.is_done)
    assert len(world.packager.bodies) == 2


def test_stopping_does_not_wait_longer_than_it_was_allowed_to(world: World) -> None:
    released, entered = threading.Event(), threading.Event()

    def answer(_: int) -> int:
        entered.set()
        released.wait(PATIENCE_S)
        return 204

    world.packager.answer = answer
    dispatcher = world.dispatcher()
    dispatcher.start()
    world.queue.publish(EVENT)
    assert entered.wait(PATIENCE_S)
    began = time.monotonic()
    dispatcher.stop(grace_s=0.1)
    assert time.monotonic() - began < 2.0
    assert world.queue.counts() == {"packager": QueueCounts(leased=1)}
    released.set()
    wait_until(world.is_done)
    dispatcher.stop()


def test_a_database_that_refuses_for_a_while_is_waited_out(world: World, tmp_path: Path) -> None:
    world.queue.publish(EVENT)
    other = sqlite3.connect(tmp_path / "app.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with world.dispatcher():
        time.sleep(0.5)
        assert world.packager.bodies == []
        other.execute("ROLLBACK")
        wait_until(world.is_done)
    other.close()


def test_messages_of_other_subscriptions_stay_where_they_are(world: World) -> None:
    world.queue.publish(PACKAGED)
    world.queue.publish(EVENT)
    with Dispatcher(world.queue, {"packager": world.packager.url}, QUICK):
        wait_until(lambda: len(world.packager.bodies) == 1)
        wait_until(lambda: world.queue.counts() == {"submitter": QueueCounts(waiting=1)})
