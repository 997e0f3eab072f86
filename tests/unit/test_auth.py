"""Who is asking: real tokens, real signatures, keys over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.identity import LocalAuthenticator
from shared.adapters.memory import FixedClock
from shared.environment import UnreadableSettingsError
from shared.errors import Unauthenticated
from tests.api_world import api_world
from tests.doors import ISSUERS, Door, a_door, authenticator_of
from tests.google_identity import FIREBASE, IAP, bad_tokens, key_server


@pytest.fixture(params=ISSUERS)
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    with a_door(ISSUERS[request.param]) as made:
        yield made


def test_a_good_token_tells_its_user(door: Door) -> None:
    assert door.user_of(door.issuer.token("anna")) == "anna"


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
    claims: dict[str, Any] = {"iat": now + skew_s} if skew_s > 0 else {"iat": now - 3600, "exp": now + skew_s}
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
        "GOOGLE_CLOUD_PROJECT": "p",
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
    with pytest.raises(UnreadableSettingsError), api_world(tmp_path, **settings):
        pass
