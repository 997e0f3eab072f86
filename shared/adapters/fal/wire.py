"""HTTP as it is spoken with fal.ai: bounded answers, our key to its own origin, free calls tried again."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import cached_property, partial

import httpx

from shared import logs, tracing
from shared.adapters.fal.answers import Answer
from shared.adapters.fal.deadlines import TimedClient, before
from shared.errors import TrainerUnavailable
from shared.tracing import Kind

MAX_ANSWER_BYTES = 32 << 20
CONNECT_TIMEOUT_S = 10.0
TRANSIENT = frozenset({429, 500, 502, 503, 504})


def read_answer(response: httpx.Response, *, max_bytes: int) -> Answer:
    """Read the whole body; httpx.HTTPError where it is too large, packed or unpacked, or packed as nobody asked for."""
    body = bytearray()
    for chunk in _unpacked(response, max_bytes):
        body += chunk
        if len(body) > max_bytes:
            raise httpx.RemoteProtocolError(f"the answer is larger than {max_bytes} bytes")
    return Answer(status=response.status_code, headers=dict(response.headers), body=bytes(body))


def _unpacked(response: httpx.Response, max_bytes: int) -> Iterator[bytes]:
    """The body in pieces of at most one byte more than `max_bytes`, however small they are when they are packed.

    It is asked for as it is; one that comes in gzip all the same is understood, for a paid answer may not be lost.
    """
    encoding = response.headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        yield from response.iter_raw()
    elif encoding in ("gzip", "deflate"):
        inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        try:
            yield from (inflate.decompress(chunk, max_bytes + 1) for chunk in response.iter_raw())
        except zlib.error as error:
            raise httpx.DecodingError("the answer cannot be unpacked") from error
    else:
        raise httpx.DecodingError("the answer is packed in a way that was not asked for")


def observed(operation: str, exchange: Callable[[], Answer]) -> Answer:
    """What `exchange` gives, which is one request to fal.ai and its answer; how long it took is logged."""
    with tracing.span(f"fal.ai {operation}", Kind.CLIENT):
        return _timed(operation, exchange)


def _timed(operation: str, exchange: Callable[[], Answer]) -> Answer:
    begun = time.monotonic()
    try:
        answer = exchange()
    except httpx.HTTPError as error:
        seconds = round(time.monotonic() - begun, 3)
        logs.warning("trainer_silent", operation=operation, reason=type(error).__name__, seconds=seconds)
        raise
    seconds = round(time.monotonic() - begun, 3)
    logs.info("trainer_answered", operation=operation, http_status=answer.status, seconds=seconds)
    return answer


def own_url(url: object, base: str) -> str | None:
    """`url` where it has the origin of `base`, else None: our key is never sent anywhere else."""
    if not isinstance(url, str):
        return None
    try:
        parsed, ours = httpx.URL(url), httpx.URL(base)
    except (httpx.InvalidURL, UnicodeError):
        return None
    same = (parsed.scheme, parsed.host, parsed.port) == (ours.scheme, ours.host, ours.port)
    return url if same and not parsed.userinfo else None


def rebased(url: httpx.URL | str, base: str) -> httpx.URL:
    """The path and query of `url` under `base`: fal-client only knows fal.ai's own host."""
    ours = httpx.URL(base)
    return ours.copy_with(raw_path=ours.raw_path.rstrip(b"/") + httpx.URL(url).raw_path)


class FreeCalls:
    """Calls that cost nothing and may be repeated, and are: a few times, with pauses."""

    def __init__(self, key: str, *, timeout_s: float, pauses_s: Sequence[float]) -> None:
        """`key` is fal.ai's; there is one more attempt than there are pauses. Nothing is opened yet."""
        self._key = key
        self._timeout_s = timeout_s
        self._pauses_s = pauses_s

    @cached_property
    def _client(self) -> httpx.Client:
        return TimedClient(
            headers={"Authorization": f"Key {self._key}"},
            timeout=httpx.Timeout(self._timeout_s, connect=min(self._timeout_s, CONNECT_TIMEOUT_S)),
        )

    def call(self, operation: str, method: str, url: httpx.URL, *, again_on: Collection[int] = TRANSIENT) -> Answer:
        """The answer, whatever its status; `TrainerUnavailable` where none came. `operation` names it in the log."""
        for pause_s in self._pauses_s:
            with suppress(httpx.HTTPError):
                answer = observed(operation, partial(self._once, method, url))
                if answer.status not in again_on:
                    return answer
            time.sleep(pause_s)
        try:
            return observed(operation, partial(self._once, method, url))
        except httpx.HTTPError as error:
            raise TrainerUnavailable(reason=f"no answer from {url.host}: {type(error).__name__}") from error

    def _once(self, method: str, url: httpx.URL) -> Answer:
        with before(time.monotonic() + self._timeout_s), self._client.stream(method, url) as response:
            return read_answer(response, max_bytes=MAX_ANSWER_BYTES)

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        client = self.__dict__.pop("_client", None)
        if client is not None:
            client.close()
