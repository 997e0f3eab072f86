"""What a comparison shows over HTTP: one set for each model and scale, and how many there were to be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from functions.api.end_images import retry_images
from functions.api.images import desk
from shared.stages import Status
from tests.api_answers import is_problem
from tests.api_world import ApiWorld, api_world
from tests.builders import AT, a_model, an_image_job

TRIES = 105


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    with api_world(tmp_path_factory.mktemp("api")) as world:
        for version in (1, 2):
            world.models.create(
                a_model(id=f"m_{version}", version=version, name="plush", person_id="p1", owner_id=world.user)
            )
        yield world


def test_a_set_that_succeeded_is_shown_however_often_it_and_others_were_tried(world: ApiWorld) -> None:
    def tried(name: str, number: int, scale: float, status: Status) -> None:
        at = AT + timedelta(hours=number)
        job = an_image_job(
            id=f"i_{name}{number}", status=status, owner_id=world.user, group_id="g_tries", scale=scale, created_at=at
        )
        world.images.create(job)

    for number in range(TRIES):
        tried("half", number, 0.5, Status.SUCCEEDED if number == 1 else Status.FAILED)
        tried("whole", number, 1.0, Status.FAILED)

    shown = world.client.get("/v1/comparisons/g_tries").json()

    assert [each["id"] for each in shown["items"]] == ["i_half1", f"i_whole{TRIES - 1}"]
    assert shown["asked"] is None


def test_that_there_were_more_sets_is_told_by_those_that_are_left(world: ApiWorld) -> None:
    wanted = {"prompt": "in the rain", "model_ids": ["m_1", "m_2"]}
    made = world.client.post("/v1/comparisons", json=wanted).json()
    first, second = (world.images.get(each["id"]) for each in made["items"])
    assert made["asked"] == 2
    canceled = world.images.update(first.id, lambda job: job.canceled("x", at=job.updated_at, charged=False))
    again = retry_images(canceled, models=world.models, desk=desk())

    for gone in (first, second):
        world.images.delete(gone.id)

    left = world.client.get(f"/v1/comparisons/{made['id']}").json()
    assert (left["asked"], [each["id"] for each in left["items"]]) == (2, [again.id])
    assert is_problem(world.client.get("/v1/comparisons/g_nothing"), 404, "images_not_found")
