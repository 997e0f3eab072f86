"""What the webhook is compared with: a function on the same framework that reads the body and answers "ok"."""

from __future__ import annotations

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


@functions_framework.aio.http
async def ok(request: Request) -> Response:
    """The least that a function can do."""
    await request.body()
    return JSONResponse({"status": "ok"})
