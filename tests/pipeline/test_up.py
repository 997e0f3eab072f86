"""`make up` as a process of its own: it says where it is, stops when it is told, and says why it cannot start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from cli.client import ApiClient
from infra.local.data_dir import held_folder
from infra.local.fal_simulator.server import running_simulator
from infra.local.fal_simulator.settings import SimulatorSettings
from infra.local.processes import ROOT
from infra.local.stack import free_port
from tests.pipeline.conftest import PATIENCE_S, System, pictures

COMMAND = [sys.executable, "-m", "infra.local.up"]


@contextmanager
def up(data_dir: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address, once it answers; stopped at the end whatever happened."""
    port = free_port()
    environment = {**os.environ, "PORT": str(port), "DATA_DIR": str(data_dir), **settings}
    process = subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(process, url)
        yield process, url
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()


def _wait_until_up(process: subprocess.Popen[str], url: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx.get(f"{url}/healthz", timeout=1).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError(process.stdout.read() if process.stdout and process.poll() is not None else "not up")


def test_it_comes_up_and_stops_at_an_interrupt(tmp_path: Path) -> None:
    # that a stack of emulators and separate processes does is shown by the tests of the pipeline
    with up(tmp_path) as (process, url):
        assert httpx.get(f"{url}/v1/shoots").json() == {"items": [], "next_cursor": None}
    assert process.returncode == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/healthz", timeout=1)


def test_a_folder_is_held_until_its_process_is_killed_and_then_nothing_is_left_running(tmp_path: Path) -> None:
    with up(tmp_path) as (process, url):
        done = refused({"PORT": "0", "DATA_DIR": str(tmp_path)})
        said = " ".join(done.stdout.split())
        assert done.returncode == 1
        assert f"another stack at {url} (process {process.pid}) keeps its data in" in said
        assert "set DATA_DIR to another folder" in said
        process.kill()
        process.wait()
        with held_folder(tmp_path, "http://127.0.0.1:1"):
            pass
        end = time.monotonic() + PATIENCE_S
        while _answers(url):
            assert time.monotonic() < end, "the host goes on without the process that started it"
            time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=1).is_success
    except httpx.HTTPError:
        return False


def test_another_fal_is_used_instead_of_the_simulator(tmp_path: Path) -> None:
    other = SimulatorSettings(data_dir=tmp_path / "other", seconds_per_training=1.0, weights_mb=0.2)
    with running_simulator(other) as fal, up(tmp_path / "data", FAL_QUEUE_URL=fal.queue_url) as (process, url):
        with ApiClient(url) as api:
            stack: object = process
            system = System(stack, api, fal.control)  # type: ignore[arg-type]  # its processes are not looked at
            body = {"costume_name": "Fox", "person_id": "p"}
            shoot = api.post("/v1/shoots", body, idempotency_key="shoot")
            for name, content in pictures().items():
                (tmp_path / name).write_bytes(content)
                api.put_file(f"/v1/shoots/{shoot['id']}/files/{name}", tmp_path / name, "image/jpeg", lambda _: None)
            training = system.start(shoot["id"], "OTHER")
            assert system.wait(training["id"])["status"] == "succeeded"
        assert fal.control.billing()["billed_runs"] == 1
    assert not (tmp_path / "data" / "fal-simulator").exists()


REFUSED = [
    ({"FAL_QUEUE_URL": "https://queue.fal.run"}, 1, "cannot reach this machine"),
    ({"FAL_QUEUE_URL": "https://queue.fal.run", "PUBLIC_URL": "https://tunnel.example"}, 1, "FAL_KEY is not set"),
    ({"FAL_QUEUE_URL": "http://queue.fal.run"}, 2, "FAL_QUEUE_URL must be https"),
    ({"PUBLIC_URL": "http://tunnel.example"}, 2, "PUBLIC_URL must be https"),
    ({"BACKEND": "embedded", "PROCESSES": "separate"}, 1, "set BACKEND=emulators"),
    ({"PORT": "abc"}, 2, "PORT takes a whole number"),
    ({"BACKEND": "sqlite"}, 2, "BACKEND takes embedded or emulators"),
    # a setting of the functions, which only they read
    ({"TRAININGS_AT_ONCE": "many"}, 2, "TRAININGS_AT_ONCE takes a whole number"),
]


@pytest.mark.parametrize(("settings", "code", "sentence"), REFUSED, ids=[sentence for _, _, sentence in REFUSED])
def test_what_cannot_work_is_refused_with_a_sentence(
    tmp_path: Path, settings: dict[str, str], code: int, sentence: str
) -> None:
    done = refused({"PORT": str(free_port()), "DATA_DIR": str(tmp_path), "FAL_KEY": "", **settings})
    assert (done.returncode, done.stderr) == (code, "")
    said = " ".join(done.stdout.split())
    assert said.startswith("Cannot start: ")
    assert sentence in said
    assert "Traceback" not in said


def refused(settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The process, that ends by itself."""
    environment = {**os.environ, **settings}
    return subprocess.run(COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = refused({"PORT": port, "DATA_DIR": str(tmp_path)})
    assert done.returncode == 1
    assert f"port {port}" in " ".join(done.stdout.split())
