"""What stands around every route of the API: headers, other origins, request forgery, and the size of bodies.

All of it is plain ASGI, so that streams stay streams. From the outside in: headers on every answer; on one's own
machine the Host; other origins' preflights; errors that nobody expected; forged requests; bodies. Who asks, and how
often, is checked after that by the routes (functions/api/auth.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.api.problem_answers import UnexpectedErrors, problem_answer
from shared.errors import BodyTooSlow, NotAllowed, PayloadTooLarge, ProductError
from shared.settings import ApiSettings, AuthMode, DatasetSettings, StoreSettings, is_loopback

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_DIGITS = 18
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REQUEST_HEADERS = ("Authorization", "Idempotency-Key", "Last-Event-ID")
ANSWER_HEADERS = ("Location", "Retry-After", "WWW-Authenticate")

_API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_PAGE_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: {images}; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_ONLY_HTTPS = "max-age=31536000"


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How many bytes a body may have, and in how many seconds all of it has to be there."""

    max_bytes: int
    max_s: float


def protect(app: FastAPI, api: ApiSettings, store: StoreSettings, dataset: DatasetSettings) -> None:
    """Put everything around `app`; what is added last stands outermost."""
    app.add_middleware(
        BodyLimit,
        body=Bounds(max_bytes=api.max_body_bytes, max_s=api.body_timeout_s),
        file=Bounds(max_bytes=dataset.max_image_bytes, max_s=api.file_timeout_s),
    )
    if api.auth_mode is not AuthMode.FIREBASE:
        app.add_middleware(SameOrigin, trusted=api.cors_origins)
    app.add_middleware(UnexpectedErrors)
    if api.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=api.cors_origins,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=ANSWER_HEADERS,
        )
    if api.auth_mode is AuthMode.LOCAL:
        app.add_middleware(LoopbackHost)
    emulator = (store.storage_emulator_url,) if store.storage_emulator_url else ()
    app.add_middleware(SecurityHeaders, image_origins=(*api.image_origins, *emulator))


class SecurityHeaders:
    """Tells browsers, on every answer, to run and embed nothing, and pages to load nothing but our own.

    Answers are kept by nobody where the route does not say otherwise: they are about people, and some hold signed URLs.
    """

    def __init__(self, app: ASGIApp, *, image_origins: Collection[str]) -> None:
        """Pages may show pictures from `image_origins`, too."""
        self._app = app
        self._page_policy = _PAGE_POLICY.format(images=" ".join(image_origins)).replace(" ;", ";")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers when the answer starts."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), https=_is_https(scope))
            await send(message)

        await self._app(scope, receive, with_headers)

    def _add(self, headers: MutableHeaders, *, https: bool) -> None:
        headers.update(_ALWAYS)
        is_page = headers.get("content-type", "").startswith("text/html")
        headers["Content-Security-Policy"] = self._page_policy if is_page else _API_POLICY
        headers.setdefault("Cache-Control", "no-store")
        if https:
            headers["Strict-Transport-Security"] = _ONLY_HTTPS


def _is_https(scope: Scope) -> bool:
    """Whether the browser came by https; the load balancer ends TLS and tells. A lie only harms whoever tells it."""
    return scope.get("scheme") == "https" or Headers(scope=scope).get("x-forwarded-proto") == "https"


class LoopbackHost:
    """Refuses requests that name another host than this machine: for the mode that believes everybody.

    A page on the internet can let its own name point to 127.0.0.1 (DNS rebinding) and is then, to the browser, of
    one origin with us: only the Host header tells. It also keeps the API closed on a public tunnel to this machine,
    as fal.ai's callbacks need one.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Stand around `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it through, or answer 403."""
        if scope["type"] == "http" and not self._is_ours(Headers(scope=scope).getlist("host")):
            error = NotAllowed(reason="with AUTH_MODE=local the API answers at localhost and 127.0.0.1 only")
            await problem_answer(error, scope["path"])(scope, receive, send)
            return
        await self._app(scope, receive, send)

    @staticmethod
    def _is_ours(hosts: list[str]) -> bool:
        try:
            return len(hosts) == 1 and is_loopback(f"http://{hosts[0]}") and "@" not in hosts[0]
        except ValueError:
            return False


class SameOrigin:
    """Refuses changes that another site's page asks a browser for (request forgery).

    Behind Identity-Aware Proxy a cookie says who asks, and on one's own machine nothing does: browsers would let any
    page use that. They tell where a request is from, in `Sec-Fetch-Site` or else in `Origin`; what is no browser sends
    neither and is let through, having nobody's cookies. It is the method of Go's `http.CrossOriginProtection`. With
    Firebase this is not needed: no page has another's token.
    """

    def __init__(self, app: ASGIApp, *, trusted: Collection[str]) -> None:
        """Pages of the `trusted` origins may ask for changes, too."""
        self._app = app
        self._trusted = frozenset(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it through, or answer 403."""
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS and self._is_foreign(Headers(scope=scope)):
            error = NotAllowed(reason="a page of another site may not change anything here")
            await problem_answer(error, scope["path"])(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_foreign(self, headers: Headers) -> bool:
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin in self._trusted:
            return False
        if site is not None:
            return site not in ("same-origin", "none")
        return origin is not None and _host_of(origin) != headers.get("host")


def _host_of(origin: str) -> str | None:
    """The origin without its scheme, which only the load balancer knows; None where it is no origin."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


class BodyLimit:
    """Refuses bodies that are too large, before they are read whole, by what they announce and by what they are; and
    those that do not arrive in time.

    A PUT carries a file, up to the largest picture that is taken; its route sets the limit for the kind of file.
    """

    def __init__(self, app: ASGIApp, *, body: Bounds, file: Bounds) -> None:
        """What bodies may be, and what those of PUT may be."""
        self._app = app
        self._body = body
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it through, or answer 413, or let the reading of the body end in `PayloadTooLarge` or `BodyTooSlow`."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bounds = self._file if scope["method"] == "PUT" else self._body
        announced = Headers(scope=scope).get("content-length", "0")
        if len(announced) > MAX_DIGITS or (announced.isdecimal() and int(announced) > bounds.max_bytes):
            await problem_answer(PayloadTooLarge(maximum=bounds.max_bytes), scope["path"])(scope, receive, send)
            return
        body = _Body(receive, send, bounds)
        await self._app(scope, body.receive, body.send)


class _Body:
    """One request as its app reads and answers it. A body that goes on after the answer began is hung up on."""

    def __init__(self, receive: Receive, send: Send, bounds: Bounds) -> None:
        self._receive, self._send, self._bounds = receive, send, bounds
        self._ends_at: float | None = asyncio.get_running_loop().time() + bounds.max_s
        self._received = 0
        self._answered = False

    async def receive(self) -> Message:
        """The next message; the time is up only while more of the body is to come."""
        try:
            async with asyncio.timeout_at(self._ends_at):
                message = await self._receive()
        except TimeoutError:
            return self._refused(BodyTooSlow(limit_s=self._bounds.max_s))
        self._received += len(message.get("body", b""))
        if not message.get("more_body"):
            self._ends_at = None
        if self._received > self._bounds.max_bytes:
            return self._refused(PayloadTooLarge(maximum=self._bounds.max_bytes))
        return message

    async def send(self, message: Message) -> None:
        """Pass the answer on."""
        self._answered = True
        await self._send(message)

    def _refused(self, error: ProductError) -> Message:
        if self._answered:
            return {"type": "http.disconnect"}
        raise error
