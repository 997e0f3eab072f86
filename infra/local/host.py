"""All functions in one process, through functions-framework's own apps, behind one loopback address.

Paths are exact and nothing is ever redirected: fal.ai counts a redirect of its callback as a permanent failure.

    /_push/{function}        Pub/Sub push envelopes, and the scheduler's call of the monitor
    /webhooks/fal/{id}/{n}   fal.ai's callbacks
    /_objects/…              signed URLs of the embedded backend
    everything else          the API
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import uvicorn
from a2wsgi import WSGIMiddleware
from flask import Flask
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.local.dispatcher import Dispatcher, DispatchSettings
from infra.local.lifeline import FLAG, hold_lifeline
from infra.local.objects_app import create_objects_app
from infra.local.servers import FUNCTIONS, source_of
from infra.local.settings import LocalSettings
from infra.local.ticker import Ticker
from shared import bootstrap, serving
from shared.events import SUBSCRIPTIONS
from shared.settings import Backend

if TYPE_CHECKING:
    from a2wsgi.wsgi_typing import WSGIApp

WSGI_THREADS = 16


def load_function(name: str) -> ASGIApp:
    """The function's own app, made by functions-framework from its source and target, as Cloud Run would."""
    app = serving.load_function(name, source_of(name))
    wrapped = WSGIMiddleware(cast("WSGIApp", app), workers=WSGI_THREADS) if isinstance(app, Flask) else app
    return cast("ASGIApp", wrapped)


class Background:
    """What a cloud does beside the functions: delivering messages (embedded backend only) and calling the monitor."""

    def __init__(self, address: str, settings: LocalSettings) -> None:
        """Deliver to the host at `address`."""
        self._address = address
        self._settings = settings

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run until the block ends."""
        embedded = bootstrap.store_settings().backend is Backend.EMBEDDED
        workers: list[Dispatcher | Ticker] = [Ticker(f"{self._address}/_push/monitor", self._settings.tick_s)]
        if embedded:
            workers.append(self._dispatcher())
        for worker in workers:
            worker.start()
        try:
            yield
        finally:
            # in a thread, because what they wait for is served by this event loop
            for worker in reversed(workers):
                await asyncio.to_thread(worker.stop)

    def _dispatcher(self) -> Dispatcher:
        names = {name for subscribers in SUBSCRIPTIONS.values() for name in subscribers}
        endpoints = {name: f"{self._address}/_push/{name}" for name in names}
        back_off = DispatchSettings(min_backoff_s=self._settings.retry_min_s, max_backoff_s=self._settings.retry_max_s)
        return Dispatcher(bootstrap.queue(), endpoints, back_off)


class Host:
    """An ASGI app that hands each request to the function it is for; `background` runs while the server does."""

    def __init__(self, functions: Mapping[str, ASGIApp], objects: ASGIApp | None, background: Background) -> None:
        """Serve `functions` by name and, where there is one, the `objects` app."""
        self._functions = functions
        self._objects = objects
        self._background = background

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run through the server's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        await self._app_for(scope["path"])(scope, receive, send)

    def _app_for(self, path: str) -> ASGIApp:
        if path.startswith("/_push/") and (name := path.removeprefix("/_push/")) in self._functions:
            return self._functions[name]
        if path.startswith("/webhooks/fal/"):
            return self._functions["webhook"]
        if path.startswith("/_objects/") and self._objects is not None:
            return self._objects
        return self._functions["api"]

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self._background.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def create_host(address: str, settings: LocalSettings) -> Host:
    """The host that will listen at `address`, configured by the environment like the functions themselves."""
    embedded = bootstrap.store_settings().backend is Backend.EMBEDDED
    objects = None
    if embedded:
        objects = create_objects_app(bootstrap.store_settings().data_dir / "objects", bootstrap.url_signer())
    return Host({name: load_function(name) for name in FUNCTIONS}, objects, Background(address, settings))


def main() -> None:
    """Serve on a loopback port until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.host", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(FLAG, action="store_true", help="end when standard input closes")
    given = parser.parse_args()
    port = given.port
    if given.lifeline:
        hold_lifeline()
    serving.end_where_unreadable()
    host = create_host(f"http://127.0.0.1:{port}", LocalSettings())
    uvicorn.run(
        host,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
