"""Servers that keep, flood or mislead whoever asks them: every call of fal.ai ends in time, within bounds, with a word.

Each of the four that ask (signing keys, free calls, the paid post, files) meets the same servers.
"""

from __future__ import annotations

import gzip
import itertools
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.fal.artifacts import HttpArtifactSource
from shared.adapters.fal.media_client import Patience
from shared.adapters.fal.signing_keys import fetch_signing_keys
from shared.errors import (
    ArtifactCorrupt,
    ArtifactUnavailable,
    ProductError,
    SubmissionUncertain,
    TrainerUnavailable,
    WebhookKeysUnavailable,
)
from shared.ports import Artifact
from shared.settings import FalSettings
from tests.fal_api import JOB, SUBMISSION, a_trainer
from tests.scripted_server import Reply, ScriptedServer, scripted_server

LIMIT_S = 0.3
TICK_S = 0.02
# what a server would have to send to keep the caller for six times as long as is allowed
PIECES = int(6 * LIMIT_S / TICK_S)
MIB = 1 << 20


def keys(url: str) -> None:
    """Ask for the signing keys."""
    fetch_signing_keys(url, LIMIT_S)


def status(url: str) -> None:
    """Ask how a run is doing."""
    trainer = a_trainer(url, timeout_s=LIMIT_S, pauses_s=())
    try:
        trainer.status(JOB, log=True)
    finally:
        trainer.close()


def submit(url: str) -> None:
    """Buy a training."""
    trainer = a_trainer(url, timeout_s=LIMIT_S)
    try:
        trainer.submit(SUBMISSION)
    finally:
        trainer.close()


def file(url: str) -> None:
    """Fetch a file."""
    patience = Patience(connect_s=1, read_s=LIMIT_S, total_s=LIMIT_S, pauses_s=())
    source = HttpArtifactSource(FalSettings(fal_media_hosts=("127.0.0.1",)), patience)
    try:
        with source.open(Artifact(url=url), max_bytes=MIB) as chunks:
            for _ in chunks:
                pass
    finally:
        source.close()


CALLS: Mapping[str, tuple[Callable[[str], None], type[ProductError]]] = {
    "keys": (keys, WebhookKeysUnavailable),
    "status": (status, TrainerUnavailable),
    "submit": (submit, SubmissionUncertain),
    "file": (file, ArtifactUnavailable),
}


@dataclass
class Trickle:
    """Sends its pieces slowly, and counts those that were taken."""

    head: bytes
    piece: bytes
    sent: int = 0

    def pieces(self) -> Iterator[bytes]:
        """The pieces, for as long as somebody listens."""
        yield self.head
        for _ in range(PIECES):
            time.sleep(TICK_S)
            yield self.piece
            self.sent += 1


TRICKLES = {
    "a head byte by byte": (b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
    "headers without end": (b"HTTP/1.1 200 OK\r\n", b"X-A: a\r\n"),
    "interim answers without end": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "a body byte by byte": (b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n", b" "),
    "chunks without end": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a chunk's head without end": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a"),
    "trailers without end": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: a\r\n"),
}


def kept_by(call: str, trickle: str) -> str:
    """What went wrong with `call` at a server that trickles; empty where it left in time, with its error."""
    ask, error = CALLS[call]
    slow = Trickle(*TRICKLES[trickle])
    with scripted_server(lambda asked: Reply(body=slow.pieces(), raw=True)) as server:
        try:
            ask(server.url)
        except error:
            left = slow.sent < PIECES and len(server.asked) <= 1
            return "" if left else f"{trickle}: it was listened to until it ended by itself"
        return f"{trickle}: no error"


@pytest.mark.parametrize("call", CALLS)
def test_whoever_trickles_is_left_when_the_time_is_over(call: str) -> None:
    """Each piece comes in good time; only as a whole it never ends."""
    with ThreadPoolExecutor(len(TRICKLES)) as pool:
        assert "\n".join(filter(None, pool.map(partial(kept_by, call), TRICKLES))) == ""


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server(lambda asked: Reply()) as running:
        yield running


@pytest.fixture(scope="module")
def bombs() -> Mapping[str, bytes]:
    """Small files that unpack to 120 MiB of spaces, by their Content-Encoding; the last one is packed twice."""
    pack = zlib.compressobj(level=1, wbits=zlib.MAX_WBITS | 16, strategy=zlib.Z_RLE)
    once = b"".join(pack.compress(b" " * MIB) for _ in range(120)) + pack.flush()
    return {"gzip": once, "gzip, gzip": gzip.compress(once)}


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
@pytest.mark.parametrize(("call", "most_mib"), [("keys", 2), ("status", 80), ("submit", 6), ("file", 2)])
def test_a_packed_bomb_is_not_unpacked_beyond_the_limit(
    server: ScriptedServer, bombs: Mapping[str, bytes], call: str, most_mib: int, encoding: str
) -> None:
    ask, error = CALLS[call]
    server.script = lambda asked: Reply(body=bombs[encoding], headers={"Content-Encoding": encoding})
    tracemalloc.start()
    try:
        with pytest.raises(error):
            ask(server.url)
        assert tracemalloc.get_traced_memory()[1] < most_mib * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "GZIP"])
