"""Bytes that no client sends by accident, to the API as production runs it: refused, cut off, and survived."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest

from functions.api.app import UPLOADS_PER_USER
from shared.adapters.embedded.database import Database
from shared.adapters.embedded.jobs import SqliteTrainings
from shared.adapters.embedded.shoots import SqliteShoots
from shared.stages import Status
from tests.builders import a_shoot, a_training
from tests.function_process import FunctionProcess, exchange, function_process
from tests.hostile_pictures import JPEG

pytestmark = pytest.mark.slow

USER = "local-user"
HOST = b"Host: localhost\r\n"
NEW = b'{"costume_name": "Cape", "person_id": "p"}'
CHUNKED = b"Transfer-Encoding: chunked\r\n"
LARGE = 1 << 16
BODY_TIMEOUT_S = 0.5


@dataclass(frozen=True)
class Target:
    """The API's process, and its database."""

    api: FunctionProcess
    shoots: SqliteShoots
    trainings: SqliteTrainings

    def made(self) -> int:
        """How many shoots there are."""
        return len(self.shoots.list_for_owner(USER, limit=1000).items)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder, nowhere = tmp_path_factory.mktemp("sockets"), "http://127.0.0.1:1"
    settings = {"AUTH_MODE": "local", "RATE_LIMIT_PER_MINUTE": "0", "BODY_TIMEOUT_S": str(BODY_TIMEOUT_S)}
    settings |= dict.fromkeys(("FAL_QUEUE_URL", "FAL_API_URL", "FAL_JWKS_URL"), nowhere)
    with (
        function_process("api", folder, **settings) as api,
        closing(Database(folder / "documents.sqlite3")) as database,
    ):
        made = Target(api, SqliteShoots(database), SqliteTrainings(database))
        made.shoots.create(a_shoot(id="s_1", owner_id=USER))
        made.trainings.create(a_training(status=Status.RUNNING, id="t_1", owner_id=USER))
        yield made
        assert "Traceback" not in api.printed, "what others send is no error of ours"


def get(
    path: bytes, extra: bytes = b"", *, method: bytes = b"GET", version: bytes = b"1.1", host: bytes = HOST
) -> bytes:
    return method + b" " + path + b" HTTP/" + version + b"\r\n" + host + extra + b"\r\n"


def post(extra: bytes, body: bytes) -> bytes:
    return b"POST /v1/shoots HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n" + extra + b"\r\n" + body


