"""GET from fal.ai's media hosts: every hop is checked, and connected to what was checked (design §10)."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import httpx

from shared.adapters.fal.deadlines import TimedClient, before
from shared.adapters.fal.media_hosts import (
    MediaHost,
    Resolve,
    admitted,
    checked_addresses,
    label,
    system_resolve,
)
from shared.errors import ArtifactUnavailable

MAX_REDIRECTS = 5
MAX_ADDRESSES = 4
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a file may take, in seconds, and the pauses before a broken download is continued."""

    connect_s: float = 10.0
    read_s: float = 30.0
    total_s: float = 30 * 60
    pauses_s: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0)


class MediaClient:
    """Speaks to the configured hosts only. Safe to share between threads; connects on first use.

    httpx is given the checked address in place of the name, and the name for TLS and the Host header, so that
    nothing resolves it a second time. No connection is kept: one made for a name must not serve another.
    """

    def __init__(
        self,
        hosts: tuple[MediaHost, ...],
        patience: Patience,
        *,
        resolve: Resolve = system_resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`tls` is who is trusted; the public authorities where it is None."""
        self._hosts = hosts
        self._patience = patience
        self._resolve = resolve
        self._tls = tls

    @cached_property
    def _client(self) -> httpx.Client:
        return TimedClient(tls=self._tls, keep_alive=False, headers={"User-Agent": "costumes-lora"})

    @contextmanager
    def get(self, address: str, headers: Mapping[str, str], *, deadline: float) -> Iterator[httpx.Response]:
        """The answer behind all redirects, its body unread; httpx.TransportError where there is none."""
        url: str | httpx.URL = address
        for _ in range(MAX_REDIRECTS + 1):
            parsed, host = admitted(url, self._hosts)
            response = self._send(parsed, host, headers, deadline)
            try:
                if response.status_code not in _REDIRECTS:
                    yield response
                    return
                url = _target(parsed, response)
            finally:
                response.close()
        raise ArtifactUnavailable(reason=f"{label(parsed)}: more than {MAX_REDIRECTS} redirects")

    def _send(self, url: httpx.URL, host: MediaHost, headers: Mapping[str, str], deadline: float) -> httpx.Response:
        failure: httpx.TransportError = httpx.ConnectError("no address")
        for address in checked_addresses(url, host, self._resolve)[:MAX_ADDRESSES]:
            request = self._client.build_request(
                "GET",
                url.copy_with(host=str(address)),
                headers={**headers, "Host": url.netloc.decode("ascii")},
                timeout=self._timeout(deadline),
                extensions={"sni_hostname": host.host},
            )
            try:
                with before(deadline):
                    return self._client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure

    def _timeout(self, deadline: float) -> httpx.Timeout:
        left = max(0.001, deadline - time.monotonic())
        return httpx.Timeout(min(self._patience.read_s, left), connect=min(self._patience.connect_s, left))

    def close(self) -> None:
        """Close what is open; the next call opens new connections."""
        client = self.__dict__.pop("_client", None)
        if client is not None:
            client.close()


def pieces(response: httpx.Response, *, deadline: float) -> Iterator[bytes]:
    """The body as it comes; httpx.ReadTimeout from `deadline` on, also where it comes byte by byte."""
    body = response.iter_raw()
    while True:
        with before(deadline):
            piece = next(body, None)
        if piece is None:
            return
        yield piece


def _target(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    try:
        return url.join(response.headers["location"])
    except (KeyError, httpx.InvalidURL) as error:
        raise ArtifactUnavailable(reason=f"{label(url)}: it redirects to nowhere") from error
