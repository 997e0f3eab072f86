"""HTTP on which a deadline holds, however little the other side sends at a time, or however much.

httpx bounds each wait for bytes. A server that sends one byte before each of them ends, or one interim answer after
another, keeps its caller for ever: a lock, a thread, a run that was paid for. Here every byte is asked for in time.
"""

from __future__ import annotations

import math
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import httpcore
import httpx

UNPACKED = {"Accept-Encoding": "identity"}

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


@contextmanager
def before(deadline: float) -> Iterator[None]:
    """What this thread sends and receives in the block fails as a timeout from `deadline` (monotonic seconds) on."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


class TimedClient(httpx.Client):
    """A client that heeds `before`, follows no redirect, uses no proxy, and asks for nothing to be packed."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        keep_alive: bool = True,
        headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | float | None = None,
    ) -> None:
        """As `timed_transport` and httpx have them; `timeout` bounds each wait."""
        super().__init__(
            transport=timed_transport(tls, keep_alive=keep_alive),
            headers={**UNPACKED, **(headers or {})},
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
        )

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """As httpx does; httpx.RemoteProtocolError where a redirect, which nobody follows here, names no address."""
        try:
            return super().send(request, **options)
        except httpx.InvalidURL as error:
            raise httpx.RemoteProtocolError("it redirects to nowhere") from error


def timed_transport(tls: ssl.SSLContext | None = None, *, keep_alive: bool = True) -> httpx.HTTPTransport:
    """A transport that heeds `before`, uses no proxy, and trusts `tls` or else the public authorities."""
    context = tls or public_authorities()
    transport = httpx.HTTPTransport(verify=context)
    # httpx has no argument for where its bytes go through
    transport._pool = httpcore.ConnectionPool(
        ssl_context=context, max_keepalive_connections=None if keep_alive else 0, network_backend=_TimedBackend()
    )
    return transport


@cache
def public_authorities() -> ssl.SSLContext:
    """Whom the public trusts; read once, because that takes longer than most calls."""
    return httpx.create_ssl_context(trust_env=False)


def _left(timeout: float | None, over: type[httpcore.TimeoutException]) -> float | None:
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise over("it took too long as a whole")
    return timeout if math.isinf(left) else min(left, math.inf if timeout is None else timeout)


class _TimedBackend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _TimedStream(super().connect_tcp(host, port, left, local_address, socket_options))


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
