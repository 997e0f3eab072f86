"""The operators' routes and the story's, on the embedded backend: what they tell, what they do, and never a secret."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from functions.api.auth import is_operator
from functions.api.dead_letter_views import _SECRET
from functions.monitor.main import monitor
from shared import bootstrap
from shared.errors import SubmissionUncertain
from shared.events import EVENTS, CheckRequested, DatasetPackaged, Event, ResultReported, TrainingRequested
from shared.settings import ApiSettings
from shared.stages import Status
from shared.trainings import Training
from tests.api_answers import is_problem
from tests.api_world import ApiWorld, api_world
from tests.builders import a_shoot, a_training, an_image_job
from tests.wiring import envelope
from tests.world import jpeg


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    with api_world(tmp_path_factory.mktemp("operations")) as world:
        yield world


@pytest.fixture
def world(house: ApiWorld) -> ApiWorld:
    """The API with nothing in it."""
    with bootstrap._database().writing() as connection:
        for table in ("trainings", "image_jobs", "stories", "messages", "accounts"):
            connection.execute(f"DELETE FROM {table}")
    return house


def a_mine(status: Status = Status.REQUESTED, **changes: Any) -> Training:
    training = a_training(status=status, **{"id": "t_1", "owner_id": "anna", **changes})
    bootstrap.trainings().create(training)
    return training


def bury(event: Event) -> str:
    """Give up on a message; the id of its dead letter."""
    queue = bootstrap.queue()
    queue.publish(event)
    while leased := queue.lease(limit=1, lease_s=60):
        queue.nack(leased[0], delay_s=0, error="HTTP 500")
    return str(bootstrap.dead_letters().list(limit=1000)[-1].id)


def waiting() -> list[bytes]:
    """What is to be delivered now."""
    return [message.data for message in bootstrap.queue().lease(limit=100, lease_s=60)]


# --- stories


def test_a_request_that_starts_a_training_begins_its_story(world: ApiWorld) -> None:
    world.shoots.create(a_shoot(id="s_1", owner_id=world.user))
    for number in range(4):
        world.put("s_1", f"{number}.jpg", jpeg(number))
    training = world.client.post("/v1/trainings", json={"shoot_id": "s_1", "trigger_word": "TOK"}).json()
    story = world.client.get(f"/v1/trainings/{training['id']}/story").json()
    assert (story["training_id"], story["status"], story["whole"]) == (training["id"], "requested", True)
    assert {(line["source"], line["name"]) for line in story["lines"]} == {
        ("training", "requested"),
        ("api", "training_requested"),
    }
    told = next(line for line in story["lines"] if line["name"] == "training_requested")
    assert told["text"] == "The training was asked for, at $2.00."
    assert told["fields"]["quoted_usd"] == 2.0


def test_what_the_api_refused_is_told_with_its_code(world: ApiWorld) -> None:
    training = a_mine(Status.SUCCEEDED)
    assert world.client.post(f"/v1/trainings/{training.id}/cancel").status_code == 200
    lines = world.client.get(f"/v1/trainings/{training.id}/story").json()["lines"]
    assert "Somebody wanted to cancel it: too_late." in [line["text"] for line in lines]


def test_looking_tells_nothing(world: ApiWorld) -> None:
    training = a_mine()
    for path in ("", "/log", "/story"):
        world.client.get(f"/v1/trainings/{training.id}{path}")
    assert bootstrap.stories().list_for_training(training.id, limit=10) == []


def test_a_story_that_cannot_be_written_does_not_hold_up_the_answer(world: ApiWorld) -> None:
    training = a_mine()
    with bootstrap._database().writing() as connection:
        connection.execute("ALTER TABLE stories RENAME TO elsewhere")
    try:
        assert world.client.post(f"/v1/trainings/{training.id}/cancel").json()["outcome"] == "canceled"
    finally:
        with bootstrap._database().writing() as connection:
            connection.execute("ALTER TABLE elsewhere RENAME TO stories")


def test_the_story_of_nobody_is_not_found(world: ApiWorld) -> None:
    assert is_problem(world.client.get("/v1/trainings/t_none/story"), 404, "training_not_found")


# --- dead letters


def test_without_any_the_list_is_empty(world: ApiWorld) -> None:
    assert world.client.get("/v1/ops/dead-letters").json() == {"items": []}


def test_a_dead_letter_is_listed_and_shown_with_what_to_do(world: ApiWorld) -> None:
    a_mine()
    letter_id = bury(TrainingRequested(training_id="t_1"))
    (listed,) = world.client.get("/v1/ops/dead-letters").json()["items"]
    assert (listed["id"], listed["training_id"], listed["topic"]) == (letter_id, "t_1", "training-requested")
    assert (listed["attempts"], listed["reason"], listed["problem"]) == (10, "HTTP 500", "")
    shown = world.client.get(f"/v1/ops/dead-letters/{letter_id}").json()
    assert {name: shown[name] for name in listed} == listed
    assert shown["training_status"] == "requested"
    assert shown["advice"].startswith("Redrive it")


def test_what_is_secret_in_a_dead_letter_is_not_shown(world: ApiWorld) -> None:
    a_mine(Status.PACKAGED)
    url = "https://storage.example/unguessable.zip?signature=unguessable"
    letter_id = bury(DatasetPackaged(training_id="t_1", nonce="unguessable", archive_url=url, expires_at=1.5))
    for path in ("", f"/{letter_id}"):
        assert "unguessable" not in world.client.get(f"/v1/ops/dead-letters{path}").text
    shown = world.client.get(f"/v1/ops/dead-letters/{letter_id}").json()
    assert shown["fields"] == {"training_id": "t_1", "expires_at": 1.5}


def test_a_redriven_dead_letter_is_delivered_again_and_told(world: ApiWorld) -> None:
    a_mine()
    letter_id = bury(TrainingRequested(training_id="t_1"))
    answer = world.client.post(f"/v1/ops/dead-letters/{letter_id}/redrive")
    assert (answer.status_code, answer.json()["id"]) == (202, letter_id)
    assert waiting() == [b'{"training_id":"t_1"}']
    again = world.client.post(f"/v1/ops/dead-letters/{letter_id}/redrive")
    assert is_problem(again, 404, "dead_letter_not_found")
    lines = world.client.get("/v1/trainings/t_1/story").json()["lines"]
    text = "An operator had a message that had been given up delivered again: training-requested."
    assert [line["text"] for line in lines if line["name"] == "dead_letter_redriven"] == [text]


def test_a_discarded_dead_letter_is_gone_for_good(world: ApiWorld) -> None:
    letter_id = bury(TrainingRequested(training_id="t_gone"))
    answer = world.client.post(f"/v1/ops/dead-letters/{letter_id}/discard")
    assert (answer.status_code, answer.json()["training_status"]) == (200, None)
    assert world.client.get("/v1/ops/dead-letters").json() == {"items": []}
    assert waiting() == []


def test_what_nobody_can_read_is_shown_as_that_and_can_be_discarded(world: ApiWorld) -> None:
    bury(TrainingRequested(training_id="t_1"))
    with bootstrap._database().writing() as connection:
        connection.execute("UPDATE messages SET data = ?", (b"\xffno json",))
    (listed,) = world.client.get("/v1/ops/dead-letters").json()["items"]
    assert (listed["training_id"], listed["fields"], listed["size"]) == (None, {}, 8)
    assert "not a training-requested" in listed["problem"]
    advice = world.client.get(f"/v1/ops/dead-letters/{listed['id']}").json()["advice"]
    assert advice.endswith("discard it.")
    assert world.client.post(f"/v1/ops/dead-letters/{listed['id']}/discard").status_code == 200


def given_up_uncertain() -> Training:
    uncertain = a_training(status=Status.SUBMITTING).fail(
        SubmissionUncertain(reason="timeout"), at=a_training().updated_at, charged=None
    )
    return uncertain


@pytest.mark.parametrize(
    ("training", "event", "advice"),
    [
        (lambda: a_training(status=Status.MIRRORING), ResultReported, "Redrive it: what is still due"),
        (lambda: a_training(status=Status.SUCCEEDED), ResultReported, "Its training is succeeded"),
        (given_up_uncertain, ResultReported, "Redrive it: fal.ai may have finished"),
        (given_up_uncertain, TrainingRequested, "Its training is failed"),
        (None, TrainingRequested, "Its job is not known: discard it."),
    ],
)
def test_the_advice_fits_where_the_training_stands(
    world: ApiWorld, training: Callable[[], Training] | None, event: type[Event], advice: str
) -> None:
    if training:
        bootstrap.trainings().create(training())
    ids = {"nonce": "n", "request_id": "r"} if event is ResultReported else {}
    letter_id = bury(event(training_id="t_1", **ids))
    assert world.client.get(f"/v1/ops/dead-letters/{letter_id}").json()["advice"].startswith(advice)


# --- redrive and sweep


@pytest.mark.parametrize("status", list(Status))
def test_redriving_a_training_has_it_looked_after_wherever_it_stands(world: ApiWorld, status: Status) -> None:
    training = a_mine(status, owner_id="somebody else")
    answer = world.client.post(f"/v1/ops/trainings/{training.id}/redrive")
    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["message"][-1]) == (status, ".")
    assert waiting() == [b'{"training_id":"t_1","everything":false}']
    lines = world.client.get("/v1/trainings/t_1/story").json()["lines"]
    assert "An operator had its step announced again." in [line["text"] for line in lines]


@pytest.mark.parametrize("status", list(Status))
def test_redriving_a_set_of_pictures_tells_of_pictures_and_of_no_zip(world: ApiWorld, status: Status) -> None:
    bootstrap.images().create(an_image_job(status=status))
    answer = world.client.post("/v1/ops/trainings/i_1/redrive").json()
    assert (answer["kind"], answer["status"]) == ("images", status)
    assert "ZIP" not in answer["message"] and "its weights" not in answer["message"]


def test_redriving_what_is_not_there_is_not_found(world: ApiWorld) -> None:
    assert is_problem(world.client.post("/v1/ops/trainings/t_none/redrive"), 404, "training_not_found")
    assert waiting() == []


def test_a_sweep_is_done_by_the_monitor_and_its_findings_are_shown(world: ApiWorld) -> None:
    old = a_mine()
    sweep = world.client.post("/v1/ops/sweeps").json()
    assert world.client.get(f"/v1/ops/sweeps/{sweep['id']}").json() == sweep
    assert sweep["done"] is False
    event = CheckRequested(training_id=sweep["id"], everything=True)
    assert len(waiting()) == 1
    deliver(event)
    done = world.client.get(f"/v1/ops/sweeps/{sweep['id']}").json()
    assert (done["done"], done["checked"], done["late"]) == (True, 1, 1)
    assert ("training_expired", old.id) in [(found["name"], found["training_id"]) for found in done["found"]]


def deliver(event: CheckRequested) -> None:
    """What Pub/Sub does with the message of a sweep."""
    push = EnvironBuilder(method="POST", data=envelope(event))
    assert monitor(Request(push.get_environ())) == ({}, 200)


def test_a_sweep_that_nobody_asked_for_is_not_done(world: ApiWorld) -> None:
    assert world.client.get("/v1/ops/sweeps/sweep_none").json()["done"] is False
    assert world.client.get("/v1/ops/sweeps/t_1").status_code == 404


# --- who may


@pytest.mark.parametrize(
    ("mode", "operators", "may"),
    [
        ("firebase", "", False),
        ("iap", "", False),
        ("firebase", " somebody , anna,", True),
        ("iap", "anna", True),
        ("firebase", "annabel", False),
        ("local", "", True),
        ("local", "bob", True),
    ],
)
def test_operators_are_whom_the_setting_names_and_everybody_on_ones_own_machine(
    mode: str, operators: str, may: bool
) -> None:
    settings = {"auth_mode": mode, "operators": operators, "iap_audience": "/projects/1/x"}
    assert is_operator("anna", ApiSettings.model_validate(settings)) is may


def test_what_no_log_may_show_of_a_message_no_operator_is_shown() -> None:
    hidden = {(kind.topic, f.name) for kind in EVENTS.values() for f in dataclasses.fields(kind) if not f.repr}
    assert ("images-prepared", "weights_urls") in hidden
    assert {name for _, name in hidden} <= _SECRET
