"""Errors as HTTP answers: RFC 9457 `application/problem+json` with the code of the catalogue."""

from __future__ import annotations

from typing import Any

from shared.errors import ProductError

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
        **({"details": error.facts} if error.facts else {}),
        **({"instance": instance} if instance else {}),
    }
