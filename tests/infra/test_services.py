"""Every function as a service of its own, started as Cloud Run starts it, and driven by real pushes of Pub/Sub.

The image's command and environment (image.py), the settings, memory and concurrency that Terraform gives each service,
Google's emulators behind them and the simulated fal.ai before them.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.client import ApiClient
from infra.delivery.smoke import train_once
from infra.local.emulators import Emulators, missing_emulators, running_emulators
from infra.local.fal_simulator.control import SimulatorControl
from infra.local.fal_simulator.server import running_simulator
from infra.local.fal_simulator.settings import SimulatorSettings
from infra.local.provision import provision
from shared.events import CheckRequested, DatasetPackaged, ErasureRequested, ResultReported, TrainingRequested
from tests.collector import exported
from tests.infra.image import ROOT, Image, build, context
from tests.infra.services import GRACE_S, Service, Settings, memory_bytes, quiet_port, running
from tests.infra.terraform import functions
from tests.pipeline.conftest import pictures
from tests.scripted_server import Reply, ScriptedServer, scripted_server
from tests.wiring import envelope

PATIENCE_S = 60.0
NOBODYS: dict[str, Any] = {"training_id": "t_nobodys"}
EVENT_OF = {
    "packager": TrainingRequested(**NOBODYS),
    "submitter": DatasetPackaged(nonce="n", archive_url="https://nobodys.example/n.zip", expires_at=1.0, **NOBODYS),
    "mirror": ResultReported(nonce="n", request_id="r", **NOBODYS),
    "monitor": CheckRequested(**NOBODYS),
    "eraser": ErasureRequested(**NOBODYS),
}
Document = dict[str, Any]


@dataclass(frozen=True)
class Cloud:
    """All services, and what is around them."""

    image: Image
    project: str
    settings: Settings
    fal: SimulatorControl
    services: Mapping[str, Service]
    laid_out: frozenset[Path]
    collector: ScriptedServer

    @property
    def api(self) -> ApiClient:
        """A client of the API's service."""
        return ApiClient(self.services["api"].url)

    def train(self, **faults: Any) -> str:
        """A new shoot's training; its id."""
        word = f"TOK{uuid.uuid4().hex[:6]}"
        if faults:
            self.fal.plan({"trigger_word": word}, **faults)
        with self.api as api:
            shoot = api.post("/v1/shoots", {"costume_name": "Wolf", "person_id": word.lower()}, idempotency_key=word)
            for name, content in pictures().items():
                kind = "text/plain" if name.endswith("txt") else "image/jpeg"
                file = self.image.folder / name
                file.write_bytes(content)
                api.put_file(f"/v1/shoots/{shoot['id']}/files/{name}", file, kind, lambda _: None)
            wanted = {"shoot_id": shoot["id"], "trigger_word": word, "parameters": {"steps": 100}}
            return str(api.post("/v1/trainings", wanted, idempotency_key=word)["id"])

    def of(self, training_id: str) -> Document:
        """The training as it is now."""
        with self.api as api:
            training: Document = api.get(f"/v1/trainings/{training_id}")
            return training

    def tick(self) -> httpx.Response:
        """What Cloud Scheduler does."""
        return httpx.post(self.services["monitor"].url, timeout=PATIENCE_S)


def files(image: Image) -> frozenset[Path]:
    return frozenset(path for top in (image.app, image.folder / "opt") for path in top.rglob("*"))


def messages(service: Service) -> list[str]:
    """The names of the events that it logged."""
    return [line["message"] for line in service.lines()]


