"""Closing a connection without a word: what an HTTP framework will not do, done on uvicorn's transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState


class DroppableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which hands itself to the application as `scope["state"]["connection"]`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """As uvicorn calls it."""
        super().__init__(config, server_state, {**app_state, "connection": self}, _loop)


class DroppedConnection(Response):
    """Closes the socket without sending a byte: the client cannot know whether it was heard."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Abort, and wait until uvicorn has noticed, or it would answer 500."""
        scope["state"]["connection"].transport.abort()
        await _until_disconnected(receive)


class TruncatedBody(Response):
    """Promises `content_length` bytes, sends those of `body` and closes the connection."""

    def __init__(self, body: AsyncIterator[bytes], content_length: int, media_type: str) -> None:
        """`body` must be shorter than `content_length`."""
        super().__init__(media_type=media_type, headers={"content-length": str(content_length)})
        self._body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what there is, then close once it has left."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for chunk in self._body:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        scope["state"]["connection"].transport.close()
        await _until_disconnected(receive)


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
