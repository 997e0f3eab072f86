"""The figures that metrics are made of: each is logged once, whatever is delivered how often."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest

from functions.mirror.fetch_artifacts import FETCH_ATTEMPTS
from shared.accounts import Limits
from shared.errors import TrainerAccountLocked
from shared.events import TrainingRequested
from shared.ports import RunState
from shared.stages import Status
from tests.fakes import lora_weights
from tests.fal_api import JOB, a_trainer, says
from tests.scripted_server import Reply, scripted_server
from tests.world import World

Line = dict[str, Any]


@pytest.fixture
def world() -> World:
    return World(limits=Limits(trainings_at_once=2, usd_per_day=100.0))


def logged(capsys: pytest.CaptureFixture[str], event: str) -> list[Line]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if line["message"] == event]


def test_a_finished_training_is_counted_once_with_what_it_took_and_cost(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.shoot()
    training = world.start()
    world.clock.advance(3)
    world.run()
    world.clock.advance(60)
    world.finish(training)
    for event in list(world.publisher.published):  # everything is delivered a second time
        world.deliver(event)
    world.tick()
    (line,) = logged(capsys, "training_finished")
    assert line == {
        "severity": "INFO",
        "message": "training_finished",
        "training_id": training.id,
        "trainer": training.trainer,
        "status": "succeeded",
        "code": "none",
        "stage": "none",
        "charged": "yes",
        "cost_usd": world.fal.price_usd,
        "total_s": 63.0,
        "stage_s": {"packaging": 3.0, "submitting": 0.0, "queued": 60.0, "mirroring": 0.0},
    }


def test_a_failed_training_is_counted_with_its_code_and_stage(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.shoot(images=2)
    world.start()
    world.run()
    (line,) = logged(capsys, "training_finished")
    assert (line["status"], line["code"], line["stage"]) == ("failed", "too_few_images", "packaging")
    assert (line["charged"], line["cost_usd"]) == ("no", 0.0)


def test_a_training_that_the_submitter_ended_is_counted_when_the_monitor_settles_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.shoot()
    world.fal.refuse.append(TrainerAccountLocked(reason="Exhausted balance"))
    world.start()
    world.run()
    assert logged(capsys, "training_finished") == []
    world.tick()
    world.tick()
    (line,) = logged(capsys, "training_finished")
    assert (line["code"], line["stage"]) == ("trainer_account_locked", "submitting")


def test_a_recovered_training_stays_counted_as_it_failed_and_its_model_is_counted(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.shoot()
    training = world.start()
    world.run()
    world.media.broken.extend([b"no weights"] * FETCH_ATTEMPTS)
    world.finish(training)
    world.recover(training)
    world.finish(training)
    assert world.of(training).status is Status.SUCCEEDED
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [line["message"] for line in lines]
    counts = {event: told.count(event) for event in ("training_finished", "training_recovered", "model_kept")}
    assert counts == {"training_finished": 1, "training_recovered": 1, "model_kept": 1}


def test_a_dataset_is_counted_when_it_is_made_and_not_when_it_is_announced_again(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.shoot(images=5)
    training = world.start()
    request = TrainingRequested(training_id=training.id)
    world.deliver(request)
    world.deliver(request)
    (line,) = logged(capsys, "dataset_packaged")
    (name,) = world.zips()
    info = world.datasets.stat(name)
    assert info is not None
    assert (line["images"], line["bytes"]) == (5, info.size)


def test_kept_weights_are_counted_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.shoot()
    training = world.start()
    world.run()
    world.finish(training)
    world.deliver(world.report(training))
    (line,) = logged(capsys, "model_kept")
    assert (line["version"], line["bytes"]) == (1, len(lora_weights()))


def test_a_tick_tells_how_many_stand_past_their_deadline(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.tick()
    assert logged(capsys, "tick_done") == [], "nothing was there to look after"
    world.shoot()
    world.start()
    world.tick()
    (line,) = logged(capsys, "tick_done")
    assert (line["checked"], line["late"]) == (1, 0)
    world.tick(after_s=world.monitor_settings.deadline_requested_s)
    (line,) = logged(capsys, "tick_done")
    assert (line["checked"], line["late"]) == (1, 1)


def test_every_request_to_fal_is_timed_and_named_and_no_url_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    replies = iter([Reply(status=503), says({"status": RunState.IN_QUEUE})])
    with scripted_server(lambda asked: next(replies)) as server, closing(a_trainer(server.url)) as trainer:
        trainer.status(JOB, log=False)
    output = capsys.readouterr().out
    lines = [json.loads(line) for line in output.splitlines()]
    assert [(line["message"], line["operation"], line["http_status"]) for line in lines] == [
        ("trainer_answered", "status", 503),
        ("trainer_answered", "status", 200),
    ]
    assert all(0 <= line["seconds"] < 60 for line in lines)
    assert server.url not in output and JOB.request_id not in output
