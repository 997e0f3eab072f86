"""Restarts: a stopped stack and a host that was away go on where they were; for crashes see `test_chaos.py`."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from infra.local.settings import StackSettings
from infra.local.stack import free_port
from tests.pipeline.conftest import pictures, running_system


def settings(data_dir: Path, seconds: float, port: int = 0) -> StackSettings:
    return StackSettings(
        port=port, data_dir=data_dir, tick_s=0.3, simulator_seconds=seconds, simulator_weights_mb=0.2, fal_queue_url=""
    )


def test_a_training_in_the_middle_of_its_run_survives_a_stopped_stack(tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as cleanup:
        system = running_system(settings(tmp_path, seconds=4.0, port=port), cleanup)
        training = system.start(system.shoot(pictures()), "STOP")
        system.wait(training["id"], until=("submitted", "running"))
    with ExitStack() as cleanup:
        again = running_system(settings(tmp_path, seconds=4.0, port=port), cleanup)
        done = again.wait(training["id"])
        assert done["status"] == "succeeded", done["error"]
        assert again.billed(done) == 1


def test_a_callback_while_the_host_is_down_is_made_up_for(tmp_path: Path) -> None:
    with ExitStack() as cleanup:
        system = running_system(settings(tmp_path, seconds=1.0), cleanup)
        training = system.start(system.shoot(pictures()), "DOWN")
        system.wait(training["id"], until=("submitted", "running"))
        (request,) = system.fal.requests()
        while not system.fal.request(request["request_id"])["archive"]:
            time.sleep(0.05)
        system.stack.kill("host")
        system.fal.wait_for(request["request_id"])
        system.stack.start("host")
        assert system.wait(training["id"])["status"] == "succeeded"
