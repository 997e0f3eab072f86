"""What the API does not take: too much, too often, nonsense; and that every refusal is a problem."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from functions.api.app import LOOKS_PER_USER
from functions.api.rate_limit import RateLimiter, weight_of
from functions.api.seats import Seats
from functions.api.security import BodyLimit, Bounds
from shared.errors import BodyTooSlow, RateLimited
from tests.api_answers import NEW_SHOOT, crash, is_problem, signed_in, with_route
from tests.api_operations import ANY_NAME
from tests.api_world import ApiWorld, api_world
from tests.builders import a_shoot
from tests.google_identity import FIREBASE, key_server
from tests.scripted_server import Reply


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApiWorld]:
    with api_world(tmp_path) as made:
        yield made


@pytest.mark.parametrize(("method", "path"), [("GET", "/no/such"), ("GET", "/v1/shoots/")])
def test_what_there_is_not_is_a_problem(world: ApiWorld, method: str, path: str) -> None:
    assert is_problem(world.client.request(method, path), 404, "not_found")


def test_a_method_that_there_is_not_is_a_problem_that_names_those_that_there_are(world: ApiWorld) -> None:
    answer = world.client.delete("/healthz")
    assert is_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'{"costume_name": 1}', b"\xff", b"[" * 100_000])
def test_a_body_that_makes_no_sense_is_a_problem(world: ApiWorld, body: bytes) -> None:
    answer = world.client.post("/v1/shoots", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert is_problem(answer, answer.status_code, "invalid_request")


def test_an_unexpected_error_is_a_problem_that_tells_nothing_and_is_logged_once(
    world: ApiWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = with_route(world, crash).client.get("/extra")
    assert is_problem(answer, 500, "internal")
    output = capsys.readouterr()
    lines = [json.loads(line) for line in output.out.splitlines()]
    assert [line["message"] for line in lines] == ["request_crashed"]
    assert (lines[0]["error"], lines[0]["path"], lines[0]["severity"]) == ("KeyError", "/extra", "ERROR")
    assert "crash" in lines[0]["stack"][-1]
    assert "secret" not in answer.text + output.out + output.err


def test_an_error_after_the_answer_began_cuts_it_off(world: ApiWorld) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"begun"
        raise KeyError("late")

    with_route(world, lambda: StreamingResponse(broken()))
    with pytest.raises(KeyError):
        world.client.get("/extra")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused(tmp_path: Path, chunked: bool) -> None:
    with api_world(tmp_path, MAX_BODY_BYTES="1000") as world:
        body = b" " * 1001
        content = iter([body[:500], body[500:]]) if chunked else body
        answer = world.client.post("/v1/shoots", content=content, headers={"Content-Type": "application/json"})
        assert is_problem(answer, 413, "payload_too_large")
        fits = json.dumps(NEW_SHOOT).encode().ljust(1000)
        answer = world.client.post("/v1/shoots", content=fits, headers={"Content-Type": "application/json"})
        assert answer.status_code == 201


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_may_be_larger_than_other_bodies_but_not_larger_than_a_picture(tmp_path: Path, chunked: bool) -> None:
    with api_world(tmp_path, MAX_BODY_BYTES="1000", MAX_IMAGE_BYTES="3000") as world:
        path = f"/v1/shoots/{world.client.post('/v1/shoots', json=NEW_SHOOT).json()['id']}/files/{ANY_NAME}"
        for size, status in ((3000, 201), (3001, 413)):
            content = iter([b"x" * 500] * 6 + [b"x"] * (size - 3000)) if chunked else b"x" * size
            assert world.client.put(path, content=content).status_code == status
        assert [info.size for info in world.pictures.list("")] == [3000]


@pytest.mark.parametrize("length", ["2000000", "9" * 18, "9" * 5000])
def test_a_body_that_announces_too_much_is_not_read_at_all(world: ApiWorld, length: str) -> None:
    def unread() -> Iterator[bytes]:
        raise AssertionError("it was read")
        yield b""

    headers = {"Content-Length": length, "Content-Type": "application/json"}
    answer = world.client.post("/v1/shoots", content=unread(), headers=headers)
    assert is_problem(answer, 413, "payload_too_large")


@pytest.mark.parametrize("answered", [False, True])
def test_a_body_that_stays_out_ends_the_request_and_one_that_is_whole_is_waited_for_no_more(answered: bool) -> None:
    """A live stream listens for its client for as long as it lasts, which is no body any more."""
    bounds = Bounds(max_bytes=1000, max_s=0.01)

    async def heard(first: Message) -> Message:
        """What an app hears after the first message of a request, where nothing comes for a while."""
        messages = iter([first, {"type": "http.disconnect", "late": True}])
        said: list[Message] = []

        async def receive() -> Message:
            message = next(messages)
            await asyncio.sleep(0.0 if message is first else 5 * bounds.max_s)
            return message

        async def send(message: Message) -> None:
            pass

        async def app(_: Scope, receive: Receive, send: Send) -> None:
            assert await receive() is first
            if answered:
                await send({"type": "http.response.start"})
            said.append(await receive())

        scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
        await BodyLimit(app, body=bounds, file=bounds)(scope, receive, send)
        return said[0]

    whole, part = ({"type": "http.request", "body": b"x", "more_body": more} for more in (False, True))
    assert asyncio.run(heard(whole)) == {"type": "http.disconnect", "late": True}
    if answered:
        assert asyncio.run(heard(part)) == {"type": "http.disconnect"}
    else:
        with pytest.raises(BodyTooSlow):
            asyncio.run(heard(part))


def test_whoever_asks_too_often_has_to_wait_and_nobody_else(tmp_path: Path) -> None:
    with api_world(tmp_path, RATE_LIMIT_PER_MINUTE="3") as world:
        answers = [world.client.get("/v1/shoots") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert is_problem(answers[-1], 429, "rate_limited")
        assert answers[-1].json()["retryable"] is True
        assert 0 < int(answers[-1].headers["retry-after"]) <= 20
        assert world.client.get("/v1/shoots", headers={"X-Local-User": "other"}).status_code == 200
        assert world.client.get("/healthz").status_code == 200


def test_bad_tokens_are_not_counted_against_the_user_whom_they_name(tmp_path: Path) -> None:
    with signed_in(tmp_path, RATE_LIMIT_PER_MINUTE="2") as (world, me):
        forged = FIREBASE.headers(FIREBASE.token(signed_by="somebody"))
        assert {world.client.get("/v1/shoots", headers=forged).status_code for _ in range(5)} == {401}
        assert world.client.get("/v1/shoots", headers=me).status_code == 200


def test_keys_that_cannot_be_fetched_are_a_problem_that_may_be_tried_again(tmp_path: Path) -> None:
    with key_server() as keys, api_world(tmp_path, **keys.environment, AUTH_MODE="firebase") as world:
        keys.server.script = lambda asked: Reply(status=500)
        answer = world.client.get("/v1/shoots", headers=FIREBASE.headers(FIREBASE.token()))
    assert is_problem(answer, 503, "identity_keys_unavailable")
    assert answer.json()["retryable"] is True


def test_a_bucket_fills_again_with_time_and_never_over_its_brim() -> None:
    now = [0.0]
    limiter = RateLimiter(60, seconds=lambda: now[0])

    def allowed() -> int:
        count = 0
        while True:
            try:
                limiter.spend("anna")
            except RateLimited:
                return count
            count += 1

    assert allowed() == 60
    now[0] += 10.5
    assert allowed() == 10
    with pytest.raises(RateLimited) as caught:
        limiter.spend("anna")
    assert caught.value.facts["retry_after_s"] == pytest.approx(0.5)
    now[0] += 3600
    assert allowed() == 60


WEIGHTS = [
    ("GET", {"content-length": "1000000"}, 1),
    ("PUT", {"content-length": "40000000"}, 1),
    ("POST", {}, 1),
    ("POST", {"content-length": "65535"}, 1),
    ("POST", {"content-length": "65536"}, 2),
    ("PATCH", {"content-length": "1048576"}, 17),
    ("POST", {"transfer-encoding": "chunked"}, 17),
]


@pytest.mark.parametrize(("method", "headers", "weight"), WEIGHTS)
def test_a_request_with_much_to_take_apart_counts_for_several(
    method: str, headers: dict[str, str], weight: int
) -> None:
    assert weight_of(method, headers, max_bytes=1 << 20) == weight


def test_a_heavy_request_waits_for_enough_room_and_gets_through_a_full_bucket() -> None:
    now = [0.0]
    limiter = RateLimiter(60, seconds=lambda: now[0])
    limiter.spend("anna", 50)
    with pytest.raises(RateLimited) as caught:
        limiter.spend("anna", 17)
    assert caught.value.facts["retry_after_s"] == pytest.approx(7.0)
    limiter.spend("anna", 10)
    now[0] += 60
    limiter.spend("anna", 100)
    with pytest.raises(RateLimited):
        limiter.spend("anna")


def test_one_user_does_not_keep_everybody_waiting_with_large_bodies(tmp_path: Path) -> None:
    many = json.dumps({f"key-{number}": 0 for number in range(20_000)}).encode()
    with api_world(tmp_path, RATE_LIMIT_PER_MINUTE="10") as world:
        headers = {"Content-Type": "application/json"}
        answers = [world.client.post("/v1/quotes", content=many, headers=headers).status_code for _ in range(4)]
        assert answers == [422, 422, 429, 429]


@pytest.mark.parametrize("path", ["/v1/shoots/s_1", "/v1/shoots/s_1/report"])
def test_looking_at_too_many_shoots_at_once_has_to_wait(tmp_path: Path, path: str) -> None:
    with api_world(tmp_path) as world, ExitStack() as looking:
        world.shoots.create(a_shoot(id="s_1", owner_id=world.user))
        seats: Seats = cast(FastAPI, world.client.app).state.look_seats
        for _ in range(LOOKS_PER_USER):
            assert world.client.get(path).status_code == 200
            looking.enter_context(seats.taken(world.user))
        answer = world.client.get(path)
        assert is_problem(answer, 429, "rate_limited")
        assert answer.headers["retry-after"] == "1"
        looking.close()
        assert world.client.get(path).status_code == 200


def test_however_many_ask_only_so_many_are_remembered() -> None:
    limiter = RateLimiter(2, max_users=100, seconds=lambda: 0.0)
    for number in range(10_000):
        limiter.spend(f"user-{number}")
    assert len(limiter._buckets) == 100
