"""Releases: deployed to nobody, looked at, given to everybody, and taken back where something is not well."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.delivery.cloud_run import CloudRun, DeliveryError
from infra.delivery.operator import token_of
from infra.delivery.release import ORDER, deploy, promote, rollback, smoke
from infra.delivery.smoke import is_simulated
from shared.settings import FAL_QUEUE_URL
from tests.infra.fake_gcloud import FakeGcloud, FakeService
from tests.infra.image import ROOT
from tests.infra.terraform import functions
from tests.scripted_server import Asked, Reply, ScriptedServer, scripted_server

IMAGE = "europe-west1-docker.pkg.dev/costumes/lora/functions@sha256:" + "a" * 64
OLD = {f"lora-{name}": f"lora-{name}-00001" for name in ORDER}
NEW = {f"lora-{name}": f"lora-{name}-00002" for name in ORDER}


@dataclass
class Deployed:
    """Six services, all of which are a server that answers as it is told."""

    server: ScriptedServer
    answers: dict[str, int] = field(default_factory=lambda: {"/v1/trainings": 401, "/smoke/smoke": 401})

    def __post_init__(self) -> None:
        self.server.script = self._answer
        told = {"FAL_QUEUE_URL": FAL_QUEUE_URL}
        self.gcloud = FakeGcloud(FakeService(name, self.server.url, told) for name in OLD)
        self.cloud = CloudRun(project="costumes", region="europe-west1", gcloud=self.gcloud)

    def _answer(self, asked: Asked) -> Reply:
        return Reply(status=self.answers.get(asked.target.partition("?")[0], 200), body=b"{}")

    def serving(self) -> dict[str, str]:
        """The revision of each service that everybody is sent to."""
        return {name: service.serving for name, service in self.gcloud.services.items()}

    def release(self) -> None:
        """The whole way of a release."""
        deploy(self.cloud, IMAGE)
        smoke(self.cloud, None)
        promote(self.cloud, None)


@pytest.fixture
def deployed() -> Iterator[Deployed]:
    with scripted_server(lambda asked: Reply(status=200)) as server:
        yield Deployed(server)


def test_every_function_is_released() -> None:
    assert set(ORDER) == set(functions())


def test_a_candidate_gets_no_traffic_and_the_digest(deployed: Deployed) -> None:
    deploy(deployed.cloud, IMAGE)
    assert deployed.serving() == OLD
    for service in deployed.gcloud.services.values():
        assert service.tags == {"candidate": NEW[service.name]}
        assert service.revisions[NEW[service.name]] == IMAGE


def test_a_tag_is_no_release(deployed: Deployed) -> None:
    with pytest.raises(DeliveryError, match="digest"):
        deploy(deployed.cloud, "europe-west1-docker.pkg.dev/costumes/lora/functions:latest")
    assert deployed.gcloud.calls == []


def test_everybody_is_sent_to_the_new_revisions_and_the_old_ones_are_remembered(deployed: Deployed) -> None:
    deployed.release()
    assert deployed.serving() == NEW
    assert {name: service.tags["previous"] for name, service in deployed.gcloud.services.items()} == OLD
    moved = [name for *command, name in deployed.gcloud.calls if "update-traffic" in command]
    assert moved == [f"lora-{name}" for name in ORDER], "who hears a message comes before who sends it"


def test_rolling_back_sends_everybody_to_what_was_before(deployed: Deployed) -> None:
    deployed.release()
    rollback(deployed.cloud)
    assert deployed.serving() == OLD


def test_there_is_nothing_to_roll_back_before_the_first_release(deployed: Deployed) -> None:
    with pytest.raises(DeliveryError, match="nothing to go back to"):
        rollback(deployed.cloud)
    assert deployed.serving() == OLD


def test_a_service_that_does_not_start_ends_the_release_with_its_reason(deployed: Deployed) -> None:
    deployed.gcloud.does_not_start.add("lora-submitter")
    with pytest.raises(DeliveryError, match=r"lora-submitter.*failed to start"):
        deploy(deployed.cloud, IMAGE)
    assert deployed.serving() == OLD


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/v1/trainings", 200, "to a stranger"),
        ("/smoke/smoke", 200, "without a signature"),
        ("/smoke/smoke", 500, "without a signature"),
    ],
)
def test_what_is_not_well_is_found_before_anybody_is_sent_there(
    deployed: Deployed, path: str, status: int, told: str
) -> None:
    deploy(deployed.cloud, IMAGE)
    deployed.answers[path] = status
    with pytest.raises(DeliveryError, match=told):
        smoke(deployed.cloud, None)
    assert deployed.serving() == OLD


def test_what_is_not_well_afterwards_is_taken_back(deployed: Deployed) -> None:
    deploy(deployed.cloud, IMAGE)
    deployed.answers["/smoke/smoke"] = 500
    with pytest.raises(DeliveryError, match="500"):
        promote(deployed.cloud, None)
    assert deployed.serving() == OLD
    moved = [name for *command, name in deployed.gcloud.calls if "update-traffic" in command]
    assert len(moved) == 2 * len(ORDER), "there and back"


def test_without_a_candidate_there_is_nothing_to_look_at_or_to_promote(deployed: Deployed) -> None:
    for step in (smoke, promote):
        with pytest.raises(DeliveryError, match="make deploy"):
            step(deployed.cloud, None)
    assert deployed.serving() == OLD


def test_the_doctor_is_asked_where_somebody_may(deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    deploy(deployed.cloud, IMAGE)
    deployed.answers["/v1/doctor"] = 404
    smoke(deployed.cloud, None)
    assert "was not asked" in capsys.readouterr().out
    with pytest.raises(DeliveryError, match="OPERATORS"):
        smoke(deployed.cloud, "a.b.c")


def test_a_release_trains_nothing_where_trainings_are_paid(deployed: Deployed) -> None:
    deployed.release()
    posts = [asked.target for asked in deployed.server.asked if asked.method == "POST"]
    assert set(posts) == {"/smoke/smoke"}


def test_the_command_says_what_gcloud_says(tmp_path: Path) -> None:
    program = tmp_path / "gcloud"
    program.write_text("#!/bin/sh\necho You do not have permission to access project $4 >&2\nexit 1\n")
    program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PROJECT": "costumes", "REGION": "europe-west1"}
    command = [sys.executable, "-m", "infra.delivery.release", "rollback"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("✗ gcloud run services describe failed: You do not have permission")


@pytest.mark.parametrize("url", ["", FAL_QUEUE_URL, f"{FAL_QUEUE_URL}/", "http://127.0.0.1:1"])
def test_only_what_says_that_it_is_a_simulator_is_one(url: str) -> None:
    assert not is_simulated(url)
    with scripted_server(lambda asked: Reply(status=200)) as server:
        assert not is_simulated(server.url)


def test_an_operator_is_known_by_a_token_or_by_a_refresh_token() -> None:
    replies = iter([Reply(status=200, body=b'{"id_token": "an.id.token"}'), Reply(status=400, body=b"{}")])
    refreshed = {"LORA_OPERATOR_REFRESH_TOKEN": "kept", "FIREBASE_API_KEY": "key"}
    with scripted_server(lambda asked: next(replies)) as firebase:
        assert token_of({"LORA_API_TOKEN": " a.b.c "}, exchange=firebase.url) == "a.b.c"
        assert token_of({"FIREBASE_API_KEY": "key"}, exchange=firebase.url) is None
        assert token_of(refreshed, exchange=firebase.url) == "an.id.token"
        assert firebase.asked[0].body == b"grant_type=refresh_token&refresh_token=kept"
        with pytest.raises(DeliveryError, match="sign the operator in again"):
            token_of(refreshed, exchange=firebase.url)
