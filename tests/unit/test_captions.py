"""Captions that are given for one training: used instead of the stored ones, checked like them, and recorded."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from functions.api.end_training import retry_training
from functions.api.given_captions import MAX_CAPTIONS, MAX_CAPTIONS_BYTES
from shared.errors import Conflict, InvalidCaption, InvalidRequest, ProductError
from shared.events import TrainingRequested
from shared.shoots import preprocessed_prefix
from shared.stages import Status
from shared.trainings import Training
from tests.api_world import api_world
from tests.builders import a_shoot
from tests.world import World, jpeg


@pytest.fixture
def world() -> World:
    """A shoot of four pictures, of which the first two have captions."""
    world = World()
    world.shoot(captions=2)
    return world


def packaged(world: World, **changes: Any) -> Training:
    training = world.start(**changes)
    world.deliver(TrainingRequested(training_id=training.id))
    return world.of(training)


def texts(world: World) -> dict[str, str]:
    (name,) = world.zips()
    with zipfile.ZipFile(io.BytesIO(b"".join(world.datasets.read(name)))) as archive:
        return {entry: archive.read(entry).decode() for entry in archive.namelist() if entry.endswith(".txt")}


def test_given_captions_are_packaged_in_the_place_of_the_stored_ones_and_where_there_are_none(world: World) -> None:
    training = packaged(world, captions={"00": "[trigger] as a wolf", "03": " a hood\n", "02": ""})
    assert texts(world) == {
        "00.txt": "TOK as a wolf",
        "01.txt": "TOK in picture 1",
        "02.txt": "TOK",
        "03.txt": "TOK, a hood",
    }
    assert training.dataset is not None
    assert (training.dataset.image_count, training.dataset.caption_count) == (4, 4)


def test_the_stored_captions_stay_as_they_are(world: World) -> None:
    before = list(world.pictures.list(""))
    packaged(world, captions={"00": "a wolf", "02": "a hood"})
    assert list(world.pictures.list("")) == before


def test_a_stored_caption_that_is_wrong_does_not_matter_where_another_one_is_given(world: World) -> None:
    world.put("s_1", "00.txt", b"\xff" * 100_000)
    assert packaged(world, captions={"00": "a wolf"}).status is Status.PACKAGED


def test_they_change_the_fingerprint_each_in_its_own_way(world: World) -> None:
    given: list[dict[str, str]] = [{}, {"00": "a wolf"}, {"00": "a hood"}, {"03": "a wolf"}]
    trainings = [packaged(world, key=str(captions), captions=captions) for captions in given]
    assert len({t.dataset.fingerprint for t in trainings if t.dataset}) == len(given)


def test_they_are_recorded_in_the_training_and_beside_the_model(world: World) -> None:
    captions = {"03": "a hood", "00": "Käppchen"}
    training = world.start(captions=captions)
    world.run()
    done = world.finish(training)
    assert (done.status, done.captions) == (Status.SUCCEEDED, captions)
    kept = b"".join(world.kept.read("models/p1/red-riding-hood/v1/captions.json"))
    assert json.loads(kept) == captions


def test_a_training_without_given_captions_has_no_file_of_them(world: World) -> None:
    done = world.start()
    world.run()
    world.finish(done)
    assert world.kept.stat("models/p1/red-riding-hood/v1/captions.json") is None


def test_a_picture_that_went_takes_its_given_caption_with_it_when_it_is_trained_again(world: World) -> None:
    world.put("s_1", "04.jpg", jpeg(4))
    training = world.start(captions={"04": "a wolf"})
    world.pictures.delete(f"{preprocessed_prefix('s_1')}04.jpg")
    world.deliver(TrainingRequested(training_id=training.id))
    again = retry_training(world.of(training), world.desk)
    world.deliver(TrainingRequested(training_id=again.id))
    dataset = world.of(again).dataset
    assert dataset is not None
    assert (dataset.image_count, dataset.caption_count) == (4, 2)


def test_the_same_key_with_the_same_captions_is_the_same_training_even_when_a_picture_is_gone(world: World) -> None:
    first = world.start(captions={"03": "a wolf"})
    world.pictures.delete(f"{preprocessed_prefix('s_1')}03.jpg")
    assert world.start(captions={"03": "a wolf"}) == first


def test_the_same_key_with_other_captions_is_refused(world: World) -> None:
    world.start(captions={"03": "a wolf"})
    with pytest.raises(Conflict):
        world.start(captions={"03": "a hood"})


REFUSED: list[tuple[dict[str, str], type[ProductError], str]] = [
    ({"00": "x" * 2001}, InvalidCaption, r"00\.txt.*2,001 characters"),
    ({"00": "a\x00b"}, InvalidCaption, r"00\.txt.*control characters"),
    ({"00": "a", "99": "b"}, InvalidRequest, "pictures that the shoot does not have: '99'"),
    ({str(i): "x" for i in range(90, 99)}, InvalidRequest, "'90', '91', '92' and 6 more"),
    ({"00.jpg": "a"}, InvalidRequest, "'00.jpg'"),
    ({"__name__": "a"}, InvalidRequest, "__name__"),
    ({str(i): "" for i in range(MAX_CAPTIONS + 1)}, InvalidRequest, "2,001 captions"),
    ({f"{i:04}": "ö" * 200 for i in range(MAX_CAPTIONS)}, InvalidRequest, f"{MAX_CAPTIONS_BYTES:,}"),
]


@pytest.mark.parametrize(("captions", "error", "words"), REFUSED, ids=[words for _, _, words in REFUSED])
def test_captions_that_cannot_be_used_are_refused_before_anything_is_recorded(
    world: World, captions: dict[str, str], error: type[ProductError], words: str
) -> None:
    with pytest.raises(error, match=words):
        world.start(captions=captions)
    assert world.trainings.list_followed(limit=10) == []
    assert world.publisher.published == []


def test_the_api_takes_them_and_says_what_is_wrong_with_them(tmp_path: Path) -> None:
    with api_world(tmp_path) as api:
        api.shoots.create(a_shoot(owner_id=api.user))
        for i in range(4):
            api.put("s_1", f"{i}.jpg", jpeg(i))
        asked = {"shoot_id": "s_1", "trigger_word": "TOK"}
        answer = api.client.post("/v1/trainings", json={**asked, "captions": {"0": "[trigger] as a wolf"}})
        assert answer.status_code == 202, answer.text
        assert api.trainings.get(answer.json()["id"]).captions == {"0": "[trigger] as a wolf"}
        for captions, code in (
            ({"7": "a wolf"}, "invalid_request"),
            ({"0": "a\x00b"}, "invalid_caption"),
            ({"0": 7}, "invalid_request"),
            ({str(i): "" for i in range(2001)}, "invalid_request"),
        ):
            refused = api.client.post("/v1/trainings", json={**asked, "captions": captions})
            assert (refused.status_code, refused.json()["code"]) == (422, code)