def wait_for(reached: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < end, f"not within {PATIENCE_S:.0f} s: {what}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build(tmp_path_factory.mktemp("image"))


def settings_of(emulators: Emulators, fal_url: str, webhook_url: str, collector_url: str) -> Settings:
    """What infra/gcp/environment.tf wires, with the emulators and the simulator in the place of its outputs."""
    fal = {"FAL_QUEUE_URL": fal_url, "FAL_API_URL": fal_url, "FAL_JWKS_URL": f"{fal_url}/.well-known/jwks.json"}
    media = {"FAL_MEDIA_HOSTS": fal_url.removeprefix("http://")}
    return {
        "store": {"BACKEND": "google", **emulators.environment()},
        "fal": {**fal, **media, "WEBHOOK_URL": webhook_url},
        "api": {"AUTH_MODE": "local", "PUBLIC_URL": "http://127.0.0.1:1"},
        "tracing": {"TRACING": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": collector_url},
        "FAL_KEY": {"FAL_KEY": "simulated-key"},
    }


@pytest.fixture(scope="module")
def cloud(image: Image) -> Iterator[Cloud]:
    if missing := missing_emulators():
        pytest.skip(missing)
    ports = {name: quiet_port() for name in functions()}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    with ExitStack() as stack:
        emulators = stack.enter_context(running_emulators())
        provision(emulators, urls)
        simulator = SimulatorSettings(data_dir=image.folder / "fal", seconds_per_training=0.5, weights_mb=0.2)
        fal = stack.enter_context(running_simulator(simulator))
        collector = stack.enter_context(scripted_server(lambda asked: Reply(status=200)))
        settings = settings_of(emulators, fal.settings.base_url, urls["webhook"], collector.url)
        laid_out = files(image)
        services = stack.enter_context(running(image, settings, ports))
        yield Cloud(image, emulators.project, settings, fal.control, services, laid_out, collector)


def test_a_training_goes_the_whole_way_from_service_to_service(cloud: Cloud) -> None:
    training_id = cloud.train()
    wait_for(lambda: "training_finished" in messages(cloud.services["mirror"]), "finished")
    assert cloud.of(training_id)["status"] == "succeeded"
    assert cloud.fal.billing()["billed_runs"] == 1
    told = {name: messages(service) for name, service in cloud.services.items()}
    assert "training_requested" in told["api"]
    assert "dataset_packaged" in told["packager"]
    assert "training_submitted" in told["submitter"]
    assert "result_reported" in told["webhook"]
    assert "model_kept" in told["mirror"]


def test_one_trace_leads_from_the_click_to_fal(cloud: Cloud) -> None:
    """Spans go from service to service with the messages, and lines in the log say which trace they belong to."""
    spans = exported(cloud.collector.asked)
    road = ["POST /v1/trainings", "publish training-requested", "process training-requested"]
    road += ["publish dataset-packaged", "process dataset-packaged", "fal.ai submit"]
    assert [name for name in road if name not in spans] == []
    for parent, child in pairwise(road):
        assert spans[child].parent_span_id == spans[parent].span_id, child
    logged = next(line for line in cloud.services["submitter"].lines() if line["message"] == "training_submitted")
    trace = f"projects/{cloud.project}/traces/{spans[road[0]].trace_id.hex()}"
    assert logged["logging.googleapis.com/trace"] == trace


def test_a_release_trains_once_where_fal_is_simulated(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    submitter = {"FAL_QUEUE_URL": cloud.settings["fal"]["FAL_QUEUE_URL"]}
    train_once(cloud.services["api"].url, submitter, token="anybody's")
    assert "went the whole way" in capsys.readouterr().out
    with cloud.api as api:
        models = api.items("/v1/models", limit=10)["items"]
    assert [model for model in models if model["name"].startswith("smoke-")] == []


def test_the_scheduler_has_the_monitor_tick(cloud: Cloud) -> None:
    answer = cloud.tick()
    assert (answer.status_code, set(answer.json())) == (200, {"checked", "hindered", "swept", "reminded"})


def test_the_api_is_healthy_and_shows_the_console(cloud: Cloud) -> None:
    url = cloud.services["api"].url
    assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}
    assert "<html" in httpx.get(f"{url}/").text


@pytest.mark.parametrize("name", sorted(EVENT_OF))
def test_a_push_about_nothing_that_is_there_is_acked(cloud: Cloud, name: str) -> None:
    event = EVENT_OF[name]
    answer = httpx.post(cloud.services[name].url, content=envelope(event))
    assert answer.status_code in (200, 204)
    assert {"message_for_unknown_training", "message_for_unknown_erasure"} & set(messages(cloud.services[name]))


def test_the_webhook_refuses_what_nobody_signed(cloud: Cloud) -> None:
    answer = httpx.post(f"{cloud.services['webhook'].url}/t_1/n1", content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (401, "webhook_forged")
    assert "callback_refused" in messages(cloud.services["webhook"])


def test_what_is_printed_are_events_and_nothing_else(cloud: Cloud) -> None:
    for service in cloud.services.values():
        assert all({"severity", "message"} <= set(line) for line in service.lines())


def test_the_simulated_fal_runs_on_the_image_with_what_is_added_to_it(cloud: Cloud, tmp_path: Path) -> None:
    for name in context(ignored="infra/delivery/simulator/Dockerfile.dockerignore"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    command = [f"{cloud.image.folder}/opt/venv/bin/python", "-m", "infra.local.fal_simulator", "--help"]
    path = f"{tmp_path}:{cloud.image.app}"
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_nothing_is_written_but_temporary_files(cloud: Cloud) -> None:
    assert files(cloud.image) == cloud.laid_out
    assert not cloud.image.home.exists()


def test_no_service_took_more_memory_than_it_is_given(cloud: Cloud) -> None:
    peaks = {name: service.peak_bytes() for name, service in cloud.services.items()}
    assert all(0 < peak < memory_bytes(name) for name, peak in peaks.items()), peaks


def test_a_submission_under_way_is_finished_when_its_instance_is_taken_away(cloud: Cloud) -> None:
    """SIGTERM in the very middle of the paid call: the answer is still recorded, and nobody pays again."""
    before = len(cloud.fal.submissions())
    training_id = cloud.train(submit="slow_after", submit_delay_s=1.5)
    wait_for(lambda: len(cloud.fal.submissions()) > before, "fal.ai has the request")
    assert cloud.of(training_id)["status"] == "submitting"
    assert cloud.services["submitter"].taken_away() == 0
    assert "training_submitted" in messages(cloud.services["submitter"])
    wait_for(lambda: cloud.of(training_id)["status"] == "succeeded", "succeeded")
    assert len(cloud.fal.submissions()) == before + 1


def test_a_live_stream_ends_when_its_instance_is_taken_away(cloud: Cloud) -> None:
    training_id = cloud.train()
    api = cloud.services["api"]
    with httpx.stream("GET", f"{api.url}/v1/trainings/{training_id}/events", timeout=PATIENCE_S) as stream:
        pieces = stream.iter_text()
        assert any("event: training" in piece for piece in pieces)
        api.process.send_signal(signal.SIGTERM)
        with suppress(httpx.RemoteProtocolError):  # cut off or ended, a client comes back either way
            for _ in pieces:
                pass
    assert api.process.wait(timeout=GRACE_S) == 0


def test_every_service_goes_when_it_is_told_to(cloud: Cloud) -> None:
    left = [service for service in cloud.services.values() if service.process.poll() is None]
    for service in left:
        service.process.send_signal(signal.SIGTERM)
    assert {service.name: service.gone() for service in left} == {service.name: 0 for service in left}
