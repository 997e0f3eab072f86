"""The webhook's outermost edge: what nobody foresaw is answered, and its text goes nowhere."""

from __future__ import annotations

import asyncio
import json

import pytest
from starlette.requests import Request
from starlette.types import Message

from functions.webhook.main import _answer

SECRET = "https://storage.example/x.zip?signature=secret"


async def _broken() -> Message:
    raise RuntimeError(SECRET)


def test_an_unforeseen_error_is_a_500_that_fal_repeats_and_its_text_is_not_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scope = {"type": "http", "method": "POST", "path": "/webhooks/fal/t_1/n1", "headers": [], "query_string": b""}
    answer = asyncio.run(_answer(Request(scope, _broken)))
    assert answer.status_code == 500
    assert json.loads(bytes(answer.body))["code"] == "internal"
    printed = capsys.readouterr().out
    assert "function_crashed" in printed and "RuntimeError" in printed
    assert SECRET not in printed and SECRET.encode() not in bytes(answer.body)
