"""Crashes and restarts: a killed host and a stopped stack go on where they were, and nothing is paid twice."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from pathlib import Path

from infra.local.settings import StackSettings
from infra.local.stack import free_port
from tests.pipeline.conftest import System, pictures, running_system


def settings(data_dir: Path, seconds: float, port: int = 0) -> StackSettings:
    return StackSettings(
        port=port, data_dir=data_dir, tick_s=0.3, simulator_seconds=seconds, simulator_weights_mb=0.2, fal_queue_url=""
    )


def judge(system: System, training_id: str, trigger: str) -> None:
    """Succeeded and billed once; or, where the crash hit the call itself, uncertain and never sent a second time."""
    training = system.wait(training_id)
    accepted = system.accepted(trigger)
    if training["status"] == "succeeded":
        assert accepted == 1
        assert system.billed(training) == 1
    else:
        assert training["error"]["code"] == "submission_uncertain", training["error"]
        assert accepted == 0


def test_a_host_that_is_killed_again_and_again_finishes_every_training_and_pays_once(tmp_path: Path) -> None:
    chance = random.Random(20261122)
    with ExitStack() as cleanup:
        system = running_system(settings(tmp_path, seconds=2.0), cleanup, DEADLINE_MIRRORING_S="7200")
        shoot = system.shoot(pictures())
        started = {}
        for round_ in range(4):
            for number in range(4):
                trigger = f"K{round_}x{number}"
                started[trigger] = system.start(shoot, trigger)["id"]
            time.sleep(chance.uniform(0.0, 1.2))
            system.stack.kill("host")
            system.stack.start("host")
        for trigger, training_id in started.items():
            judge(system, training_id, trigger)
        assert [found.name for found in system.bucket("datasets_bucket").list("")] == []


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