def chunks(*pieces: bytes, end: bool = True) -> bytes:
    """A body as it is sent piece by piece."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + (b"0\r\n\r\n" if end else b"")


LENGTH = b"Content-Length: %d\r\n" % len(NEW)
UPGRADE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: " + base64.b64encode(b"x" * 16) + b"\r\n"
)

# what: (bytes, statuses; 0 where the connection may be closed without an answer)
REFUSED: Mapping[str, tuple[bytes, set[int]]] = {
    "two slashes": (get(b"//v1/shoots"), {404}),
    "two slashes inside": (get(b"/v1//shoots"), {404}),
    "a dot": (get(b"/v1/./shoots"), {404}),
    "two dots": (get(b"/v1/../v1/shoots"), {404}),
    "two dots in disguise": (get(b"/%2e%2e/%2e%2e/etc/passwd"), {404}),
    "two dots from the console's files": (get(b"/console/x/../../main.py"), {404}),
    "the same in disguise": (get(b"/console/x/%2e%2e%2f%2e%2e%2fmain.py"), {404}),
    "an absolute path among the console's files": (get(b"/console/x//etc/passwd"), {404}),
    "a zero": (get(b"/v1/shoots/%00"), {404}),
    "backslashes": (get(b"\\v1\\shoots"), {404}),
    "no slash": (get(b"v1/shoots"), {404}),
    "another server's URL": (get(b"http://evil.example/v1/shoots"), {404}),
    "everything": (get(b"*", method=b"OPTIONS"), {404}),
    "no ASCII": (get(b"/v1/\xff"), {400}),
    "a tab": (get(b"/v1/\tshoots"), {400}),
    "a long path": (get(b"/" + b"a" * 100_000), {400, 404, 431}),
    "a zero in a header": (get(b"/v1/shoots", b"X-A: \x00\r\n"), {400}),
    "a header without a colon": (get(b"/v1/shoots", b"X-A\r\n"), {400}),
    "a blank before the colon": (get(b"/v1/shoots", b"X-A : a\r\n"), {400}),
    "no host": (get(b"/v1/shoots", host=b""), {400}),
    "two hosts": (get(b"/v1/shoots", host=HOST + b"Host: evil.example\r\n"), {400}),
    "another host": (get(b"/v1/shoots", host=b"Host: evil.example\r\n"), {403}),
    "a host with a user": (get(b"/v1/shoots", host=b"Host: localhost@evil.example\r\n"), {403}),
    "another host, by its proxy": (
        get(b"/v1/shoots", b"X-Forwarded-Host: localhost\r\n", host=b"Host: evil\r\n"),
        {403},
    ),
    "an old version without a host": (get(b"/v1/shoots", version=b"1.0", host=b""), {403}),
    "another protocol": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 404}),
    "TLS": (bytes.fromhex("16030100a5010000a10303") + bytes(50) + b"\r\n\r\n", {400}),
    "nonsense": (b"\x00\x01\x02\r\n\r\n", {400}),
    "an unknown method": (get(b"/v1/shoots", method=b"FOO"), {405}),
    "a method in small letters": (get(b"/v1/shoots", method=b"get"), {405}),
    "TRACE": (get(b"/v1/shoots", method=b"TRACE"), {405}),
    "CONNECT": (get(b"evil.example:443", method=b"CONNECT"), {400, 404, 405}),
    "a long method": (get(b"/v1/shoots", method=b"A" * 100_000), {400, 405}),
    "two lengths": (post(LENGTH + b"Content-Length: 1\r\n", NEW), {400}),
    "a length with a sign": (post(b"Content-Length: +%d\r\n" % len(NEW), NEW), {400}),
    "a negative length": (post(b"Content-Length: -1\r\n", NEW), {400}),
    "a length that is no number": (post(b"Content-Length: 4_2\r\n", NEW), {400}),
    "a huge length": (post(b"Content-Length: " + b"9" * 18 + b"\r\n", NEW), {413}),
    "a length of 30 digits": (post(b"Content-Length: " + b"9" * 30 + b"\r\n", NEW), {400, 413}),
    "chunked twice": (post(CHUNKED + CHUNKED, chunks(NEW)), {400}),
    "chunked and not": (post(b"Transfer-Encoding: chunked, identity\r\n", chunks(NEW)), {400}),
    "nearly chunked": (post(b"Transfer-Encoding: xchunked\r\n", chunks(NEW)), {400}),
    "compressed and chunked": (post(b"Transfer-Encoding: gzip, chunked\r\n", chunks(NEW)), {400}),
    "a chunk without a size": (post(CHUNKED, b"zz\r\nabc\r\n0\r\n\r\n"), {400}),
    "a chunk of less than nothing": (post(CHUNKED, b"-1\r\nabc\r\n0\r\n\r\n"), {400}),
    "a chunk that never comes": (post(CHUNKED, b"f" * 16 + b"\r\nabc"), {408}),
    "half a body": (post(LENGTH, NEW[:10]), {408}),
    "a body of too many chunks": (post(CHUNKED, chunks(*[b" " * LARGE] * 17, end=False)), {413}),
    "parts of a form that are too large": (
        post(b"Content-Type: multipart/form-data; boundary=x\r\n" + CHUNKED, chunks(*[b" " * LARGE] * 17, end=False)),
        {413},
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_bytes_that_make_no_request_of_ours_are_refused_and_do_nothing(target: Target, what: str) -> None:
    sent, statuses = REFUSED[what]
    before = target.made()
    said = target.api.say(sent)
    assert said.status in statuses, said
    assert not any(
        word in said.body for word in (b"Traceback", b"/home", b"/root", b"/tmp", b"site-packages", b"sqlite")
    )
    assert target.made() == before


FRAMEWORKS = {
    "a new line": (get(b"/v1/shoots/%0a"), 404),
    "a new line inside": (get(b"/v1/%0a/shoots"), 404),
    "TRACE": (get(b"/v1/shoots", method=b"TRACE"), 405),
    "an unknown method": (get(b"/", method=b"FOO"), 405),
    "robots": (get(b"/robots.txt"), 404),
    "an icon": (get(b"/favicon.ico"), 404),
    "a web socket": (get(b"/v1/nothing", UPGRADE), 404),
}


@pytest.mark.parametrize("what", FRAMEWORKS)
def test_what_the_framework_itself_refuses_is_a_problem_document_too(target: Target, what: str) -> None:
    sent, status = FRAMEWORKS[what]
    said = target.api.say(sent)
    assert (said.status, said.headers["content-type"]) == (status, "application/problem+json")
    assert {"code", "detail", "status", "title", "type"} <= json.loads(said.body).keys()


def test_an_offer_of_a_web_socket_with_a_body_is_an_ordinary_request(target: Target) -> None:
    before = target.made()
    assert target.api.say(post(UPGRADE + LENGTH, NEW)).status == 201
    assert target.made() == before + 1


@pytest.mark.parametrize(
    "what", ["half a body", "a chunk that never comes", "a body of too many chunks", "a huge length"]
)
def test_a_connection_whose_body_is_not_read_is_closed(target: Target, what: str) -> None:
    with target.api.connect() as connection:
        said = exchange(connection, [REFUSED[what][0]])
        assert said.headers["connection"] == "close"
        assert is_closed(connection)


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side hangs up; what it still says before is read."""
    try:
        while connection.recv(LARGE):
            pass
    except ConnectionError:
        pass
    return True


