"""One picture for each model of a list, over HTTP: the first sample that may be shown unasked."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from shared.image_jobs import KeptPicture
from shared.samples import samples_id
from shared.stages import Status
from tests.api_world import ApiWorld, api_world
from tests.builders import an_image_job
from tests.fakes import small_jpeg


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    with api_world(tmp_path_factory.mktemp("api")) as world:
        yield world


def keep_samples(world: ApiWorld, training_id: str, *flags: bool, owner: str, side: int = 60) -> None:
    """The samples of a training, whose pictures are flagged or not."""
    job = an_image_job(status=Status.SUCCEEDED, id=samples_id(owner, training_id), owner_id=owner)
    pictures = []
    for number, nsfw in enumerate(flags, start=1):
        content = small_jpeg(size=side + number)
        name = f"{job.prefix}{number}.jpg"
        world.kept.write(name, [content], content_type="image/jpeg")
        (info,) = world.kept.list(name)
        kept: dict[str, Any] = {"name": name, "size": info.size, "crc32c": info.crc32c, "sha256": "ab" * 32}
        pictures.append(KeptPicture(width=side + number, height=side + number, nsfw=nsfw, **kept))
    world.images.create(replace(job, pictures=tuple(pictures)))


def listed(world: ApiWorld, *trainings: str) -> list[dict[str, Any]]:
    answer = world.client.get("/v1/images/samples", params={"of": list(trainings)})
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_each_training_has_its_first_sample_and_what_has_none_is_left_out(world: ApiWorld) -> None:
    keep_samples(world, "t_1", False, False, owner=world.user, side=900)
    (sample,) = listed(world, "t_1", "t_2")
    assert sample["training_id"] == "t_1"
    assert "1.jpg-" in sample["thumbnail_url"]
    small = Image.open(io.BytesIO(world.fetch(sample["thumbnail_url"])))
    assert (small.format, small.size) == ("WEBP", (640, 640))


def test_a_flagged_sample_is_never_shown_unasked(world: ApiWorld) -> None:
    keep_samples(world, "t_1", True, False, owner=world.user)
    keep_samples(world, "t_2", True, owner=world.user)
    (sample,) = listed(world, "t_1", "t_2")
    assert "2.jpg-" in sample["thumbnail_url"]


def test_nobody_sees_another_ones_samples(world: ApiWorld) -> None:
    keep_samples(world, "t_1", False, owner="somebody")
    assert listed(world, "t_1") == []
