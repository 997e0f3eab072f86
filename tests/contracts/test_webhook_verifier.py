"""fal.ai's callbacks, and what is not one: real signatures, and keys fetched over real HTTP (fal.md §2)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.local.fal_simulator.signing import signed_headers
from shared.adapters.fal.webhooks import FalWebhookVerifier
from shared.errors import WebhookForged, WebhookKeysUnavailable
from shared.settings import FalSettings, WebhookSettings
from tests.scripted_server import Asked, Reply, ScriptedServer, scripted_server

BODY = b'{"request_id": "r-1", "status": "OK", "payload": {"n": 1.0}}'


@dataclass
class HandClock:
    """A clock that a test sets."""

    at: datetime = field(default_factory=lambda: datetime(2026, 11, 22, 12, 0, tzinfo=UTC))

    def now(self) -> datetime:
        """The time."""
        return self.at

    def pass_(self, **span: float) -> None:
        """Let time pass."""
        self.at += timedelta(**span)


@dataclass
class Fal:
    """Both sides: fal.ai's key with its JWKS, and our verifier."""

    server: ScriptedServer
    clock: HandClock
    settings: FalSettings
    webhook: WebhookSettings
    verifier: FalWebhookVerifier
    key: Ed25519PrivateKey

    def signed(self, *, body: bytes = BODY, user: str = "u-1", age_s: float = 0, **changes: str) -> dict[str, str]:
        """The headers of a good callback, with changes by the last word of their names."""
        headers = signed_headers(
            self.key,
            request_id="r-1",
            user_id=user,
            timestamp=int(self.clock.now().timestamp() - age_s),
            body=body,
        )
        return headers | {f"X-Fal-Webhook-{name.replace('_', '-').title()}": value for name, value in changes.items()}

    def verify(self, headers: Mapping[str, str], body: bytes, verifier: FalWebhookVerifier | None = None) -> str:
        """What the verifier, or another one, finds in a callback."""
        return asyncio.run((verifier or self.verifier).verify(headers, body))

    def publish(self, *keys: Ed25519PrivateKey) -> None:
        """Serve these keys."""
        self.server.script = lambda asked: jwks(*keys)

    @property
    def asked(self) -> int:
        """How often the keys were fetched."""
        return len(self.server.asked)


def jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    """The public key as the JWKS has it, without padding."""
    x = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "x": x}


def jwks(*keys: Ed25519PrivateKey) -> Reply:
    """The answer with these keys."""
    return Reply(body=json.dumps({"keys": [jwk(key) for key in keys]}).encode())


def verifier_of(server: ScriptedServer, clock: HandClock, **changes: Any) -> FalWebhookVerifier:
    """A verifier that has fetched nothing yet."""
    settings = FalSettings(fal_jwks_url=f"{server.url}/jwks.json", **changes)
    return FalWebhookVerifier(settings, WebhookSettings(webhook_keys_timeout_s=0.5), clock)


@pytest.fixture
def fal() -> Iterator[Fal]:
    key, clock = Ed25519PrivateKey.generate(), HandClock()
    with scripted_server(lambda asked: jwks(key)) as server:
        settings = FalSettings(fal_jwks_url=f"{server.url}/jwks.json")
        webhook = WebhookSettings(webhook_keys_timeout_s=0.5)
        yield Fal(server, clock, settings, webhook, FalWebhookVerifier(settings, webhook, clock), key)


def test_a_signed_callback_tells_its_request_id_and_the_keys_are_fetched_once(fal: Fal) -> None:
    for _ in range(3):
        assert fal.verify(fal.signed(), BODY) == "r-1"
    assert fal.asked == 1
    assert fal.server.asked[0].target == "/jwks.json"


def test_the_message_is_the_headers_as_they_came_and_the_digest_of_the_raw_body(fal: Fal) -> None:
    timestamp = str(int(fal.clock.now().timestamp()))
    message = f"r-1\nu-1\n{timestamp}\n{hashlib.sha256(BODY).hexdigest()}".encode()
    headers = fal.signed() | {"X-Fal-Webhook-Signature": fal.key.sign(message).hex().upper()}
    assert fal.verify(headers, BODY) == "r-1"


