"""Every error as an RFC 9457 problem: what routes raise, what the framework raises, and what nobody expected."""

from __future__ import annotations

import json
import math
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import logs
from shared.datasets import TRIGGER_WORD_PATTERN
from shared.edge import where_it_happened
from shared.errors import BodyTooSlow, InvalidRequest, PayloadTooLarge, ProductError, TrainingNotFound, Unauthenticated
from shared.problems import MEDIA_TYPE, http_problem, problem
from shared.remedies import Remedy
from shared.shoots import ID_PATTERN

# How many mistakes in a request are told, and how many characters of where each is and of what it is.
MISTAKES = 10
MISTAKE = 200

# What a regular expression asks for, for people.
_PATTERNS = {
    TRIGGER_WORD_PATTERN: "has to be 1 to 50 letters, digits, spaces, - and _, with a letter, digit or _ at both ends",
    ID_PATTERN: "has to be 1 to 128 letters of a to z, digits, - and _, with a letter or digit first",
}

# What pydantic finds wrong, for people.
_MISTAKES = {
    "missing": "is missing",
    "extra_forbidden": "is not known here: leave it out, or look how it is written",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length:,} characters",
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
    "less_than": "must be less than {lt}",
}

_WORDS = {"type": "string"}
_MEMBERS = {
    "type": _WORDS,
    "title": _WORDS,
    "status": {"type": "integer"},
    "detail": _WORDS,
    "code": _WORDS,
    "retryable": {"type": "boolean"},
    "remedy": {"enum": list(Remedy), "description": "What helps: buttons and advice are made of it"},
    "details": {"type": "object"},
    "instance": _WORDS,
}

PROBLEM: dict[str, Any] = {
    "description": "What went wrong, with a stable `code` and a sentence that says what to do.",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": [name for name in _MEMBERS if name not in ("details", "instance")],
                "properties": _MEMBERS,
                "examples": [problem(TrainingNotFound(id="t_1"), instance="/v1/trainings/t_1")],
            }
        }
    },
}
"""How the OpenAPI document describes an answer that is a problem."""


class ProblemResponse(JSONResponse):
    """A problem as an answer: in ASCII, because it may quote halves of characters, which no UTF-8 can hold."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """The document as JSON."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def problem_answer(error: ProductError, path: str) -> JSONResponse:
    """The answer to a request for `path` that ended in `error`."""
    headers = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if (wait_s := error.facts.get("retry_after_s")) is not None:
        headers["Retry-After"] = str(math.ceil(wait_s))
    if isinstance(error, PayloadTooLarge | BodyTooSlow):
        headers["Connection"] = "close"  # the rest of the body is not read
    return ProblemResponse(problem(error, instance=path), error.status, headers)


def answer_with_problems(app: FastAPI) -> None:
    """Make problems of everything that the app's routes, its validation and its routing raise."""
    app.add_exception_handler(ProductError, _on_product_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, on_http_error)


def _on_product_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProductError)
    if error.status >= 500:
        logs.error("request_failed", code=error.code, path=request.url.path)
    return problem_answer(error, request.url.path)


def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    mistakes = error.errors()
    reasons = [f"{_place(mistake)}: {_said(mistake)[:MISTAKE]}" for mistake in mistakes[:MISTAKES]]
    if len(mistakes) > MISTAKES:
        reasons.append(f"and {len(mistakes) - MISTAKES:,} more")
    return problem_answer(InvalidRequest(reason="; ".join(reasons)), request.url.path)


def _said(mistake: dict[str, Any]) -> str:
    facts = mistake.get("ctx", {})
    if mistake["type"] == "string_too_short" and facts["min_length"] == 1:
        return "must not be empty"
    words = _MISTAKES.get(mistake["type"])
    return words.format_map(facts) if words else _PATTERNS.get(facts.get("pattern")) or str(mistake["msg"])


def _place(mistake: dict[str, Any]) -> str:
    return ".".join(str(part) for part in mistake["loc"][1:])[:MISTAKE] or "body"


def on_http_error(request: Request, error: Exception) -> JSONResponse:
    """The answer to what the framework raises."""
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, ProductError):  # FastAPI's own, around what was raised while it read the body
        return _on_product_error(request, error.__cause__)
    document = http_problem(error.status_code, str(error.detail), instance=request.url.path)
    return ProblemResponse(document, error.status_code, error.headers)


class UnexpectedErrors:
    """ASGI middleware that ends what nobody expected: logged once, and answered without a word about its cause.

    It stands where Starlette's own would, because that one raises again after its answer, and functions-framework
    would then log the error a second time and answer a second time.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Stand around `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through; what has begun to be answered can only be cut off."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # the outermost edge
            if begun or scope["type"] != "http":
                raise
            logs.error(
                "request_crashed", path=scope["path"], error=type(error).__name__, stack=where_it_happened(error)
            )
            await problem_answer(ProductError(), scope["path"])(scope, receive, send)
