"""The webhook as production runs it, over raw sockets: what is no callback of fal.ai's, and who only wants to hinder.

Cloud Run's front end takes off much of this; the process has to stand without it.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fal_vectors.signatures import callback_headers, jwks
from tests.function_process import FunctionProcess, Said, answer_on, function_process
from tests.scripted_server import Reply, ScriptedServer, scripted_server

PATH = "/webhooks/fal/t_1/n-1"
BODY = b'{"request_id": "r-1", "status": "OK", "payload": {}}'
BODY_TIMEOUT_S = 0.5
MIB = 1 << 20
HOST = b"Host: hooks.example\r\n"
EMPTY = HOST + b"Content-Length: 2\r\n\r\n{}"


@dataclass(frozen=True)
class Webhook:
    """The function, fal.ai's key, and the queue that it publishes to."""

    function: FunctionProcess
    key: Ed25519PrivateKey
    database: Path

    def headers(self, body: bytes = BODY, **changes: Any) -> dict[str, str]:
        """The headers of a good callback now."""
        return callback_headers(self.key, body, **{"timestamp": int(time.time()), **changes})

    def call(self, *, path: str = PATH, body: bytes = BODY, method: str = "POST", **headers: str) -> Said:
        """A callback that fal.ai signed, with more headers."""
        return self.function.say(request(self.headers(body) | headers, path=path, body=body, method=method))

    def queued(self) -> list[dict[str, Any]]:
        """What was published since the last look."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            return [json.loads(data) for (data,) in connection.execute("DELETE FROM messages RETURNING data")]


def request(headers: dict[str, str], *, path: str = PATH, body: bytes = BODY, method: str = "POST") -> bytes:
    """A whole request, byte for byte."""
    lines = [f"{method} {path} HTTP/1.1", "Host: hooks.example", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


@pytest.fixture(scope="module")
def fal_keys() -> Iterator[tuple[ScriptedServer, Ed25519PrivateKey]]:
    key = Ed25519PrivateKey.generate()
    with scripted_server(lambda asked: Reply(body=jwks(key))) as server:
        yield server, key


@pytest.fixture(scope="module")
def running(
    fal_keys: tuple[ScriptedServer, Ed25519PrivateKey], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Webhook]:
    server, key = fal_keys
    folder = tmp_path_factory.mktemp("webhook")
    settings = {"FAL_JWKS_URL": f"{server.url}/jwks.json", "WEBHOOK_BODY_TIMEOUT_S": str(BODY_TIMEOUT_S)}
    with function_process("webhook", folder, **settings) as function:
        webhook = Webhook(function, key, folder / "documents.sqlite3")
        assert webhook.call().status == 200
        yield webhook


@pytest.fixture
def webhook(running: Webhook) -> Iterator[Webhook]:
    """Nothing is in the queue before, and nothing may have crashed after."""
    running.queued()
    yield running
    assert "Traceback" not in running.function.printed
    assert running.call().status == 200, "it still answers"


def test_a_callback_is_answered_and_its_ids_are_queued(webhook: Webhook) -> None:
    said = webhook.call()
    assert (said.status, said.body) == (200, b'{"status":"ok"}')
    (queued,) = webhook.queued()
    assert {"training_id": "t_1", "nonce": "n-1", "request_id": "r-1"}.items() <= queued.items()


def test_a_replay_is_the_same_wake_up_again(webhook: Webhook) -> None:
    once = request(webhook.headers())
    assert [webhook.function.say(once).status for _ in range(3)] == [200] * 3
    queued = webhook.queued()
    assert queued == [queued[0]] * 3


@pytest.mark.parametrize("content_type", ["text/html", "", "multipart/form-data", "application/json; charset=utf-16"])
def test_the_content_type_does_not_matter_because_the_body_is_not_read(webhook: Webhook, content_type: str) -> None:
    assert webhook.call(body=b"<html>", **{"Content-Type": content_type, "Content-Encoding": "gzip"}).status == 200


NOT_CALLBACKS = {
    "unsigned": (f"POST {PATH} HTTP/1.1\r\n".encode() + EMPTY, 401),
    "another method": (f"GET {PATH} HTTP/1.1\r\n".encode() + HOST + b"\r\n", 422),
    "a method of WebDAV": (f"PROPFIND {PATH} HTTP/1.1\r\n".encode() + HOST + b"\r\n", 405),
    "TRACE": (f"TRACE {PATH} HTTP/1.1\r\n".encode() + HOST + b"\r\n", 405),
    "CONNECT": (b"CONNECT inner.example:443 HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "OPTIONS of everything": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "another server's address": (b"POST http://inner.example/t_1/n-1 HTTP/1.1\r\n" + EMPTY, 404),
    "a host that is no host": (f"POST {PATH} HTTP/1.1\r\nHost: [\r\nContent-Length: 2\r\n\r\n{{}}".encode(), 401),
    "no host": (f"POST {PATH} HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}".encode(), 400),
    "HTTP/1.0": (f"POST {PATH} HTTP/1.0\r\nContent-Length: 2\r\n\r\n{{}}".encode(), 401),
    "HTTP/2 without a word": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 404),
    "TLS": (b"\x16\x03\x01\x00\xa5\x01\x00\x00\x00\x00\r\n\r\n", 400),
    "bytes above ASCII in the path": (b"POST /t_1/n\xff HTTP/1.1\r\n" + EMPTY, 400),
    "a length that is no number": (f"POST {PATH} HTTP/1.1\r\n".encode() + HOST + b"Content-Length: \xb2\r\n\r\n", 400),
    "a negative length": (f"POST {PATH} HTTP/1.1\r\n".encode() + HOST + b"Content-Length: -2\r\n\r\n{}", 400),
    "a length of twenty digits": (
        f"POST {PATH} HTTP/1.1\r\n".encode() + HOST + b"Content-Length: " + b"9" * 20 + b"\r\n\r\n",
        413,
    ),
    "two lengths": (
        f"POST {PATH} HTTP/1.1\r\n".encode() + HOST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        400,
    ),
    "an unknown transfer": (f"POST {PATH} HTTP/1.1\r\n".encode() + HOST + b"Transfer-Encoding: gzip\r\n\r\n{}", 400),
    "a chunk of no length": (
        f"POST {PATH} HTTP/1.1\r\n".encode() + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        400,
    ),
    "a header with a NUL": (f"POST {PATH} HTTP/1.1\r\nX-A: a\0b\r\n".encode() + EMPTY, 400),
    "a header with a space": (f"POST {PATH} HTTP/1.1\r\nX-A : a\r\n".encode() + EMPTY, 400),
    "a line break in the path": (b"POST /t_1%0D%0ALocation:%20x/n-1 HTTP/1.1\r\n" + EMPTY, 404),
    "a path of 60,000 slashes": (b"POST " + b"/" * 60_000 + b"! HTTP/1.1\r\n" + EMPTY, 422),
}


@pytest.mark.parametrize("name", NOT_CALLBACKS)
def test_what_is_no_callback_is_refused_and_queues_nothing(webhook: Webhook, name: str) -> None:
    raw, status = NOT_CALLBACKS[name]
    assert webhook.function.say(raw).status == status
    assert webhook.queued() == []


@pytest.mark.parametrize("headers", [b"X-A: " + b"a" * 200_000 + b"\r\n", b"X-A: a\r\n" * 50_000], ids=["long", "many"])
def test_headers_without_end_are_not_read_to_their_end(webhook: Webhook, headers: bytes) -> None:
    """The connection is closed in the middle of them, so that the answer may not reach who sends them."""
    before = webhook.function.peak_bytes
    assert webhook.function.say(f"POST {PATH} HTTP/1.1\r\n".encode() + headers + EMPTY).status in (0, 400)
    assert webhook.function.peak_bytes - before < 4 * MIB
    assert webhook.queued() == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//",
        "/robots.txt/t_1",
        f"{PATH}/",
        f"{PATH}//",
        "/webhooks/fal//t_1//n-1",
        "/webhooks/fal/t_1/n-1%0A",
        "/webhooks/fal/t_1/n-1%00",
        "/webhooks/fal/t_1/n-1%FF",
        "/webhooks/fal/t_1/n-1%3Fx",
        "/webhooks/fal/t_1/n-1;x",
        "/webhooks/fal/t_1/n%201",
        "/webhooks/fal/t_1%5Cn-1",
        "/webhooks/fal/t_1/%2e%2e",
        "/webhooks/fal/t_1/..",
        "/webhooks/fal/t_1/%C3%B1",
    ],
)
@pytest.mark.parametrize("method", ["POST", "HEAD"])
def test_a_path_that_is_not_ours_is_refused_and_never_redirected(webhook: Webhook, path: str, method: str) -> None:
    """fal.ai counts a redirect as a final failure, also where it signed everything else."""
    assert webhook.call(path=path, method=method).status == 422
    assert webhook.queued() == []


@pytest.mark.parametrize(
    "path", [f"//evil.example{PATH}", f"{PATH}?a=b", f"{PATH}?%FF%00", "/t_1%2Fn-1", "/../t_1/n-1"]
)
def test_a_callback_with_our_ids_is_taken_whatever_stands_before_or_behind(webhook: Webhook, path: str) -> None:
    assert webhook.call(path=path).status == 200
    assert [event["nonce"] for event in webhook.queued()] == ["n-1"]


@pytest.mark.parametrize("name", ["Request-Id", "User-Id", "Timestamp", "Signature"])
def test_a_header_twice_or_folded_or_of_other_letters_is_forged(webhook: Webhook, name: str) -> None:
    full, good = f"X-Fal-Webhook-{name}", webhook.headers()
    twice = request(good | {full.lower(): good[full]})
    folded = request(good | {full: f"{good[full][:1]}\r\n {good[full][1:]}"})
    latin = request(good | {full: f"{good[full]}\xa0"})
    joined = request(good | {full: f"{good[full]}, {good[full]}"})
    assert [webhook.function.say(raw).status for raw in (twice, folded, latin, joined)] == [401] * 4
    assert webhook.queued() == []


def test_a_header_in_the_request_id_reaches_nobody(webhook: Webhook) -> None:
    """A line break ends the header: what fal.ai signed is another text then."""
    injected = request(webhook.headers(request_id="r-1\r\nX-Injected: 1"))
    assert webhook.function.say(injected).status == 401
    assert webhook.queued() == []


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_10_mib_is_refused_and_takes_no_memory(webhook: Webhook, chunked: bool) -> None:
    head = f"POST {PATH} HTTP/1.1\r\n".encode() + HOST
    head += b"Transfer-Encoding: chunked\r\n\r\n" if chunked else f"Content-Length: {10 * MIB}\r\n\r\n".encode()
    piece = b" " * 65536
    pieces = [b"10000\r\n" + piece + b"\r\n" if chunked else piece] * 160
    before = webhook.function.peak_bytes
    for _ in range(8):
        said = webhook.function.say(head, *pieces)
        assert (said.status, json.loads(said.body)["code"]) == (413, "payload_too_large")
    assert webhook.function.peak_bytes - before < 8 * MIB


def test_a_body_of_exactly_the_maximum_is_taken(webhook: Webhook) -> None:
    assert webhook.call(body=b" " * MIB).status == 200
    assert webhook.call(body=b" " * (MIB + 1)).status == 413


@pytest.mark.parametrize("half", [True, False], ids=["half closed", "held open"])
def test_a_body_that_is_shorter_than_its_length_ends_in_a_word_or_nothing(webhook: Webhook, half: bool) -> None:
    """Its sender may be gone; whoever waits is told after the time limit, and the connection is closed."""
    cut = request(webhook.headers()).replace(b"Content-Length: ", b"Content-Length: 1")
    said = webhook.function.say(cut, half_close=half)
    assert said.status == (0 if half else 422)
    assert half or said.headers["connection"] == "close"
    assert webhook.queued() == []


def test_what_comes_behind_the_announced_length_is_not_part_of_the_body(webhook: Webhook) -> None:
    assert webhook.function.say(request(webhook.headers()) + b"GET / HTTP/1.1\r\n\r\n").status == 200
    assert len(webhook.queued()) == 1


def test_two_hundred_who_trickle_hinder_nobody_and_are_sent_away(webhook: Webhook) -> None:
    head = f"POST {PATH} HTTP/1.1\r\n".encode() + HOST
    before = webhook.function.peak_bytes
    with ExitStack() as open_connections:
        heads = [open_connections.enter_context(webhook.function.connect()) for _ in range(100)]
        bodies = [open_connections.enter_context(webhook.function.connect()) for _ in range(100)]
        for connection in heads:
            connection.sendall(head[:-1])
        for connection in bodies:
            connection.sendall(head + b"Content-Length: 1000\r\n\r\n ")
        answered = [webhook.call().status for _ in range(5)]
        for connection in (*heads, *bodies):
            connection.sendall(b"\n" if connection in heads else b" ")
        refused = [answer_on(connection) for connection in bodies]
    assert answered == [200] * 5
    assert {(said.status, said.headers["connection"]) for said in refused} == {(422, "close")}
    assert webhook.function.peak_bytes - before < 16 * MIB
    assert len(webhook.queued()) == 5


def test_neither_nonces_nor_signatures_are_logged(webhook: Webhook) -> None:
    signature = webhook.headers()["X-Fal-Webhook-Signature"]
    webhook.call()
    webhook.call(path="/webhooks/fal/t_1/n-secret")
    assert "t_1" in webhook.function.printed
    assert not any(secret in webhook.function.printed for secret in ("n-1", "n-secret", signature))


def test_without_keys_fal_ai_is_asked_to_call_again(tmp_path: Path) -> None:
    with (
        scripted_server(lambda asked: Reply(status=503)) as keys,
        function_process("webhook", tmp_path, FAL_JWKS_URL=f"{keys.url}/jwks.json") as function,
    ):
        webhook = Webhook(function, Ed25519PrivateKey.generate(), tmp_path / "documents.sqlite3")
        said = webhook.call()
        problem = json.loads(said.body)
        assert (said.status, problem["code"], problem["retryable"]) == (503, "webhook_keys_unavailable", True)
        assert said.headers["content-type"] == "application/problem+json"
