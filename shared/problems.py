"""Errors as HTTP answers: RFC 9457 `application/problem+json` with the code of the catalogue."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from shared.errors import ProductError
from shared.remedies import Remedy

MEDIA_TYPE = "application/problem+json"


def problem(error: ProductError, *, instance: str | None = None) -> dict[str, Any]:
    """The problem document of `error`; `details` are the facts of its sentence."""
    return {
        "type": f"urn:costumes-lora:problem:{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        "retryable": error.retryable,
        "remedy": error.remedy,
        **({"details": error.facts} if error.facts else {}),
        **({"instance": instance} if instance else {}),
    }


_CODES = {HTTPStatus.NOT_FOUND: "not_found", HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed"}


def http_problem(status: int, detail: str, *, instance: str) -> dict[str, Any]:
    """The problem document of what a framework refuses: that there is no such route, or not with that method."""
    code = _CODES.get(HTTPStatus(status), "invalid_request")
    return {
        "type": f"urn:costumes-lora:problem:{code}",
        "title": HTTPStatus(status).phrase.capitalize(),
        "status": status,
        "detail": f"{detail}: see /openapi.json for what there is.",
        "code": code,
        "retryable": False,
        "remedy": Remedy.CHANGE_REQUEST,
        "instance": instance,
    }
