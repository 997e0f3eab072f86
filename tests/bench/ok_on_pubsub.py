"""What the webhook is compared with on Pub/Sub: the least that publishes what it was sent, and then answers "ok"."""

from __future__ import annotations

import os
from functools import cache

import functions_framework.aio
from anyio import to_thread
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import BatchSettings
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


@functions_framework.aio.http
async def ok(request: Request) -> Response:
    """Publish the body, as the client's documentation has it, and wait until Pub/Sub took it."""
    body = await request.body()
    await to_thread.run_sync(lambda: _client().publish(os.environ["TOPIC"], body).result())
    return JSONResponse({"status": "ok"})


@cache
def _client() -> PublisherClient:
    return PublisherClient(batch_settings=BatchSettings(max_messages=1))
