"""The API as one ASGI app: routes, and every error as a problem document."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from functions.api import models, shoots, trainings
from functions.api.auth import refuse_open_door
from shared import bootstrap, logs
from shared.errors import InvalidRequest, ProductError
from shared.problems import MEDIA_TYPE, problem

_DESCRIPTION = """\
Train a LoRA from a shoot, follow it, and keep the model. Errors are RFC 9457 problems with a stable `code`.
"""

_PROBLEM = {
    "description": "What went wrong, with a stable `code` and a sentence that says what to do.",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail", "code", "retryable"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                    "retryable": {"type": "boolean"},
                    "details": {"type": "object"},
                    "instance": {"type": "string"},
                },
            }
        }
    },
}


def create_app() -> FastAPI:
    """The app; refuses to be made where its settings would let anybody at real data."""
    refuse_open_door(bootstrap.api_settings(), bootstrap.store_settings())
    app = FastAPI(
        title="Costumes LoRA",
        version="1.0.0",
        description=_DESCRIPTION,
        redirect_slashes=False,
        responses={"4XX": _PROBLEM, "503": _PROBLEM},
    )
    for routes in (shoots, trainings, models):
        app.include_router(routes.router)
    app.add_api_route("/healthz", healthz, tags=["operations"])
    app.add_exception_handler(ProductError, _on_product_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    return app


def healthz() -> dict[str, str]:
    """Whether this process answers; it asks nobody else."""
    return {"status": "ok"}


def _answer(body: dict[str, Any], status: int) -> JSONResponse:
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE)


def _on_product_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProductError)
    if error.status >= 500:
        logs.error("request_failed", code=error.code, path=request.url.path)
    return _answer(problem(error, instance=request.url.path), error.status)


def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    reasons = [f"{'.'.join(str(part) for part in e['loc'][1:]) or 'body'}: {e['msg']}" for e in error.errors()]
    return _answer(problem(InvalidRequest(reason="; ".join(reasons)), instance=request.url.path), 422)


def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    body = {
        "type": f"urn:costumes-lora:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": error.status_code,
        "detail": f"{error.detail}: see /openapi.json for what there is.",
        "code": code,
        "retryable": False,
        "instance": request.url.path,
    }
    return _answer(body, error.status_code)
