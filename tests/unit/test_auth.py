"""Who is asking: real tokens, real signatures, keys over real HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.adapters.google.certificates import fresh_for_s
from shared.adapters.google.identity import FirebaseAuthenticator, IapAuthenticator
from shared.adapters.identity import LocalAuthenticator
from shared.adapters.memory import FixedClock
from shared.errors import IdentityKeysUnavailable, Unauthenticated
from shared.ports import Authenticator
from shared.settings import ApiSettings, AuthMode
from tests.api_world import api_world
from tests.google_identity import (
    FIREBASE,
    IAP,
    IAP_AUDIENCE,
    MAX_AGE_S,
    PROJECT,
    Issuer,
    KeyServer,
    bad_tokens,
    key_server,
)
from tests.scripted_server import Asked, Reply, scripted_server

ISSUERS = {"firebase": FIREBASE, "iap": IAP}


@dataclass
class Door:
    """An authenticator with the issuer whose tokens it takes, and the keys' server."""

    issuer: Issuer
    keys: KeyServer
    clock: FixedClock
    authenticator: Authenticator

    def user_of(self, token: str) -> str:
        """Whom a token proves."""
        return self.authenticator.user_of(self.issuer.headers(token))


def authenticator_of(issuer: Issuer, keys: KeyServer, clock: FixedClock) -> Authenticator:
    """One that has fetched nothing yet."""
    settings = ApiSettings(
        auth_mode=AuthMode(issuer.name),
        iap_audience=IAP_AUDIENCE,
        firebase_certs_url=keys.environment["FIREBASE_CERTS_URL"],
        iap_certs_url=keys.environment["IAP_CERTS_URL"],
        identity_keys_timeout_s=0.5,
    )
    if issuer is IAP:
        return IapAuthenticator(settings, clock)
    return FirebaseAuthenticator(settings, PROJECT, clock)


@pytest.fixture(params=ISSUERS)
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    issuer, clock = ISSUERS[request.param], FixedClock()
    with key_server() as keys:
        yield Door(issuer, keys, clock, authenticator_of(issuer, keys, clock))


def test_a_good_token_tells_its_user(door: Door) -> None:
    assert door.user_of(door.issuer.token("anna")) == "anna"


def test_keys_are_fetched_once_for_a_hundred_requests(door: Door) -> None:
    for number in range(100):
        assert door.user_of(door.issuer.token(f"user-{number % 3}")) == f"user-{number % 3}"
    assert door.keys.asked == 1


@pytest.mark.parametrize("wrong", bad_tokens(FIREBASE))
def test_a_bad_token_proves_nobody(door: Door, wrong: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        door.user_of(bad_tokens(door.issuer)[wrong])
    assert "eyJ" not in caught.value.message, "a token, or a part of it, is told to nobody"


@pytest.mark.parametrize("wrong", ["garbage", "nested", "huge", "alg none", "HS256 with the public key", "no key"])
def test_what_cannot_be_good_makes_no_traffic(door: Door, wrong: str) -> None:
    with pytest.raises(Unauthenticated):
        door.user_of(bad_tokens(door.issuer)[wrong])
    assert door.keys.asked == 0


def test_unknown_keys_make_no_traffic_once_there_are_keys(door: Door) -> None:
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            door.user_of(bad_tokens(door.issuer)["unknown key"])
    assert door.keys.asked == 1


@pytest.mark.parametrize("skew_s", [-4, 4])
def test_clocks_may_differ_by_a_few_seconds(door: Door, skew_s: int) -> None:
    now = int(time.time())
    claims = {"iat": now + skew_s} if skew_s > 0 else {"iat": now - 3600, "exp": now + skew_s}
    assert door.user_of(door.issuer.token(**claims)) == "anna"


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"Authorization": "Bearer "}, {"Cookie": "session=1"}])
def test_no_token_proves_nobody(door: Door, headers: Mapping[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        door.authenticator.user_of(headers)


def test_two_tokens_prove_nobody(door: Door) -> None:
    name = door.issuer.header
    value = door.issuer.headers(door.issuer.token())[name]
    with pytest.raises(Unauthenticated, match="more than once"):
        door.authenticator.user_of({name: value, name.upper(): value})


def test_header_names_are_of_any_case(door: Door) -> None:
    headers = door.issuer.headers(door.issuer.token())
    assert door.authenticator.user_of({name.lower(): value for name, value in headers.items()}) == "anna"
    assert door.authenticator.user_of({name.upper(): value for name, value in headers.items()}) == "anna"


@pytest.mark.parametrize("scheme", ["Basic", "Token", "", "Bearer,"])
def test_another_scheme_than_bearer_proves_nobody(scheme: str) -> None:
    with key_server() as keys, pytest.raises(Unauthenticated, match="no bearer token"):
        door = authenticator_of(FIREBASE, keys, FixedClock())
        door.user_of({"Authorization": f"{scheme} {FIREBASE.token()}".strip()})


def test_the_iap_user_stays_when_the_address_changes() -> None:
    with key_server() as keys:
        door = authenticator_of(IAP, keys, FixedClock())
        users = {
            door.user_of(IAP.headers(IAP.token("1134", email=email))) for email in ("a@example.com", "b@example.com")
        }
    assert users == {"1134"}


def test_the_unsigned_headers_of_iap_prove_nobody() -> None:
    with key_server() as keys, pytest.raises(Unauthenticated):
        authenticator_of(IAP, keys, FixedClock()).user_of(
            {"X-Goog-Authenticated-User-Id": "accounts.google.com:1134", "X-Goog-Authenticated-User-Email": "a@b.c"}
        )


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


def test_on_ones_own_machine_everybody_is_believed() -> None:
    door = LocalAuthenticator("me")
    assert door.user_of({}) == "me"
    assert door.user_of({"X-Local-User": "anna"}) == "anna"


@pytest.mark.parametrize("name", ["a b", "../x", "ü", "x" * 129, "\t"])
def test_on_ones_own_machine_too_a_user_id_is_a_sane_one(name: str) -> None:
    with pytest.raises(Unauthenticated):
        LocalAuthenticator("me").user_of({"x-local-user": name})


REFUSED = {
    "local on real data": {"AUTH_MODE": "local", "BACKEND": "google", "GOOGLE_CLOUD_PROJECT": "p"},
    "local on real data and one emulator": {
        "AUTH_MODE": "local",
        "BACKEND": "google",
        "STORAGE_EMULATOR_HOST": "127.0.0.1:9",
    },
    "firebase of no project": {"AUTH_MODE": "firebase"},
}


@pytest.mark.parametrize("what", REFUSED)
def test_an_open_door_keeps_the_process_from_starting(tmp_path: Path, what: str) -> None:
    with pytest.raises(RuntimeError, match="AUTH_MODE"), api_world(tmp_path, **REFUSED[what]):
        pass


@pytest.mark.parametrize(
    "settings",
    [
        {"AUTH_MODE": "iap"},
        {"AUTH_MODE": "none"},
        {"FIREBASE_CERTS_URL": "http://keys.example"},
        {"IAP_CERTS_URL": "ftp://127.0.0.1/keys"},
        {"CORS_ORIGINS": "*"},
        {"CORS_ORIGINS": "https://*.example"},
        {"CORS_ORIGINS": "https://app.example/path"},
        {"CORS_ORIGINS": "http://app.example"},
        {"CORS_ORIGINS": "null"},
        {"RATE_LIMIT_PER_MINUTE": "-1"},
    ],
    ids=str,
)
def test_settings_that_would_open_a_door_keep_the_process_from_starting(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    with pytest.raises(ValidationError), api_world(tmp_path, **settings):
        pass
