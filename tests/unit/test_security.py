"""What stands around every route: headers, other origins, forged requests, other hosts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, StreamingResponse
from starlette.types import Message

from tests.api_answers import NEW_SHOOT, crash, is_problem, signed_in, with_route
from tests.api_operations import operations
from tests.api_world import ApiWorld, api_world
from tests.google_identity import IAP, key_server

APP = "https://app.example"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApiWorld]:
    with api_world(tmp_path) as made:
        yield made


def assert_guarded(answer: httpx2.Response) -> None:
    """Whether an answer has what every answer has."""
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"


def test_every_answer_has_the_security_headers(world: ApiWorld) -> None:
    with_route(world, crash)
    ids = dict.fromkeys((name for operation in operations() for name in operation.ids()), "x_1")
    answers = [operation.ask(world.client, ids, {}) for operation in operations()]
    answers += [world.client.request(*what) for what in (("GET", "/no"), ("DELETE", "/healthz"), ("GET", "/extra"))]
    answers += [world.client.get("/healthz", headers={"Host": "evil.example"})]
    answers += [world.client.post("/v1/shoots", headers={"Origin": "https://evil.example"})]
    answers += [world.client.post("/v1/shoots", content=b"x" * (1 << 21))]
    assert {404, 405, 500, 403, 413} <= {answer.status_code for answer in answers}
    for answer in answers:
        assert_guarded(answer)


def test_a_page_may_load_what_is_ours_and_show_stored_pictures(tmp_path: Path) -> None:
    with api_world(tmp_path, IMAGE_ORIGINS="https://a.example, https://b.example") as world:
        answer = with_route(world, lambda: HTMLResponse("<p>")).client.get("/extra")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy.pop("img-src") == "'self' data: https://a.example https://b.example"
    assert policy.pop("form-action") == "'self'"
    assert {name: value for name, value in policy.items() if value != "'none'"} == {
        name: "'self'" for name in ("default-src", "script-src", "style-src", "connect-src")
    }


@pytest.mark.parametrize("headers", [{}, {"X-Forwarded-Proto": "http"}])
def test_over_http_there_is_no_promise_of_https(world: ApiWorld, headers: dict[str, str]) -> None:
    assert "strict-transport-security" not in world.client.get("/healthz", headers=headers).headers


def test_over_https_browsers_are_told_to_stay_there(world: ApiWorld) -> None:
    direct = world.client.get("https://localhost/healthz")
    behind = world.client.get("/healthz", headers={"X-Forwarded-Proto": "https"})
    for answer in (direct, behind):
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_a_stream_arrives_while_it_is_still_made(world: ApiWorld) -> None:
    async def scenario() -> list[Message]:
        more, sent = asyncio.Event(), asyncio.Queue[Message]()

        async def pieces() -> AsyncIterator[bytes]:
            yield b"first"
            await more.wait()
            yield b"second"

        app = cast(FastAPI, with_route(world, lambda: StreamingResponse(pieces())).client.app)
        scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": "/extra",
            "query_string": b"",
            "http_version": "1.1",
        }
        scope |= {"headers": [(b"host", b"localhost")], "scheme": "http", "asgi": {"spec_version": "2.4"}}

        async def receive() -> Message:
            await asyncio.sleep(0)
            return {"type": "http.request", "body": b"", "more_body": False}

        request = asyncio.create_task(app(scope, receive, sent.put))
        before = [await asyncio.wait_for(sent.get(), 5) for _ in range(2)]
        more.set()
        await request
        return before

    start, first = asyncio.run(scenario())
    assert start["type"] == "http.response.start"
    assert first["body"] == b"first"


def test_without_a_setting_no_other_origin_may_read(world: ApiWorld) -> None:
    asked = {"Origin": APP, "Access-Control-Request-Method": "POST"}
    assert is_problem(world.client.options("/v1/shoots", headers=asked), 405, "method_not_allowed")
    assert "access-control-allow-origin" not in world.client.get("/v1/shoots", headers={"Origin": APP}).headers


def test_an_origin_of_the_setting_may_ask_for_everything_and_read_it(tmp_path: Path) -> None:
    with signed_in(tmp_path, CORS_ORIGINS=f"{APP},http://localhost:5173") as (world, me):
        asked = {
            "Origin": APP,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,last-event-id",
        }
        preflight = world.client.options("/v1/shoots", headers=asked)
        answers = [world.client.get("/v1/shoots", headers={"Origin": APP, **me})]
        answers += [world.client.get("/v1/shoots", headers={"Origin": APP})]
        answers += [with_route(world, crash).client.get("/extra", headers={"Origin": APP})]
    assert preflight.status_code == 200
    assert {"POST", "PUT", "DELETE"} <= set(preflight.headers["access-control-allow-methods"].split(", "))
    assert [answer.status_code for answer in answers] == [200, 401, 500]
    for answer in (preflight, *answers):
        assert answer.headers["access-control-allow-origin"] == APP
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", f"{APP}.evil.example", "http://app.example", "null", ""])
def test_any_other_origin_may_not(tmp_path: Path, origin: str) -> None:
    with signed_in(tmp_path, CORS_ORIGINS=APP) as (world, me):
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answers = [world.client.options("/v1/shoots", headers=asked)]
        answers += [world.client.get("/v1/shoots", headers={"Origin": origin, **me})]
    assert all("access-control-allow-origin" not in answer.headers for answer in answers)


OURS: list[dict[str, str]] = [
    {},
    {"Origin": "http://localhost"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", "Origin": APP},
]
FOREIGN: list[dict[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost:8000"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:8000"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": ""},
]


def test_a_page_of_another_site_changes_nothing_where_nothing_has_to_be_sent(tmp_path: Path) -> None:
    with api_world(tmp_path, CORS_ORIGINS=APP) as world:
        for headers in FOREIGN:
            assert is_problem(world.client.post("/v1/shoots", json=NEW_SHOOT, headers=headers), 403, "not_allowed")
            assert world.client.get("/v1/shoots", headers=headers).status_code == 200
        assert world.client.get("/v1/shoots").json()["items"] == []
        for headers in OURS:
            assert world.client.post("/v1/shoots", json=NEW_SHOOT, headers=headers).status_code == 201


def test_a_page_of_another_site_changes_nothing_behind_iap(tmp_path: Path) -> None:
    with key_server() as keys, api_world(tmp_path, **keys.environment, AUTH_MODE="iap") as world:
        me = IAP.headers(IAP.token())
        for headers, status in (({}, 201), ({"Origin": "https://evil.example"}, 403)):
            assert world.client.post("/v1/shoots", json=NEW_SHOOT, headers={**me, **headers}).status_code == status


def test_with_a_token_in_a_header_it_does_not_matter_whose_page_it_is(tmp_path: Path) -> None:
    with signed_in(tmp_path) as (world, me):
        headers = {**me, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert world.client.post("/v1/shoots", json=NEW_SHOOT, headers=headers).status_code == 201


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080"])
def test_on_ones_own_machine_the_api_answers_at_loopback_names(world: ApiWorld, host: str) -> None:
    assert world.client.get("/v1/shoots", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "x@localhost", "[", ""]
)
def test_on_ones_own_machine_the_api_answers_at_no_other_name(world: ApiWorld, host: str) -> None:
    assert is_problem(world.client.get("/v1/shoots", headers={"Host": host}), 403, "not_allowed")


def test_elsewhere_any_host_is_fine(tmp_path: Path) -> None:
    with signed_in(tmp_path) as (world, me):
        assert world.client.get("/v1/shoots", headers={**me, "Host": "api.example"}).status_code == 200
