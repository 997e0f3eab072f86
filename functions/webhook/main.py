"""Entry point of the webhook: fal.ai calls it when a request is done. It answers in milliseconds and only publishes."""

from __future__ import annotations

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from functions.webhook.body import read_body
from functions.webhook.report_result import report_result
from shared import bootstrap, logs
from shared.edge import where_it_happened
from shared.errors import InvalidRequest, ProductError
from shared.problems import MEDIA_TYPE, problem


@functions_framework.aio.http
async def webhook(request: Request) -> Response:
    """200 when the report is durably queued, 401 when it is forged, 503 when fal.ai should call again."""
    async with bootstrap.edge("webhook").answering(request.headers):
        return await _answer(request)


async def _answer(request: Request) -> Response:
    try:
        if request.method != "POST":
            raise InvalidRequest(reason="a callback is a POST")
        body = await read_body(request, bootstrap.webhook_settings())
        verifier, publisher = bootstrap.webhook_verifier(), bootstrap.async_publisher()
        await report_result(request.scope["path"], request.headers, body, verifier=verifier, publisher=publisher)
    except ProductError as error:
        logs.warning("callback_refused", code=error.code)
        return _refused(error)
    except Exception as error:  # noqa: BLE001 - the outermost edge: the framework would print the error's text
        logs.error("function_crashed", error=type(error).__name__, stack=where_it_happened(error))
        return _refused(ProductError())
    return JSONResponse({"status": "ok"})


def _refused(error: ProductError) -> Response:
    """The problem; what is no callback at all, or a trickling one, has its connection closed."""
    headers = {"Connection": "close"} if isinstance(error, InvalidRequest) else None
    return JSONResponse(problem(error), status_code=error.status, media_type=MEDIA_TYPE, headers=headers)
