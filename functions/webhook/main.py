"""Entry point of the webhook: fal.ai calls it when a request is done. It answers in milliseconds and only publishes."""

from __future__ import annotations

import asyncio

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from functions.webhook.report_result import report_result
from shared import bootstrap, logs
from shared.errors import InvalidRequest, PayloadTooLarge, ProductError
from shared.problems import MEDIA_TYPE, problem


@functions_framework.aio.http
async def webhook(request: Request) -> Response:
    """200 when the report is durably queued, 401 when it is forged, 503 when fal.ai should call again."""
    try:
        if request.method != "POST":
            raise InvalidRequest(reason="a callback is a POST")
        body = await _bounded_body(request, bootstrap.webhook_settings().webhook_max_bytes)
        await asyncio.to_thread(
            report_result,
            request.url.path,
            request.headers,
            body,
            verifier=bootstrap.webhook_verifier(),
            publisher=bootstrap.publisher(),
        )
    except ProductError as error:
        logs.warning("callback_refused", code=error.code)
        return JSONResponse(problem(error), status_code=error.status, media_type=MEDIA_TYPE)
    return JSONResponse({"status": "ok"})


async def _bounded_body(request: Request, maximum: int) -> bytes:
    """The body, refused before it is read whole where it is larger than `maximum` bytes."""
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > maximum:
        raise PayloadTooLarge(maximum=maximum)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > maximum:
            raise PayloadTooLarge(maximum=maximum)
    return bytes(body)
