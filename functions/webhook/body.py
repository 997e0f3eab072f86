"""The body of a callback, in time and within bounds: nobody may keep us reading."""

from __future__ import annotations

import asyncio
import re

from starlette.requests import ClientDisconnect, Request

from shared.errors import InvalidRequest, PayloadTooLarge
from shared.settings import WebhookSettings

_LENGTH = re.compile(r"[0-9]{1,20}")


async def read_body(request: Request, settings: WebhookSettings) -> bytes:
    """The whole body. `PayloadTooLarge` before more than the maximum is read, `InvalidRequest` where it stays out."""
    maximum, limit_s = settings.webhook_max_bytes, settings.webhook_body_timeout_s
    announced = request.headers.get("content-length", "")
    if _LENGTH.fullmatch(announced) and int(announced) > maximum:
        raise PayloadTooLarge(maximum=maximum)
    try:
        async with asyncio.timeout(limit_s):
            return await _bounded(request, maximum)
    except TimeoutError as error:
        raise InvalidRequest(reason=f"its body took longer than {limit_s:g} seconds") from error
    except ClientDisconnect as error:
        raise InvalidRequest(reason="its body ended early") from error


async def _bounded(request: Request, maximum: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > maximum:
            raise PayloadTooLarge(maximum=maximum)
    return bytes(body)