def test_an_answer_that_is_packed_all_the_same_is_understood(server: ScriptedServer, encoding: str) -> None:
    """Nobody asks for it; but what was paid for must not be lost over it."""
    content = b'{"request_id": "r-1"}'
    body = zlib.compress(content) if encoding == "deflate" else gzip.compress(content)
    server.script = lambda asked: Reply(body=body, headers={"Content-Encoding": encoding})
    assert a_trainer(server.url).submit(SUBMISSION).request_id == "r-1"
    assert server.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "location", ["data:,x", "mailto:a@b", "http://[", "http:", "https:///", "\xe9", "x" * 80_000, "//:x"]
)
def test_a_redirect_to_nowhere_is_an_answer_like_others(server: ScriptedServer, call: str, location: str) -> None:
    ask, error = CALLS[call]
    server.script = lambda asked: Reply(status=302, headers={"Location": location})
    with pytest.raises(error if call != "submit" else TrainerUnavailable):
        ask(server.url)


@pytest.mark.parametrize("call", ["keys", "file"])
def test_a_flood_is_left_at_its_limit(server: ScriptedServer, call: str) -> None:
    """A server that sends as fast as it can, for ever: headers, interim answers, or a body."""
    ask, error = CALLS[call]
    for head, piece in ((b"HTTP/1.1 200 OK\r\n", b"X-A: a\r\n" * 999), (b"", b"HTTP/1.1 103 Hints\r\n\r\n" * 999)):
        flood = itertools.chain([head], itertools.repeat(piece))
        server.script = lambda asked, flood=flood: Reply(body=flood, raw=True)  # type: ignore[misc]
        with pytest.raises(error):
            ask(server.url)


NAMES = ("Content-Length", "Content-Range", "Content-Encoding", "Transfer-Encoding", "Location", "ETag", "Connection")
VALUES = ("", "0", "5", "-1", "9" * 20, "9" * 5000, "5, 5", "chunked", "identity", "gzip", '"\xe9"', "\xb2", "close")
RANGES = (
    "bytes 2-4/5",
    "bytes 2-4/*",
    "bytes 0-4/5",
    "bytes 2-9/5",
    f"bytes {'9' * 5000}-4/5",
    f"bytes 2-4/{'9' * 5000}",
)
TARGETS = ("/b", "http://[", "//\xff", "http://127.0.0.1:0/", "http://127.0.0.1:99999/", "?" * 70_000)
HEADERS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES + RANGES + TARGETS)), max_size=3)
STATUSES = st.sampled_from([200, 206, 302]) | st.sampled_from([100, 101, 199, 204, 300, 304, 416, 429, 500, 599, 999])


@st.composite
def answers(draw: st.DrawFn, *good: tuple[str, str]) -> bytes:
    """An answer with some good headers and some odd ones, broken somewhere or whole."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in (*good, *draw(HEADERS)))
    whole = f"HTTP/1.1 {draw(STATUSES)} \r\n{headers}\r\n".encode("latin-1") + draw(st.binary(max_size=6))
    return whole[: draw(st.integers(0, len(whole)))] if draw(st.booleans()) else whole


@pytest.fixture(scope="module")
def odd_server() -> Iterator[ScriptedServer]:
    with scripted_server(lambda asked: Reply()) as running:
        yield running


@given(
    first=answers() | answers(("Content-Length", "5")) | answers(("Content-Length", "5"), ("ETag", '"\xe9"')),
    rest=answers() | answers(("Content-Range", "bytes 2-4/5"), ("Content-Length", "3")),
)
@settings(max_examples=80)
def test_whatever_is_answered_a_file_comes_or_fails_with_a_word(
    odd_server: ScriptedServer, first: bytes, rest: bytes
) -> None:
    """Also where the first answer breaks in the middle and the second one claims to continue it."""
    replies = iter([first, rest])
    odd_server.script = lambda asked: Reply(body=next(replies, b""), raw=True)
    patience = Patience(connect_s=1, read_s=LIMIT_S, total_s=LIMIT_S, pauses_s=(0.0,))
    source = HttpArtifactSource(FalSettings(fal_media_hosts=("127.0.0.1",)), patience)
    try:
        with source.open(Artifact(url=odd_server.url), max_bytes=8) as chunks:
            assert len(b"".join(chunks)) <= 8
    except (ArtifactCorrupt, ArtifactUnavailable) as error:
        assert len(str(error)) < 500
    finally:
        source.close()
