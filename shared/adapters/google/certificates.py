"""The public keys that Google signs users' tokens with, fetched once for as long as they are good for."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
from google.auth import transport

from shared.errors import IdentityKeysUnavailable
from shared.ports import Clock

MAX_BYTES = 64 << 10
SHORTEST_S = 60
LONGEST_S = 24 * 60 * 60
RETRY_INTERVAL = timedelta(seconds=5)

_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=([0-9]{1,9})")
_FORBIDS_KEEPING = re.compile(r"no-store|no-cache")


class Document(transport.Response):
    """The keys as google-auth reads an HTTP answer."""

    def __init__(self, data: bytes) -> None:
        """`data` is a JSON object of PEM texts by key id."""
        self._data = data

    @property
    def status(self) -> int:
        """Always 200: what is not is `IdentityKeysUnavailable` before."""
        return 200

    @property
    def headers(self) -> Mapping[str, str]:
        """None that matter."""
        return {}

    @property
    def data(self) -> bytes:
        """The body."""
        return self._data


class CertificateCache(transport.Request):
    """What google-auth fetches keys with, which it does at every call: answers from memory while they are fresh.

    Safe to share between threads: one of them fetches, the others wait. Keys are fresh as long as `Cache-Control` says,
    within a minute and a day. After a failure the next attempt is made five seconds later, so that neither a flood
    of requests nor an outage there makes more traffic than that. `IdentityKeysUnavailable` while there are none.
    """

    def __init__(self, url: str, *, timeout_s: float, clock: Clock) -> None:
        """The keys are those at `url`, whatever google-auth asks for."""
        self._url = url
        self._timeout_s = timeout_s
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[Document, datetime] | None = None
        self._failed: tuple[str, datetime] | None = None

    def __call__(
        self, url: Any, method: Any = "GET", body: Any = None, headers: Any = None, timeout: Any = None, **_: Any
    ) -> Document:
        """The keys; the arguments are google-auth's and say nothing that matters."""
        return self._fresh() or self._fetched()

    def _fresh(self) -> Document | None:
        kept = self._kept
        return kept[0] if kept and self._clock.now() < kept[1] else None

    def _fetched(self) -> Document:
        with self._lock:
            if fresh := self._fresh():  # another thread was faster
                return fresh
            now = self._clock.now()
            if self._failed and now < self._failed[1]:
                raise IdentityKeysUnavailable(reason=self._failed[0])
            try:
                data, fresh_s = fetch(self._url, self._timeout_s)
            except IdentityKeysUnavailable as error:
                self._failed = error.facts["reason"], now + RETRY_INTERVAL
                raise
            self._kept = Document(data), now + timedelta(seconds=fresh_s)
            return self._kept[0]


def fetch(url: str, timeout_s: float) -> tuple[bytes, int]:
    """The keys at `url` and for how many seconds they are fresh; `IdentityKeysUnavailable` where they cannot be had.

    No redirect is followed: the address is pinned.
    """
    try:
        with (
            httpx.Client(timeout=timeout_s, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", url, headers={"Accept": "application/json"}) as response,
        ):
            body = _bounded(response, time.monotonic() + timeout_s)
    except httpx.HTTPError as error:
        raise IdentityKeysUnavailable(reason=type(error).__name__) from error
    if response.status_code != 200:
        raise IdentityKeysUnavailable(reason=f"HTTP {response.status_code}")
    if not _holds_keys(body):
        raise IdentityKeysUnavailable(reason="there are no keys in the answer")
    return body, fresh_for_s(response.headers)


def fresh_for_s(headers: Mapping[str, str]) -> int:
    """How long an answer with these headers may be kept, in seconds."""
    control, age = headers.get("cache-control", "").lower(), headers.get("age", "")
    found = _MAX_AGE.search(control)
    if not found or _FORBIDS_KEEPING.search(control):
        return SHORTEST_S
    spent = int(age) if age.isascii() and age.isdigit() and len(age) < 10 else 0
    return min(max(int(found[1]) - spent, SHORTEST_S), LONGEST_S)


def _bounded(response: httpx.Response, deadline: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            raise httpx.RemoteProtocolError(f"the answer is larger than {MAX_BYTES} bytes")
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the answer took too long as a whole")
    return bytes(body)


def _holds_keys(body: bytes) -> bool:
    """Whether google-auth can use it: PEM texts by key id, and no JWKS, for which it would need another library."""
    try:
        keys = json.loads(body)
    except (ValueError, RecursionError):
        return False
    if not isinstance(keys, dict) or not keys:
        return False
    return all(isinstance(pem, str) and pem.startswith("-----BEGIN ") for pem in keys.values())
