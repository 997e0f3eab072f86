"""Whether fal.ai sent a callback: its ED25519 signature, checked against its published keys (fal.md §2)."""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from shared.adapters.fal.signing_keys import fetch_signing_keys
from shared.errors import WebhookForged, WebhookKeysUnavailable
from shared.ports import Clock
from shared.settings import FalSettings, WebhookSettings

REQUEST_ID = "x-fal-webhook-request-id"
USER_ID = "x-fal-webhook-user-id"
TIMESTAMP = "x-fal-webhook-timestamp"
SIGNATURE = "x-fal-webhook-signature"
_SIGNED = (REQUEST_ID, USER_ID, TIMESTAMP, SIGNATURE)

MAX_HEADER_CHARACTERS = 512
REFRESH_INTERVAL = timedelta(minutes=1)
COLD_INTERVAL = timedelta(seconds=5)

_SECONDS = re.compile(r"[0-9]{1,12}")
_HEX_SIGNATURE = re.compile(r"[0-9a-fA-F]{128}")


class FalWebhookVerifier:
    """Fulfils `WebhookVerifier`; fetches keys on first use. Only who needs one that is not known waits for them."""

    def __init__(self, settings: FalSettings, webhook: WebhookSettings, clock: Clock) -> None:
        """The keys come from FAL_JWKS_URL only; FAL_USER_ID, where it is set, must be the sender."""
        self._user_id = settings.fal_user_id
        self._tolerance_s = webhook.webhook_tolerance_s
        self._clock = clock
        self._keys = _KeyCache(settings.fal_jwks_url, webhook, clock)

    async def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        """The request id that fal.ai signed; what is cheap to refuse is refused before any key is fetched."""
        signed = _signed(headers)
        if not _HEX_SIGNATURE.fullmatch(signed[SIGNATURE]):
            raise WebhookForged(reason="the signature is not hexadecimal")
        self._require_recent(signed[TIMESTAMP])
        if self._user_id and signed[USER_ID] != self._user_id:
            raise WebhookForged(reason="it is of another fal.ai user")
        digest = hashlib.sha256(body).hexdigest()
        message = "\n".join((signed[REQUEST_ID], signed[USER_ID], signed[TIMESTAMP], digest)).encode()
        signature = bytes.fromhex(signed[SIGNATURE])
        if not self._keys.recognize(signature, message):
            await asyncio.to_thread(self._keys.require_signature, signature, message)
        return signed[REQUEST_ID]

    def _require_recent(self, timestamp: str) -> None:
        if not _SECONDS.fullmatch(timestamp):
            raise WebhookForged(reason="the timestamp is not a number of seconds")
        if abs(self._clock.now().timestamp() - int(timestamp)) > self._tolerance_s:
            raise WebhookForged(reason="the timestamp is too old or too new")


def _signed(headers: Mapping[str, str]) -> dict[str, str]:
    """The four headers by their names; servers join a doubled one's values with a comma, which ours never contain."""
    found: dict[str, str] = {}
    for key, value in headers.items():
        if (name := key.lower()) in _SIGNED:
            found[name] = f"{found[name]},{value}" if name in found else value
    for name in _SIGNED:
        _require_single(name, found.get(name, ""))
    return found


def _require_single(name: str, value: str) -> None:
    if not value or "," in value:
        raise WebhookForged(reason=f"{name} has to be there once")
    if len(value) > MAX_HEADER_CHARACTERS or not (value.isascii() and value.isprintable()):
        raise WebhookForged(reason=f"{name} is malformed")


class _KeyCache:
    """fal.ai's keys, asked for when they are missing or too old, or when a signature fits none of them.

    A signature that fits no key is forged only where fal.ai answered when it was last asked, at most a minute
    ago: the key may be new. Where it could not be asked nobody can tell, and it will send the callback again.
    It is asked by one thread at a time and at most once a minute (every five seconds while there are no
    keys), so that forged callbacks make no traffic.
    """

    def __init__(self, url: str, webhook: WebhookSettings, clock: Clock) -> None:
        self._url = url
        self._timeout_s = webhook.webhook_keys_timeout_s
        self._max_age = timedelta(seconds=webhook.webhook_keys_max_age_s)
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Sequence[VerifyKey] = ()
        self._fetched_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._failure: str | None = None

    def recognize(self, signature: bytes, message: bytes) -> bool:
        """Whether it fits a key that is known; asks nobody."""
        return _fits(self._warm(), signature, message)

    def require_signature(self, signature: bytes, message: bytes) -> None:
        """Asks fal.ai. `WebhookForged` where it fits no key, `WebhookKeysUnavailable` where nobody can tell now."""
        with self._lock:
            keys = self._warm()  # another thread may have asked in the meantime
            if _fits(keys, signature, message):
                return
            self._ask(REFRESH_INTERVAL if keys else COLD_INTERVAL)
            if self._failure is not None:
                raise WebhookKeysUnavailable(reason=self._failure)
            if not _fits(self._keys, signature, message):
                raise WebhookForged(reason="the signature fits none of fal.ai's keys")

    def _warm(self) -> Sequence[VerifyKey]:
        fetched_at = self._fetched_at
        fresh = fetched_at is not None and self._clock.now() - fetched_at < self._max_age
        return self._keys if fresh else ()

    def _ask(self, interval: timedelta) -> None:
        """Fetch the keys unless that was tried within `interval`; what became of it then still holds."""
        now = self._clock.now()
        if self._asked_at is not None and now - self._asked_at < interval:
            return
        self._asked_at = now
        try:
            self._keys, self._fetched_at, self._failure = (
                fetch_signing_keys(self._url, self._timeout_s),
                now,
                None,
            )
        except WebhookKeysUnavailable as error:
            self._failure = error.facts["reason"]


def _fits(keys: Sequence[VerifyKey], signature: bytes, message: bytes) -> bool:
    return any(_verifies(key, signature, message) for key in keys)


def _verifies(key: VerifyKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(message, signature)
    except BadSignatureError:
        return False
    return True