# what: the bytes of a request that is meant well, in an odd way
TAKEN: Mapping[str, bytes] = {
    "lengths that agree": post(LENGTH + LENGTH, NEW),
    "a body in pieces": post(CHUNKED, chunks(NEW[:1], NEW[1:])),
    "a body with something behind": post(CHUNKED, b"%x\r\n%s\r\n0\r\nContent-Length: 9\r\n\r\n" % (len(NEW), NEW)),
    "a body that asks first": post(b"Expect: 100-continue\r\n" + LENGTH, NEW),
    "another protocol offered": post(b"Upgrade: h2c\r\nConnection: Upgrade\r\n" + LENGTH, NEW),
    "another method in a header": post(b"X-HTTP-Method-Override: DELETE\r\n" + LENGTH, NEW),
    "many headers": post(b"".join(b"X-%d: a\r\n" % number for number in range(1000)) + LENGTH, NEW),
}


@pytest.mark.parametrize("what", TAKEN)
def test_an_odd_request_is_one_request(target: Target, what: str) -> None:
    before = target.made()
    assert target.api.say(TAKEN[what]).status == 201
    assert target.made() == before + 1


def test_a_request_that_hides_in_anothers_body_is_not_carried_out(target: Target) -> None:
    before, hidden = target.made(), post(LENGTH, NEW)
    said = target.api.say(post(b"Content-Length: %d\r\n" % len(hidden), hidden))
    assert said.status == 422
    assert target.made() == before


def test_whoever_goes_on_sending_to_a_live_stream_is_hung_up_on(target: Target) -> None:
    with target.api.connect() as connection:
        connection.sendall(get(b"/v1/trainings/t_1/events", CHUNKED))
        heard = b""
        while b"event: training" not in heard:
            heard += connection.recv(LARGE)
        try:
            for _ in range(40):
                connection.sendall(chunks(b"x" * LARGE, end=False))
        except ConnectionError:
            pass
        assert is_closed(connection)


def test_files_that_take_their_time_leave_room_and_too_many_at_once_have_to_wait(target: Target) -> None:
    def put(extra: bytes = b"") -> bytes:
        length = b"Content-Length: %d\r\n" % len(JPEG)
        return get(b"/v1/shoots/s_1/files/01.jpg", extra + length, method=b"PUT")

    with ExitStack() as cleanup:
        slow = [cleanup.enter_context(target.api.connect()) for _ in range(UPLOADS_PER_USER)]
        for connection in slow:
            connection.sendall(put(b"Expect: 100-continue\r\n"))
            assert b"100 Continue" in connection.recv(LARGE), "it begins to read"
        said = target.api.say(put() + JPEG)
        assert (said.status, said.headers["retry-after"]) == (429, "1")
        assert target.api.say(get(b"/v1/shoots")).status == 200
        for connection in slow:
            assert exchange(connection, [JPEG]).status == 201
        assert target.api.say(put() + JPEG).status == 201


def test_after_all_of_this_it_answers(target: Target) -> None:
    assert target.api.say(get(b"/healthz")).status == 200
