"""Entry point of the API: one HTTP function that serves the whole app."""

from __future__ import annotations

from functools import cache

import functions_framework.aio
from fastapi import FastAPI
from starlette.requests import Request

from functions.api.app import create_app


@functions_framework.aio.http  # type: ignore[arg-type]  # it awaits what it gets, and types only Starlette's responses
async def api(request: Request) -> FastAPI:
    """The ASGI app itself: the framework awaits what is returned as a response, so streams stay streams."""
    return _app()


_app = cache(create_app)
