"""The receiver in docs/notifications.md does what the document says of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.adapters.clock import SystemClock
from shared.adapters.standard_webhooks import WebhookReceiver
from shared.errors import NotificationRefused, NotificationUndelivered
from tests.scripted_server import Asked, Reply, ScriptedServer, scripted_server

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "notifications.md"
SECRET = "whsec_MfKQ9r8GKYqUTwjUPD8ILPZIo2LaLaSw"
BODY = '{"type":"training.succeeded","data":{"sentence":"It is ready.","link":"https://lora.example/trainings/t_1"}}'


@pytest.fixture
def chat() -> Iterator[ScriptedServer]:
    with scripted_server(lambda asked: Reply(status=200)) as server:
        yield server


@pytest.fixture
def receiver(chat: ScriptedServer) -> Iterator[FlaskClient]:
    """The document's own code, with a chat to forward to."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    before = dict(os.environ)
    os.environ.update(NOTIFY_SECRET=f"{SECRET} {SECRET}", CHAT_URL=chat.url)
    try:
        names: dict[str, Any] = {"__name__": "receiver"}
        exec(compile(code, str(DOCUMENT), "exec"), names)
        yield names["app"].test_client()
    finally:
        os.environ.clear()
        os.environ.update(before)


def post(receiver: FlaskClient, secret: str = SECRET) -> None:
    """One notification of ours, to the document's receiver."""

    def pass_on(asked: Asked) -> Reply:
        return Reply(status=receiver.post("/lora", data=asked.body, headers=dict(asked.headers)).status_code)

    with scripted_server(pass_on) as server:
        WebhookReceiver(server.url, (secret,), SystemClock(), timeout_s=5.0).post("t_1-6-succeeded", BODY)


def test_it_passes_the_sentence_on_once(receiver: FlaskClient, chat: ScriptedServer) -> None:
    for _ in range(2):
        post(receiver)
    assert [json.loads(asked.body) for asked in chat.asked] == [
        {"text": "It is ready. https://lora.example/trainings/t_1"}
    ]


def test_it_refuses_what_somebody_else_signed(receiver: FlaskClient, chat: ScriptedServer) -> None:
    with pytest.raises(NotificationRefused):
        post(receiver, secret=f"whsec_{'ab' * 16}")
    assert chat.asked == []


def test_it_is_called_again_where_the_chat_does_not_answer(receiver: FlaskClient, chat: ScriptedServer) -> None:
    chat.script = lambda asked: Reply(status=503)
    with pytest.raises(NotificationUndelivered):
        post(receiver)
    chat.script = lambda asked: Reply(status=200)
    post(receiver)
    assert len(chat.asked) == 2