def test_header_names_are_of_any_case(fal: Fal) -> None:
    assert fal.verify({name.lower(): value for name, value in fal.signed().items()}, BODY) == "r-1"
    assert fal.verify({name.upper(): value for name, value in fal.signed().items()}, BODY) == "r-1"


def test_an_empty_body_can_be_signed_too(fal: Fal) -> None:
    assert fal.verify(fal.signed(body=b""), b"") == "r-1"


@pytest.mark.parametrize("body", [BODY + b" ", BODY.replace(b"1.0", b"1"), b"", BODY[:-1]])
def test_a_body_that_was_changed_is_forged(fal: Fal, body: bytes) -> None:
    with pytest.raises(WebhookForged, match="fits none"):
        fal.verify(fal.signed(), body)


@pytest.mark.parametrize("changes", [{"request_id": "r-2"}, {"user_id": "u-2"}, {"signature": "00" * 64}])
def test_a_header_that_was_changed_is_forged(fal: Fal, changes: dict[str, Any]) -> None:
    with pytest.raises(WebhookForged, match="fits none"):
        fal.verify(fal.signed(**changes), BODY)


def test_a_timestamp_that_was_refreshed_is_forged(fal: Fal) -> None:
    refreshed = str(int(fal.clock.now().timestamp()))
    with pytest.raises(WebhookForged, match="fits none"):
        fal.verify(fal.signed(age_s=400, timestamp=refreshed), BODY)


@pytest.mark.parametrize("name", ["Request-Id", "User-Id", "Timestamp", "Signature"])
def test_a_missing_or_doubled_or_odd_header_is_forged_and_asks_for_no_keys(fal: Fal, name: str) -> None:
    good = fal.signed()
    full = f"X-Fal-Webhook-{name}"
    without = {key: value for key, value in good.items() if key != full}
    doubled = {**good, full.lower(): good[full]}
    joined = {**good, full: f"{good[full]}, {good[full]}"}
    for headers in (without, doubled, joined, *({**good, full: odd} for odd in ("", "a\nb", "ü", "x" * 600))):
        with pytest.raises(WebhookForged):
            fal.verify(headers, BODY)
    assert fal.asked == 0


@pytest.mark.parametrize("signature", ["zz" * 64, "00" * 63, "00" * 65, " " + "00" * 64, "0x" + "00" * 63, "٣" * 128])
def test_a_signature_that_is_no_hexadecimal_is_forged_and_asks_for_no_keys(fal: Fal, signature: str) -> None:
    with pytest.raises(WebhookForged):
        fal.verify(fal.signed(signature=signature), BODY)
    assert fal.asked == 0


@pytest.mark.parametrize(
    "timestamp", ["now", "1.5", "-1", "+1764000000", " 1764000000", "1_764_000_000", "٣", "9" * 40]
)
def test_a_timestamp_that_is_no_number_of_seconds_is_forged(fal: Fal, timestamp: str) -> None:
    with pytest.raises(WebhookForged):
        fal.verify(fal.signed(timestamp=timestamp), BODY)
    assert fal.asked == 0


@pytest.mark.parametrize("age_s", [301, -301, 10**6, -(10**6)])
def test_a_callback_of_another_time_is_forged(fal: Fal, age_s: float) -> None:
    with pytest.raises(WebhookForged, match="too old or too new"):
        fal.verify(fal.signed(age_s=age_s), BODY)
    assert fal.asked == 0


@pytest.mark.parametrize("age_s", [300, -300])
def test_a_callback_at_the_edge_of_the_window_is_taken(fal: Fal, age_s: float) -> None:
    assert fal.verify(fal.signed(age_s=age_s), BODY) == "r-1"


def test_a_pinned_user_is_the_only_one_whose_callbacks_count(fal: Fal) -> None:
    pinned = verifier_of(fal.server, fal.clock, fal_user_id="u-1")
    assert fal.verify(fal.signed(), BODY, pinned) == "r-1"
    with pytest.raises(WebhookForged, match=r"another fal\.ai user"):
        fal.verify(fal.signed(user="u-2"), BODY, pinned)


