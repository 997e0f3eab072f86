"""Puts every request of the API on its road: its lines in the log say which, and its messages go on from there."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import tracing
from shared.edge import Edge


class Traced:
    """ASGI middleware, outermost."""

    def __init__(self, app: ASGIApp, *, edge: Edge) -> None:
        """Stand around `app`, at the function's `edge`."""
        self._app = app
        self._edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through; its span is named by the route that it took."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        async with self._edge.answering(Headers(scope=scope)):
            await self._app(scope, receive, watched)
            route = getattr(scope.get("route"), "path", "unknown")
            tracing.rename(f"{scope['method']} {route}", **{"http.response.status_code": str(status)})
