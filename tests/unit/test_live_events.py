"""Live streams: one look for everybody, the latest state for whoever is slow, and seats that are given back."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from cli.event_stream import Event, parse_events
from functions.api.live_events import LiveStream, live_events, live_sets, stream_seats
from functions.api.live_trainings import LOOKS_AT_ONCE, LiveTrainings
from functions.api.seats import Seats
from shared.errors import DatabaseUnavailable, LiveStreamsUnavailable, TooManyStreams, TrainingNotFound
from shared.stages import Status
from shared.trainings import Training
from tests.api_answers import is_problem
from tests.api_world import api_world
from tests.builders import STEP, a_training

POLL_S = 0.001
PATIENCE_S = 10.0

RUNNING = a_training(status=Status.RUNNING)
DONE = RUNNING.advance(Status.MIRRORING, at=RUNNING.updated_at + STEP).advance(
    Status.SUCCEEDED, at=RUNNING.updated_at + 2 * STEP, model_id="m_1"
)


def with_log(training: Training, *lines: str) -> Training:
    return training.with_progress(None, lines)


@dataclass
class Shelf:
    """Where trainings are looked up; counts the looks, and how many there were at the same time."""

    trainings: dict[str, Training] = field(default_factory=lambda: {"t_1": RUNNING})
    errors: list[Exception] = field(default_factory=list)
    hold: threading.Event | None = None
    looks: int = 0
    at_once: int = 0
    most_at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, training_id: str) -> Training:
        with self._looking():
            if self.hold is not None:
                self.hold.wait(PATIENCE_S)
            if self.errors:
                raise self.errors.pop(0)
            if training_id not in self.trainings:
                raise TrainingNotFound(id=training_id)
            return replace(self.trainings[training_id])  # another object each time, as from a database

    @contextmanager
    def _looking(self) -> Iterator[None]:
        with self._lock:
            self.looks += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        yield
        with self._lock:
            self.at_once -= 1


def view(training: Training) -> str:
    return json.dumps({"status": training.status, "log_count": training.log_count})


def told(pieces: list[bytes]) -> list[tuple[str, Any]]:
    """The events in what was sent, shortly."""
    short: Mapping[str, Callable[[Event], Any]] = {
        "log": lambda event: event.data["line"],
        "training": lambda event: event.data["status"],
        "end": lambda event: event.data["status"],
    }
    return [(event.name, short[event.name](event)) for event in parse_events(pieces)]


async def heard(shelf: Shelf, training_id: str = "t_1", seen: int = 0) -> list[bytes]:
    """Everything that one stream tells until it ends."""
    live = LiveTrainings(shelf.look, poll_s=POLL_S)
    return [piece async for piece in live_events(training_id, seen, live=live, view=view)]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(POLL_S)


async def another_look(shelf: Shelf) -> None:
    """Return when what is on the shelf now has been looked at."""
    looks = shelf.looks
    await until(lambda: shelf.looks > looks + 1)


def run(scenario: Awaitable[Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(PATIENCE_S):
            return await scenario

    return asyncio.run(bounded())


# --- what is told


def test_a_training_that_has_ended_is_told_with_its_log_and_the_stream_ends() -> None:
    shelf = Shelf({"t_1": with_log(DONE, "one", "two")})
    pieces = run(heard(shelf))
    assert told(pieces) == [("log", "one"), ("log", "two"), ("training", "succeeded"), ("end", "succeeded")]
    assert [event.id for event in parse_events(pieces)] == ["1", "2", "2", "2"]


def test_a_stream_goes_on_after_the_last_line_that_was_seen() -> None:
    shelf = Shelf({"t_1": with_log(DONE, "one", "two", "three")})
    assert told(run(heard(shelf, seen=2))) == [("log", "three"), ("training", "succeeded"), ("end", "succeeded")]
    assert told(run(heard(shelf, seen=3))) == [("training", "succeeded"), ("end", "succeeded")]
    assert told(run(heard(shelf, seen=999))) == [("training", "succeeded"), ("end", "succeeded")]


def test_every_stream_says_when_to_come_back_and_not_all_at_the_same_time() -> None:
    shelf = Shelf({"t_1": DONE})
    waits = {run(heard(shelf))[0] for _ in range(20)}
    assert len(waits) > 5
    assert all(b"retry: " in wait for wait in waits)


def test_a_database_that_fails_is_waited_for() -> None:
    shelf = Shelf({"t_1": DONE}, errors=[DatabaseUnavailable(reason="503")] * 3)
    assert told(run(heard(shelf)))[-1] == ("end", "succeeded")
    assert shelf.looks == 4


def test_where_the_training_is_gone_the_stream_just_ends() -> None:
    assert told(run(heard(Shelf({})))) == []


def test_an_error_that_nobody_expected_ends_the_streams_and_is_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    async def scenario() -> None:
        live = LiveTrainings(Shelf(errors=[KeyError("a secret")]).look, poll_s=POLL_S)
        streams = [live_events("t_1", 0, live=live, view=view) for _ in range(3)]
        assert await asyncio.gather(*map(collected, streams)) == [[], [], []]

    run(scenario())
    (line,) = capsys.readouterr().out.splitlines()
    assert (json.loads(line)["message"], json.loads(line)["error"]) == ("live_look_failed", "KeyError")
    assert "secret" not in line


async def collected(stream: AsyncIterator[bytes]) -> list[tuple[str, Any]]:
    return told([piece async for piece in stream])


# --- one look for everybody


def test_all_who_follow_one_training_share_its_looks_and_all_hear_the_end() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        live = LiveTrainings(shelf.look, poll_s=0.02)
        streams = [asyncio.create_task(collected(live_events("t_1", 0, live=live, view=view))) for _ in range(200)]
        await until(lambda: shelf.looks >= 3)
        shelf.trainings["t_1"] = DONE
        assert {tuple(events) for events in await asyncio.gather(*streams)} == {
            (("training", "running"), ("training", "succeeded"), ("end", "succeeded"))
        }
        assert shelf.most_at_once == 1

    run(scenario())


def test_nothing_is_told_while_nothing_changes() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        stream = live_events("t_1", 0, live=LiveTrainings(shelf.look, poll_s=POLL_S), view=view)
        pieces = [await anext(stream), await anext(stream)]
        following = asyncio.ensure_future(anext(stream))
        await until(lambda: shelf.looks > 20)
        assert not following.done()
        shelf.trainings["t_1"] = with_log(RUNNING, "one")
        pieces.append(await following)
        assert told(pieces) == [("training", "running"), ("log", "one"), ("training", "running")]
        await stream.aclose()

    run(scenario())


def test_nobody_looks_any_more_when_the_last_one_has_gone() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        live = LiveTrainings(shelf.look, poll_s=POLL_S)
        with live.following("t_1") as first:
            with live.following("t_1") as second:
                assert first is second
            await until(lambda: shelf.looks > 3)
        await asyncio.sleep(0)
        looks = shelf.looks
        await asyncio.sleep(20 * POLL_S)
        assert shelf.looks <= looks + 1, "the one that had begun"
        with live.following("t_1") as later:
            assert later is not first
            await until(lambda: shelf.looks > looks + 1)

    run(scenario())


def test_whoever_comes_after_the_end_looks_anew() -> None:
    async def scenario() -> None:
        failed = a_training(status=Status.FAILED, ended_in=Status.MIRRORING)
        shelf = Shelf({"t_1": failed})
        live = LiveTrainings(shelf.look, poll_s=POLL_S)
        early = live_events("t_1", 0, live=live, view=view)
        first = [await anext(early), await anext(early)]
        shelf.trainings["t_1"] = replace(failed.advance(Status.MIRRORING, at=failed.updated_at), model_id="m_1")
        late = live_events("t_1", 0, live=live, view=view)
        second = [await anext(late), await anext(late)]
        assert (told(first)[-1], told(second)[-1]) == (("end", "failed"), ("training", "mirroring"))
        await early.aclose()
        await late.aclose()

    run(scenario())


def test_however_many_trainings_are_followed_only_a_few_are_looked_at_at_a_time() -> None:
    async def scenario() -> None:
        many = {f"t_{n}": DONE for n in range(60)}
        shelf = Shelf(many, hold=threading.Event())
        live = LiveTrainings(shelf.look, poll_s=POLL_S)
        streams = [asyncio.create_task(collected(live_events(n, 0, live=live, view=view))) for n in many]
        await until(lambda: shelf.at_once == LOOKS_AT_ONCE)
        assert shelf.hold is not None
        shelf.hold.set()
        assert all(events[-1] == ("end", "succeeded") for events in await asyncio.gather(*streams))
        assert shelf.most_at_once == LOOKS_AT_ONCE

    run(scenario())


# --- several in one stream


async def heard_together(shelf: Shelf, *ids: str) -> list[tuple[str, Any]]:
    """What one stream of several sets tells until it ends: who, and in which status."""

    def who(job: Any) -> str:
        return json.dumps([job.id, job.status])

    stream = live_sets(ids, live=LiveTrainings(shelf.look, poll_s=POLL_S), view=who)
    return [(event.name, event.data) for event in parse_events([piece async for piece in stream])]


def test_several_sets_are_told_in_one_stream_that_ends_with_the_last_of_them() -> None:
    async def scenario() -> None:
        shelf = Shelf({"t_1": RUNNING, "t_2": replace(DONE, id="t_2")})
        stream = asyncio.create_task(heard_together(shelf, "t_1", "t_2"))
        await until(lambda: shelf.looks > 6)
        assert not stream.done()
        shelf.trainings["t_1"] = DONE
        events = await stream
        assert events[-1] == ("end", {"ended": 2})
        assert sorted(data for name, data in events if name == "training") == [
            ["t_1", "running"],
            ["t_1", "succeeded"],
            ["t_2", "succeeded"],
        ]

    run(scenario())


def test_where_one_of_several_is_gone_the_others_are_told_and_there_is_no_end() -> None:
    assert run(heard_together(Shelf({"t_1": DONE}), "t_1", "t_2")) == [("training", ["t_1", "succeeded"])]


def test_nobody_looks_any_more_when_a_stream_of_several_is_left() -> None:
    async def scenario() -> None:
        shelf = Shelf({"t_1": RUNNING, "t_2": replace(RUNNING, id="t_2")})
        stream = live_sets(["t_1", "t_2"], live=LiveTrainings(shelf.look, poll_s=POLL_S), view=view)
        for _ in range(3):
            await anext(stream)
        await stream.aclose()
        await asyncio.sleep(20 * POLL_S)
        looks = shelf.looks
        await asyncio.sleep(20 * POLL_S)
        assert shelf.looks == looks

    run(scenario())


# --- slow, gone, and too many


@dataclass
class Client:
    """The other side of one answer: it takes what is sent only while it `reads`, and can go away or `breaks`."""

    sent: list[Message] = field(default_factory=list)
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    breaks: bool = False

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.breaks:
            raise OSError("the connection is gone")
        self.sent.append(message)
        await self.reads.wait()

    def follow(self, seats: Seats, shelf: Shelf, *, heartbeat_s: float = 15.0) -> asyncio.Task[None]:
        live = LiveTrainings(shelf.look, poll_s=POLL_S)
        answer = LiveStream(live_events("t_1", 0, live=live, view=view), seats=seats, user="anna")
        assert 5 <= answer.ping_interval <= 30, "what proxies and people wait for"
        answer.ping_interval = heartbeat_s
        scope = {"type": "http", "method": "GET", "path": "/"}
        return asyncio.create_task(answer(scope, self.receive, self.send))

    def told(self) -> list[tuple[str, Any]]:
        return told([message["body"] for message in self.sent if message["type"] == "http.response.body"])


def test_a_client_that_does_not_read_is_told_the_latest_state_when_she_does() -> None:
    async def scenario() -> None:
        shelf, client = Shelf(), Client()
        client.reads.set()
        stream = client.follow(stream_seats(per_user=0, in_all=0), shelf)
        await until(lambda: client.told() == [("training", "running")])
        client.reads.clear()
        lines = [f"line {n}" for n in range(50)]
        for n in range(1, len(lines) + 1):
            shelf.trainings["t_1"] = with_log(RUNNING, *lines[:n])
            await another_look(shelf)
        pieces = len(client.sent)
        shelf.trainings["t_1"] = with_log(DONE, *lines)
        client.reads.set()
        await stream
        assert pieces == 4, "the answer's start, when to come back, a state, and the next one that she did not take"
        events = client.told()
        assert [event for event in events if event[0] == "log"] == [("log", line) for line in lines]
        assert len([event for event in events if event[0] == "training"]) <= 4
        assert events[-1] == ("end", "succeeded")

    run(scenario())


def test_a_stream_that_has_nothing_to_tell_says_that_it_is_still_there() -> None:
    async def scenario() -> None:
        client = Client()
        client.reads.set()
        stream = client.follow(stream_seats(per_user=0, in_all=0), Shelf(), heartbeat_s=20 * POLL_S)
        await until(lambda: sum(message.get("body", b"").startswith(b": ") for message in client.sent) > 2)
        assert client.told() == [("training", "running")]
        client.gone.set()
        await stream

    run(scenario())


@pytest.mark.parametrize("reads", [True, False], ids=["reading", "not reading"])
def test_a_client_that_goes_gives_her_seat_back_and_nobody_looks_any_more(reads: bool) -> None:
    async def scenario() -> None:
        shelf, client, seats = Shelf(), Client(), stream_seats(per_user=1, in_all=1)
        if reads:
            client.reads.set()
        stream = client.follow(seats, shelf)
        await until(lambda: client.sent)
        with pytest.raises(TooManyStreams), seats.taken("anna"):
            pass
        client.gone.set()
        await stream
        looks = shelf.looks
        with seats.taken("anna"):
            await asyncio.sleep(20 * POLL_S)
        assert shelf.looks <= looks + 1

    run(scenario())


def test_an_answer_that_breaks_gives_its_seat_back() -> None:
    async def scenario() -> None:
        shelf, client, seats = Shelf(), Client(), stream_seats(per_user=1, in_all=0)
        client.reads.set()

        client.breaks = True
        with pytest.raises(OSError, match="gone"):
            await client.follow(seats, shelf)
        with seats.taken("anna"):
            pass

    run(scenario())


def test_a_user_may_have_some_streams_and_everybody_together_some_more() -> None:
    seats = stream_seats(per_user=2, in_all=3)
    with seats.taken("anna"), seats.taken("anna"):
        with pytest.raises(TooManyStreams, match="2 trainings"), seats.taken("anna"):
            pass
        with seats.taken("bob"):
            with pytest.raises(LiveStreamsUnavailable), seats.taken("carol"):
                pass
            with pytest.raises(TooManyStreams), seats.taken("anna"):
                pass
        with seats.taken("carol"):
            pass
    with seats.taken("anna"), seats.taken("anna"), seats.taken("bob"):
        pass


@pytest.mark.parametrize(
    ("settings", "status", "code"),
    [
        ({"EVENTS_STREAMS_PER_USER": "1"}, 429, "too_many_streams"),
        ({"EVENTS_STREAMS": "1"}, 503, "live_streams_unavailable"),
    ],
)
def test_one_stream_too_many_is_a_problem_that_says_what_to_do(
    tmp_path: Path, settings: dict[str, str], status: int, code: str
) -> None:
    with api_world(tmp_path, **settings) as world:
        world.trainings.create(replace(DONE, owner_id=world.user))
        seats: Seats = world.client.app.state.stream_seats  # type: ignore[attr-defined]
        with seats.taken(world.user):
            answer = world.client.get("/v1/trainings/t_1/events")
        assert is_problem(answer, status, code)
        assert answer.json()["retryable"] is True
        assert answer.headers.get("retry-after") == ("15" if status == 503 else None)
        again = world.client.get("/v1/trainings/t_1/events", headers={"Last-Event-ID": "x" * 5000})
        assert (again.status_code, told([again.content])[-1]) == (200, ("end", "succeeded"))
