"""The simulator as a service that others reach: with a key of its own, and without its levers."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from infra.local.fal_simulator import SimulatorSettings, running_simulator
from shared.errors import TrainerAccountLocked
from tests.fal_api import SUBMISSION, a_trainer

PUBLIC = "https://simulator.example"


def test_it_takes_its_key_and_no_other_and_has_no_levers(tmp_path: Path) -> None:
    settings = SimulatorSettings(data_dir=tmp_path, public_url=PUBLIC, key="its-own-key")
    with running_simulator(settings) as simulator:
        url = f"http://127.0.0.1:{simulator.settings.port}"
        with closing(a_trainer(url, key="somebody-elses")) as trainer, pytest.raises(TrainerAccountLocked):
            trainer.submit(SUBMISSION)
        with closing(a_trainer(url, key="its-own-key")) as trainer:
            job = trainer.submit(SUBMISSION)
            answer = httpx.get(f"{url}/{SUBMISSION.endpoint}/requests/{job.request_id}/status")
        assert answer.status_code == 401
        levers = ["requests", "billing", "plans", "reset", "rotate-keys"]
        assert [name for name in levers if httpx.get(f"{url}/_simulator/{name}").is_success] == []
        assert [name for name in levers if httpx.post(f"{url}/_simulator/{name}", json={}).is_success] == []
        assert httpx.get(url).json()["fal_simulator"] == PUBLIC


def test_it_does_not_listen_to_others_without_a_key() -> None:
    command = [sys.executable, "-m", "infra.local.fal_simulator", "--data", "unused", "--host", "0.0.0.0"]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": "", "FAL_SIMULATOR_URL": PUBLIC})
    assert done.returncode == 2 and "FAL_SIMULATOR_KEY" in done.stderr