def test_any_of_the_keys_may_have_signed_and_unusable_ones_are_passed_over(fal: Fal) -> None:
    usable = jwk(fal.key)
    odd: list[Any] = [
        7,
        {},
        {"kty": "RSA", "n": "AQAB"},
        usable | {"crv": "X25519"},
        usable | {"use": "enc"},
        usable | {"x": "AAAA"},
        usable | {"x": None},
        usable | {"x": "ü"},
        usable | {"x": "A"},
        jwk(Ed25519PrivateKey.generate()),
        usable,
    ]
    fal.server.script = lambda asked: Reply(body=json.dumps({"keys": odd}).encode())
    assert fal.verify(fal.signed(), BODY) == "r-1"


def test_a_signature_by_a_key_of_somebody_else_is_forged(fal: Fal) -> None:
    fal.publish(Ed25519PrivateKey.generate())
    with pytest.raises(WebhookForged, match="fits none"):
        fal.verify(fal.signed(), BODY)


NOT_KEYS: Mapping[str, Reply] = {
    "error": Reply(status=500),
    "missing": Reply(status=404, body=b'{"keys": []}'),
    "no JSON": Reply(body=b"<html>"),
    "nested": Reply(body=b"[" * 60_000),
    "no object": Reply(body=b"[]"),
    "no list": Reply(body=b'{"keys": {}}'),
    "no keys": Reply(body=b'{"keys": []}'),
    "no usable key": Reply(body=b'{"keys": [{"kty": "RSA"}]}'),
    "dropped": Reply(drop=True),
    "cut": Reply(body=b'{"keys', length=200),
    "slow to start": Reply(body=b"x", pause_s=1.0),
    "slow to end": Reply(body=[b" "] * 60, length=60, pause_s=0.04),
    "wrongly packed": Reply(body=b"nonsense", headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("name", NOT_KEYS)
def test_without_keys_nobody_can_tell(fal: Fal, name: str) -> None:
    fal.server.script = lambda asked: NOT_KEYS[name]
    started = time.monotonic()
    with pytest.raises(WebhookKeysUnavailable):
        fal.verify(fal.signed(), BODY)
    assert time.monotonic() - started < 1.5, "fal.ai waits 15 s for us"


def test_keys_that_are_too_many_bytes_are_not_read_to_the_end(fal: Fal) -> None:
    padded = jwks(fal.key).body
    assert isinstance(padded, bytes)
    fal.server.script = lambda asked: Reply(body=padded + b" " * (64 << 10))
    with pytest.raises(WebhookKeysUnavailable):
        fal.verify(fal.signed(), BODY)


def test_keys_are_taken_from_the_pinned_address_only(fal: Fal) -> None:
    def script(asked: Asked) -> Reply:
        return jwks(fal.key) if asked.target == "/else" else Reply(status=302, headers={"Location": "/else"})

    fal.server.script = script
    with pytest.raises(WebhookKeysUnavailable, match="HTTP 302"):
        fal.verify(fal.signed(), BODY)
    assert fal.asked == 1


def test_nobody_listening_is_keys_unavailable() -> None:
    clock, key = HandClock(), Ed25519PrivateKey.generate()
    with scripted_server(lambda asked: Reply()) as gone:
        pass
    headers = signed_headers(key, request_id="r", user_id="u", timestamp=int(clock.now().timestamp()), body=b"")
    with pytest.raises(WebhookKeysUnavailable):
        asyncio.run(verifier_of(gone, clock).verify(headers, b""))


def test_while_there_are_no_keys_they_are_asked_for_every_few_seconds_only(fal: Fal) -> None:
    fal.server.script = lambda asked: Reply(status=503)
    for _ in range(5):
        with pytest.raises(WebhookKeysUnavailable, match="HTTP 503"):
            fal.verify(fal.signed(), BODY)
    assert fal.asked == 1
    fal.publish(fal.key)
    fal.clock.pass_(seconds=5)
    assert fal.verify(fal.signed(), BODY) == "r-1"


def test_a_rotated_key_is_found_on_the_first_callback_that_it_signs(fal: Fal) -> None:
    fal.verify(fal.signed(), BODY)
    old, fal.key = fal.key, Ed25519PrivateKey.generate()
    fal.publish(fal.key, old)
    fal.clock.pass_(seconds=60)
    assert fal.verify(fal.signed(), BODY) == "r-1"
    assert fal.asked == 2


def test_forged_callbacks_make_us_ask_at_most_once_a_minute(fal: Fal) -> None:
    fal.verify(fal.signed(), BODY)
    for seconds in (1, 10, 48):
        fal.clock.pass_(seconds=seconds)
        with pytest.raises(WebhookForged):
            fal.verify(fal.signed(signature="00" * 64), BODY)
    assert fal.asked == 1
    for _ in range(5):
        fal.clock.pass_(seconds=12)
        with pytest.raises(WebhookForged):
            fal.verify(fal.signed(signature="00" * 64), BODY)
    assert fal.asked == 2
    assert fal.verify(fal.signed(), BODY) == "r-1"


def test_a_key_that_was_withdrawn_counts_no_longer_once_the_keys_are_asked_for(fal: Fal) -> None:
    fal.verify(fal.signed(), BODY)
    fal.publish(Ed25519PrivateKey.generate())
    fal.clock.pass_(hours=24)
    with pytest.raises(WebhookForged):
        fal.verify(fal.signed(), BODY)


def test_keys_count_for_less_than_a_day(fal: Fal) -> None:
    fal.verify(fal.signed(), BODY)
    fal.server.script = lambda asked: Reply(status=503)
    fal.clock.pass_(hours=23, minutes=59)
    assert fal.verify(fal.signed(), BODY) == "r-1"
    assert fal.asked == 1
    fal.clock.pass_(minutes=1)
    with pytest.raises(WebhookKeysUnavailable):
        fal.verify(fal.signed(), BODY)


def test_an_unknown_signature_while_the_keys_cannot_be_asked_for_is_not_called_forged(fal: Fal) -> None:
    """The key may have been rotated: fal.ai has to send it again, and must not be told that it lies."""
    fal.verify(fal.signed(), BODY)
    old, fal.key = fal.key, Ed25519PrivateKey.generate()
    fal.server.script = lambda asked: Reply(status=503)
    fal.clock.pass_(seconds=61)
    for _ in range(3):  # asked once, and the answer holds for the rest of the minute
        with pytest.raises(WebhookKeysUnavailable):
            fal.verify(fal.signed(), BODY)
    assert fal.asked == 2
    new, fal.key = fal.key, old
    assert fal.verify(fal.signed(), BODY) == "r-1", "what the warm keys confirm needs nobody's answer"
    fal.key = new
    fal.publish(new)
    fal.clock.pass_(seconds=60)
    assert fal.verify(fal.signed(), BODY) == "r-1"


def test_many_callbacks_at_once_fetch_the_keys_once(fal: Fal) -> None:
    def slowly(asked: Asked) -> Reply:
        time.sleep(0.1)
        return jwks(fal.key)

    async def eight() -> list[str]:
        return await asyncio.gather(*(fal.verifier.verify(fal.signed(), BODY) for _ in range(8)))

    fal.server.script = slowly
    assert asyncio.run(eight()) == ["r-1"] * 8
    assert fal.asked == 1


def test_while_keys_are_slow_to_come_who_needs_none_waits_for_nobody(fal: Fal) -> None:
    """Forged callbacks must not hold up the real ones."""
    fal.verify(fal.signed(), BODY)
    fal.clock.pass_(seconds=61)
    answered, asked_for = threading.Event(), threading.Event()

    def when_told(asked: Asked) -> Reply:
        asked_for.set()
        answered.wait(5)
        return jwks(fal.key)

    async def real_ones_beside_forged_ones() -> list[str]:
        forged = [asyncio.create_task(fal.verifier.verify(fal.signed(signature="00" * 64), BODY)) for _ in range(50)]
        await asyncio.to_thread(asked_for.wait, 5)
        real = [await fal.verifier.verify(fal.signed(), BODY) for _ in range(3)]
        assert not any(task.done() for task in forged)
        answered.set()
        ends = await asyncio.gather(*forged, return_exceptions=True)
        assert {type(end) for end in ends} <= {WebhookForged, WebhookKeysUnavailable}
        return real

    fal.server.script = when_told
    assert asyncio.run(real_ones_beside_forged_ones()) == ["r-1"] * 3
