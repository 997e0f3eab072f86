"""The receiver of notifications over real HTTP: signed as the specification says, and what its answers mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from shared.adapters.clock import SystemClock
from shared.adapters.memory import FixedClock
from shared.adapters.standard_webhooks import WebhookReceiver
from shared.environment import UnreadableSettingsError
from shared.errors import NotificationRefused, NotificationUndelivered
from shared.settings import NotifySettings
from tests.scripted_server import Reply, ScriptedServer, scripted_server

# The specification's own example of a message, and a key of its libraries' tests.
SECRET = "whsec_MfKQ9r8GKYqUTwjUPD8ILPZIo2LaLaSw"
OTHER = f"whsec_{base64.b64encode(b'another secret of 24 bytes').decode()}"
MESSAGE_ID = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"
AT = 1674087231
BODY = '{"type":"contact.created","timestamp":"2022-11-03T20:26:10.344522Z","data":{"id":"1f81eb52"}}'


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server(lambda asked: Reply(status=204)) as server:
        yield server


def receiver(server: ScriptedServer, *secrets: str, timeout_s: float = 5.0) -> WebhookReceiver:
    return WebhookReceiver(f"{server.url}/hook/?to=chat", secrets or (SECRET,), SystemClock(), timeout_s=timeout_s)


def test_a_notification_is_signed_as_the_specification_says(server: ScriptedServer) -> None:
    clock = FixedClock(datetime.fromtimestamp(AT, UTC))
    WebhookReceiver(server.url, (SECRET,), clock, timeout_s=5.0).post(MESSAGE_ID, BODY)
    (asked,) = server.asked
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = hmac.new(key, f"{MESSAGE_ID}.{AT}.{BODY}".encode(), hashlib.sha256).digest()
    assert asked.headers["webhook-id"] == MESSAGE_ID
    assert asked.headers["webhook-timestamp"] == str(AT)
    assert asked.headers["webhook-signature"] == f"v1,{base64.b64encode(signed).decode()}"
    assert (asked.method, asked.body, asked.headers["content-type"]) == ("POST", BODY.encode(), "application/json")


def test_the_specifications_own_library_verifies_it(server: ScriptedServer) -> None:
    receiver(server).post("t_1-6-failed", '{"type":"training.failed","data":{"sentence":"Schön – zu wenige."}}')
    (asked,) = server.asked
    assert asked.target == "/hook/?to=chat", "the address is used as it was set, to its last slash"
    assert Webhook(SECRET).verify(asked.body, dict(asked.headers))["type"] == "training.failed"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(asked.body + b" ", dict(asked.headers))


def test_while_a_secret_is_changed_either_verifies(server: ScriptedServer) -> None:
    receiver(server, OTHER, SECRET).post("t_1-6-failed", BODY)
    (asked,) = server.asked
    for secret in (OTHER, SECRET):
        Webhook(secret).verify(asked.body, dict(asked.headers))


@pytest.mark.parametrize("status", [500, 502, 503, 404, 408, 425, 429])
def test_an_answer_of_the_moment_is_tried_again(server: ScriptedServer, status: int) -> None:
    server.script = lambda asked: Reply(status=status)
    with pytest.raises(NotificationUndelivered, match=f"HTTP {status}"):
        receiver(server).post("t_1-6-failed", BODY)


@pytest.mark.parametrize("status", [400, 401, 403, 405, 410, 422])
def test_an_answer_for_good_is_a_refusal(server: ScriptedServer, status: int) -> None:
    server.script = lambda asked: Reply(status=status)
    with pytest.raises(NotificationRefused, match=f"HTTP {status}"):
        receiver(server).post("t_1-6-failed", BODY)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(server: ScriptedServer, status: int) -> None:
    server.script = lambda asked: Reply(status=status, headers={"Location": f"{server.url}/elsewhere"})
    with pytest.raises(NotificationRefused):
        receiver(server).post("t_1-6-failed", BODY)
    assert [asked.target for asked in server.asked] == ["/hook/?to=chat"]


def test_an_answer_that_drips_is_not_waited_for_longer_than_allowed(server: ScriptedServer) -> None:
    drips = [b"HTTP/1.1 200 OK\r\n", *[b"x-more: y\r\n"] * 40]
    server.script = lambda asked: Reply(raw=True, body=drips, pause_s=0.05)
    with pytest.raises(NotificationUndelivered, match="Timeout"):
        receiver(server, timeout_s=0.3).post("t_1-6-failed", BODY)


def test_an_endless_body_is_not_read(server: ScriptedServer) -> None:
    server.script = lambda asked: Reply(status=200, body=b"", length=1 << 40)
    receiver(server).post("t_1-6-failed", BODY)


def test_a_connection_that_breaks_is_tried_again(server: ScriptedServer) -> None:
    server.script = lambda asked: Reply(drop=True)
    with pytest.raises(NotificationUndelivered):
        receiver(server).post("t_1-6-failed", BODY)


def test_nothing_is_sent_unsigned(server: ScriptedServer) -> None:
    with pytest.raises(NotificationRefused, match="NOTIFY_SECRET"):
        WebhookReceiver(server.url, (), SystemClock(), timeout_s=5.0).post("t_1-6-failed", BODY)
    assert server.asked == []


def test_the_address_is_https_or_this_machine() -> None:
    for url in ("https://hooks.example/x/", "http://127.0.0.1:9000/hook"):
        assert NotifySettings(notify_url=url).notify_url == url
    for url in ("http://hooks.example/x", "ftp://hooks.example", "hooks.example"):
        with pytest.raises(UnreadableSettingsError, match="must be https"):
            NotifySettings(notify_url=url)


@pytest.mark.parametrize("secret", ["hunter2", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64", f"{SECRET} whsec_x"])
def test_a_secret_that_signs_nothing_well_is_refused_and_not_quoted(secret: str) -> None:
    with pytest.raises(UnreadableSettingsError, match="24 to 64 random bytes") as refused:
        NotifySettings(notify_secret=SecretStr(secret))
    assert secret not in str(refused.value) or secret == "whsec_"


def test_two_secrets_are_two() -> None:
    assert NotifySettings(notify_secret=SecretStr(f"{OTHER} {SECRET}")).secrets == (OTHER, SECRET)
