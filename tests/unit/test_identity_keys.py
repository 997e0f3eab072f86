"""The keys that sign-ins are checked with: fetched over real HTTP, once for as long as they are good for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.adapters.google.certificates import fresh_for_s
from shared.errors import IdentityKeysUnavailable
from tests.doors import ISSUERS, Door, a_door, authenticator_of
from tests.google_identity import MAX_AGE_S, KeyServer
from tests.scripted_server import Asked, Reply, scripted_server


@pytest.fixture(params=ISSUERS)
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    with a_door(ISSUERS[request.param]) as made:
        yield made


def test_keys_are_fetched_once_for_a_hundred_requests(door: Door) -> None:
    for number in range(100):
        assert door.user_of(door.issuer.token(f"user-{number % 3}")) == f"user-{number % 3}"
    assert door.keys.asked == 1


def test_keys_are_fetched_again_when_they_are_no_longer_fresh(door: Door) -> None:
    door.user_of(door.issuer.token())
    door.clock.advance(MAX_AGE_S - 1)
    door.user_of(door.issuer.token())
    assert door.keys.asked == 1
    door.clock.advance(1)
    door.user_of(door.issuer.token())
    assert door.keys.asked == 2


@pytest.mark.parametrize(
    ("headers", "fresh_s"),
    [
        ({}, 60),
        ({"cache-control": "public, max-age=19302, must-revalidate, no-transform"}, 19302),
        ({"cache-control": "Public,Max-Age=300"}, 300),
        ({"cache-control": "max-age=3600", "age": "600"}, 3000),
        ({"cache-control": "max-age=3600", "age": "soon"}, 3600),
        ({"cache-control": "s-maxage=3600"}, 60),
        ({"cache-control": "max-age=0"}, 60),
        ({"cache-control": "max-age=3600, no-cache"}, 60),
        ({"cache-control": "no-store"}, 60),
        ({"cache-control": "max-age=999999999"}, 86400),
        ({"cache-control": "max-age=99999999999999999999"}, 86400),
    ],
)
def test_keys_are_fresh_for_as_long_as_cache_control_says_within_a_minute_and_a_day(
    headers: Mapping[str, str], fresh_s: int
) -> None:
    assert fresh_for_s(headers) == fresh_s


NO_KEYS: Mapping[str, Reply] = {
    "error": Reply(status=500),
    "elsewhere": Reply(status=302, headers={"Location": "/else"}),
    "no JSON": Reply(body=b"<html>"),
    "nested": Reply(body=b"[" * 60_000),
    "no object": Reply(body=b"[]"),
    "empty": Reply(body=b"{}"),
    "JWKS": Reply(body=b'{"keys": []}'),
    "no PEM": Reply(body=b'{"key-1": "x"}'),
    "too large": Reply(body=b" " * (65 << 10)),
    "dropped": Reply(drop=True),
    "slow to start": Reply(body=b"x", pause_s=1.0),
    "slow to end": Reply(body=[b" "] * 60, length=60, pause_s=0.04),
}


@pytest.mark.parametrize("what", NO_KEYS)
def test_without_keys_nobody_can_tell_and_it_may_be_tried_again(door: Door, what: str) -> None:
    door.keys.server.script = lambda asked: NO_KEYS[what]
    with pytest.raises(IdentityKeysUnavailable) as caught:
        door.user_of(door.issuer.token())
    assert (caught.value.status, caught.value.retryable) == (503, True)


def test_nobody_listening_is_keys_unavailable(door: Door) -> None:
    with scripted_server(lambda asked: Reply()) as gone:
        pass
    nowhere = authenticator_of(door.issuer, KeyServer(gone), door.clock)
    with pytest.raises(IdentityKeysUnavailable):
        nowhere.user_of(door.issuer.headers(door.issuer.token()))


def test_while_there_are_no_keys_they_are_asked_for_every_few_seconds_only(door: Door) -> None:
    door.keys.server.script = lambda asked: Reply(status=503)
    for _ in range(20):
        with pytest.raises(IdentityKeysUnavailable, match="HTTP 503"):
            door.user_of(door.issuer.token())
    assert door.keys.asked == 1
    door.keys.server.script = door.keys.answer
    door.clock.advance(5)
    assert door.user_of(door.issuer.token()) == "anna"


def test_many_requests_at_once_fetch_the_keys_once(door: Door) -> None:
    together, token = threading.Barrier(8), door.issuer.token()

    def one(_: int) -> str:
        together.wait(timeout=5)
        return door.user_of(token)

    def slowly(asked: Asked) -> Reply:
        time.sleep(0.1)
        return door.keys.answer(asked)

    door.keys.server.script = slowly
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(8))) == ["anna"] * 8
    assert door.keys.asked == 1
