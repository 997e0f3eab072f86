"""Routes whose requests are told in the stories of the trainings that they are about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from shared import bootstrap, logs
from shared.errors import ProductError
from shared.narrating import Recording
from shared.stories import Outcome


class ToldRoute(APIRoute):
    """Writes the entry before it answers: afterwards a Cloud Run instance may be without a processor."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own handler, and a listener around it."""
        handler = super().get_route_handler()

        async def told(request: Request) -> Response:
            recording = Recording(bootstrap.clock())
            try:
                with logs.heard_by(recording.hear):
                    response = await handler(request)
            except ProductError as error:
                await _tell(recording, status=error.status, code=error.code)
                raise
            await _tell(recording, status=response.status_code)
            return response

        return told


async def _tell(recording: Recording, *, status: int, code: str | None = None) -> None:
    if any(recording.told()):
        write = bootstrap.narrator("api").write
        await asyncio.to_thread(write, recording, Outcome.ANSWERED, code=code, status=status)
