"""`GET /v1/doctor`: what is well, what is not and what to do, what cannot be told; for operators, without secrets."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from functions.api.checks import Check, examine
from shared import bootstrap
from shared.errors import WebhookForged
from shared.events import CheckRequested
from shared.problems import problem
from tests.api_answers import is_problem, signed_in
from tests.api_world import ApiWorld, api_world
from tests.google_identity import FIREBASE, IAP, key_server
from tests.scripted_server import Asked, Reply, ScriptedServer, scripted_server

NAMES = [
    *("settings", "database", "shoots bucket", "datasets bucket", "models bucket", "thumbnails bucket", "signed URL"),
    *("messaging", "webhook", "fal.ai signing keys", "fal.ai", "fal.ai key", "notifications"),
]
NOWHERE = "http://127.0.0.1:1"


class Outside:
    """What the system meets at its public URL and at fal.ai: the objects of `world`, a webhook, signing keys."""

    def __init__(self, server: ScriptedServer) -> None:
        self.url = server.url
        self.world: ApiWorld | None = None
        self.webhook = Reply(status=401, body=json.dumps(problem(WebhookForged(reason="no signature"))).encode())
        self.keys = Reply(body=b'{"keys": [{"kty": "OKP"}]}')
        self.fal = Reply(status=404)
        self.object: Reply | None = None
        self.environment = {
            **{"PUBLIC_URL": self.url, "FAL_QUEUE_URL": self.url, "FAL_API_URL": self.url},
            **{"FAL_JWKS_URL": f"{self.url}/jwks", "FAL_KEY": "fal-secret"},
        }

    def answer(self, asked: Asked) -> Reply:
        if asked.target.startswith("/_objects/"):
            assert self.world
            return self.object or Reply(body=self.world.fetch(f"{self.url}{asked.target}"))
        if asked.target.startswith("/webhooks/fal/"):
            assert asked.method == "POST"
            return self.webhook
        return self.keys if asked.target == "/jwks" else self.fal


@pytest.fixture
def outside() -> Iterator[Outside]:
    with scripted_server(lambda asked: Reply(status=404)) as server:
        outside = Outside(server)
        server.script = outside.answer
        yield outside


@contextmanager
def world_of(root: Path, outside: Outside, **settings: str) -> Iterator[ApiWorld]:
    with api_world(root, **{**outside.environment, **settings}) as world:
        outside.world = world
        yield world


def seen(world: ApiWorld, name: str) -> dict[str, Any]:
    """How the check of that name went; whatever is not well makes the whole not well."""
    answer = world.client.get("/v1/doctor").json()
    assert answer["ok"] == all(check["ok"] is not False for check in answer["checks"])
    return next(check for check in answer["checks"] if check["name"] == name)


def test_what_is_well_says_so_and_asks_for_nothing(tmp_path: Path, outside: Outside) -> None:
    with world_of(tmp_path, outside) as world:
        answer = world.client.get("/v1/doctor")
        assert answer.status_code == 200
        assert [check["name"] for check in answer.json()["checks"]] == NAMES
        assert {check["name"]: check["ok"] for check in answer.json()["checks"]} == {
            **dict.fromkeys(NAMES, True),
            "fal.ai key": None,
        }
        assert answer.json()["ok"]
        assert {check["advice"] for check in answer.json()["checks"]} == {None}


def test_nothing_is_left_behind(tmp_path: Path, outside: Outside) -> None:
    with world_of(tmp_path, outside) as world:
        world.client.get("/v1/doctor")
        assert list(bootstrap.datasets_bucket().list("")) == []


def test_no_secret_is_in_any_text_whatever_goes_wrong(tmp_path: Path, outside: Outside) -> None:
    outside.webhook = outside.keys = outside.fal = outside.object = Reply(status=500, body=b"fal-secret")
    with world_of(tmp_path, outside) as world:
        text = world.client.get("/v1/doctor").text
    assert '"ok":false' in text
    for secret in ("fal-secret", "signature", "_objects", "?"):
        assert secret not in text.replace("a call without a signature", "")


def test_where_nobody_answers_it_says_who(tmp_path: Path) -> None:
    fal = {"FAL_QUEUE_URL": NOWHERE, "FAL_API_URL": NOWHERE, "FAL_JWKS_URL": f"{NOWHERE}/jwks"}
    with api_world(tmp_path, **fal) as world:
        for name in ("signed URL", "webhook", "fal.ai signing keys", "fal.ai"):
            check = seen(world, name)
            assert check["ok"] is False
            assert check["detail"] == f"{NOWHERE} does not answer (ConnectError)."
            assert check["advice"]
        assert list(bootstrap.datasets_bucket().list("")) == []


def test_a_webhook_that_redirects_is_not_well(tmp_path: Path, outside: Outside) -> None:
    outside.webhook = Reply(status=302, headers={"Location": f"{outside.url}/jwks"})
    with world_of(tmp_path, outside) as world:
        check = seen(world, "webhook")
    assert check["ok"] is False
    assert "302" in check["detail"]
    assert "without a redirect" in check["advice"]


@pytest.mark.parametrize("reply", [Reply(status=200), Reply(status=401, body=b"<html>"), Reply(status=404)])
def test_a_webhook_url_where_somebody_else_answers_is_not_well(tmp_path: Path, outside: Outside, reply: Reply) -> None:
    outside.webhook = reply
    with world_of(tmp_path, outside) as world:
        assert seen(world, "webhook")["ok"] is False


def test_a_webhook_url_that_the_api_is_not_told_cannot_be_judged(tmp_path: Path, outside: Outside) -> None:
    with world_of(tmp_path, outside, PUBLIC_URL="") as world:
        assert seen(world, "webhook")["ok"] is None


@pytest.mark.parametrize("reply", [Reply(status=403), Reply(body=b"another's"), Reply(status=302)])
def test_a_signed_url_that_does_not_lead_to_the_object_is_not_well(
    tmp_path: Path, outside: Outside, reply: Reply
) -> None:
    outside.object = reply
    with world_of(tmp_path, outside) as world:
        assert seen(world, "signed URL")["ok"] is False


@pytest.mark.parametrize("reply", [Reply(status=500), Reply(body=b'{"keys": []}'), Reply(body=b"[" * 70_000)])
def test_signing_keys_that_are_none_are_not_well(tmp_path: Path, outside: Outside, reply: Reply) -> None:
    outside.keys = reply
    with world_of(tmp_path, outside) as world:
        assert seen(world, "fal.ai signing keys")["ok"] is False


def test_a_real_fal_cannot_call_a_machine_of_ones_own(tmp_path: Path, outside: Outside) -> None:
    real = {"FAL_QUEUE_URL": "https://fal.invalid", "FAL_API_URL": "https://fal.invalid"}
    with world_of(tmp_path, outside, **real, FAL_JWKS_URL="https://fal.invalid/jwks") as world:
        check = seen(world, "settings")
    assert check["ok"] is False
    assert f"cannot reach {outside.url}" in check["detail"]
    assert "PUBLIC_URL" in check["advice"]


def test_half_a_simulated_fal_is_a_mistake(tmp_path: Path, outside: Outside) -> None:
    with world_of(tmp_path, outside, FAL_JWKS_URL="https://fal.invalid/jwks") as world:
        assert "some are not" in seen(world, "settings")["detail"]


def test_settings_that_cannot_be_read_are_named_without_what_was_set(tmp_path: Path, outside: Outside) -> None:
    with world_of(tmp_path, outside, FAL_QUEUE_URL="http://secret.example", FAL_TIMEOUT_S="secret") as world:
        check = seen(world, "settings")
        assert check["ok"] is False
        assert "FAL_QUEUE_URL must be https" in check["detail"]
        assert "FAL_TIMEOUT_S" in check["detail"]
        assert "secret" not in json.dumps(check)
        assert seen(world, "fal.ai")["ok"] is None


def test_dead_letters_are_counted(tmp_path: Path, outside: Outside) -> None:
    with world_of(tmp_path, outside) as world:
        queue = bootstrap.queue()
        queue.publish(CheckRequested(training_id="t_1"))
        assert seen(world, "messaging")["detail"] == "Messages waiting: 1, being handled: 0, given up: none."
        for _ in range(bootstrap.delivery_settings().max_delivery_attempts):
            (message,) = queue.lease(limit=1, lease_s=10)
            queue.nack(message, delay_s=0, error="secret")
        check = seen(world, "messaging")
    assert (check["ok"], check["detail"]) == (False, "Messages were given up: 1 for the monitor.")


def test_who_is_notified_is_said_by_its_origin_and_nothing_is_sent(tmp_path: Path, outside: Outside) -> None:
    secret, url = f"whsec_{'ab' * 16}", "https://hooks.example/T0/secret-path"
    with world_of(tmp_path, outside, NOTIFY_URL=url, NOTIFY_SECRET=secret) as world:
        check = seen(world, "notifications")
    assert (check["ok"], check["detail"]) == (True, "Every end is told to https://hooks.example.")


def test_nothing_can_be_told_unsigned(tmp_path: Path, outside: Outside) -> None:
    with world_of(tmp_path, outside, NOTIFY_URL="https://hooks.example") as world:
        check = seen(world, "notifications")
    assert (check["ok"], "NOTIFY_SECRET" in check["advice"]) == (False, True)


def test_a_bucket_that_cannot_be_read_is_not_well(tmp_path: Path, outside: Outside) -> None:
    with world_of(tmp_path, outside) as world:
        (world.data_dir / "objects").mkdir(exist_ok=True)
        broken = world.data_dir / "objects" / "costumes-lora-models"
        broken.symlink_to(broken)
        check = seen(world, "models bucket")
        assert seen(world, "shoots bucket")["ok"]
    assert check["ok"] is False
    assert "MODELS_BUCKET" in check["advice"]


def test_what_never_answers_is_not_waited_for() -> None:
    def look() -> str:
        time.sleep(0.5)
        return "late"

    begun = time.monotonic()
    (check,) = examine((Check(name="slow", look=look, advice="Wait."),), patience_s=0.05)
    assert time.monotonic() - begun < 0.4
    assert (check.ok, check.advice) == (False, "Wait.")
    assert "No answer within 0.05 s" in check.detail


def test_all_is_looked_at_at_once() -> None:
    def look() -> str:
        time.sleep(0.1)
        return "well"

    begun = time.monotonic()
    checks = examine(tuple(Check(name=str(n), look=look, advice="") for n in range(12)), patience_s=5)
    assert time.monotonic() - begun < 0.8
    assert [(check.name, check.ok) for check in checks] == [(str(n), True) for n in range(12)]


def test_with_firebase_operators_may_ask(tmp_path: Path, outside: Outside) -> None:
    with key_server() as keys:
        told = {**keys.environment, "AUTH_MODE": "firebase", "OPERATORS": "olga"}
        with world_of(tmp_path, outside, **told) as world:
            answer = world.client.get("/v1/doctor", headers=FIREBASE.headers(FIREBASE.token("olga")))
    assert answer.status_code == 200


def test_with_firebase_there_is_no_such_path_for_anybody_else(tmp_path: Path) -> None:
    with signed_in(tmp_path) as (world, me):
        for headers in (me, {}):
            answer, unknown = (world.client.get(path, headers=headers) for path in ("/v1/doctor", "/v1/no"))
            assert is_problem(answer, 404, "not_found")
            assert answer.text.replace("/v1/doctor", "/v1/no") == unknown.text


def test_behind_identity_aware_proxy_only_who_signed_in_may_ask(tmp_path: Path, outside: Outside) -> None:
    with key_server() as keys, world_of(tmp_path, outside, **keys.environment, AUTH_MODE="iap") as world:
        assert is_problem(world.client.get("/v1/doctor"), 401, "unauthenticated")
        assert world.client.get("/v1/doctor", headers=IAP.headers(IAP.token())).status_code == 200
