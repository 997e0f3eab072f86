"""The keys that fal.ai signs webhooks with, from its JWKS (fal.md §2, Verification)."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence

import httpx
from nacl.signing import VerifyKey

from shared.adapters.fal.deadlines import TimedClient, before
from shared.adapters.fal.wire import read_answer
from shared.errors import WebhookKeysUnavailable

MAX_JWKS_BYTES = 64 << 10
MAX_KEYS = 32


def fetch_signing_keys(url: str, timeout_s: float) -> Sequence[VerifyKey]:
    """Every usable key, at least one; `WebhookKeysUnavailable` where they cannot be had within `timeout_s`.

    No redirect is followed: the address is pinned.
    """
    try:
        with (
            TimedClient(timeout=timeout_s) as client,
            before(time.monotonic() + timeout_s),
            client.stream("GET", url, headers={"Accept": "application/json"}) as response,
        ):
            answer = read_answer(response, max_bytes=MAX_JWKS_BYTES)
    except httpx.HTTPError as error:
        raise WebhookKeysUnavailable(reason=type(error).__name__) from error
    if answer.status != 200:
        raise WebhookKeysUnavailable(reason=f"HTTP {answer.status}")
    keys = usable_keys((answer.json or {}).get("keys"))
    if not keys:
        raise WebhookKeysUnavailable(reason="there is no usable key in the answer")
    return keys


def usable_keys(entries: object) -> Sequence[VerifyKey]:
    """The Ed25519 keys among the entries of a JWKS; what is anything else is passed over."""
    found = (_key(entry) for entry in (entries[:MAX_KEYS] if isinstance(entries, list) else []))
    return tuple(key for key in found if key is not None)


def _key(entry: object) -> VerifyKey | None:
    if not isinstance(entry, dict) or (entry.get("kty"), entry.get("crv")) != ("OKP", "Ed25519"):
        return None
    x = entry.get("x")
    if not isinstance(x, str) or entry.get("use", "sig") != "sig":
        return None
    try:
        return VerifyKey(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))
    except ValueError:
        return None
