"""What identifies a dataset: what is in the archive in the end, whichever way it came there."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import pytest

from functions.api.end_training import retry_training
from shared.adapters.crc32c import Crc32c
from shared.datasets import with_captions
from shared.errors import AlreadyTrained, AlreadyTraining, DatabaseUnavailable
from shared.fingerprints import fingerprint
from shared.shoots import Picture, preprocessed_prefix
from shared.stages import Stage, Status
from tests.pictures import a_listed_picture
from tests.world import OWNER, World, jpeg

FOUR = tuple(a_listed_picture(f"{i}.jpg", caption_size=10) for i in range(4))


def stored(picture: Picture, data: bytes) -> Picture:
    """The picture with a caption of these bytes in the bucket."""
    checksum = Crc32c()
    checksum.update(data)
    assert picture.caption is not None
    return replace(picture, caption=replace(picture.caption, size=len(data), crc32c=checksum.text()))


def test_the_same_dataset_has_the_same_fingerprint_and_any_change_another() -> None:
    plain = fingerprint(FOUR, {})
    assert fingerprint(tuple(reversed(FOUR)), {}) == plain
    changed = [
        fingerprint(FOUR[:3], {}),
        fingerprint((*FOUR[:3], a_listed_picture("3.jpg", caption_size=11)), {}),
        fingerprint((*FOUR[:3], a_listed_picture("3.jpg", caption_size=10, crc32c="AQ==")), {}),
        fingerprint((*FOUR[:3], a_listed_picture("3.jpg")), {}),
        fingerprint((*FOUR[:3], a_listed_picture("3.png", caption_size=10)), {}),
        fingerprint(FOUR, {"3": "a wolf"}),
        fingerprint(FOUR, {"3": "a hood"}),
        fingerprint(FOUR, {"3": ""}),
        fingerprint(FOUR, {"2": "a wolf"}),
    ]
    assert len({plain, *changed}) == 1 + len(changed)


def test_a_given_caption_stands_in_for_the_stored_one() -> None:
    replaced = with_captions(FOUR, {"1": "a wolf"})
    assert [p.caption is None for p in replaced] == [False, True, False, False]
    assert fingerprint(FOUR, {"1": "a wolf"}) == fingerprint(replaced, {"1": "a wolf"})


@pytest.mark.parametrize("end", ["", "\n", "\r\n"], ids=repr)
@pytest.mark.parametrize("text", ["", "a wolf", "Käppchen 🐺"])
def test_a_caption_that_is_given_as_it_is_stored_changes_nothing(text: str, end: str) -> None:
    pictures = (stored(FOUR[0], f"{text}{end}".encode()), *FOUR[1:])
    assert fingerprint(pictures, {"0": text}) == fingerprint(pictures, {})
    assert fingerprint(pictures, {"0": f"{text}?"}) != fingerprint(pictures, {})


def test_it_is_the_same_whether_a_caption_was_given_or_is_stored_now() -> None:
    assert fingerprint(FOUR, {"0": "a wolf"}) == fingerprint((stored(FOUR[0], b"a wolf"), *FOUR[1:]), {})


def test_how_a_file_is_called_in_the_bucket_and_not_in_the_archive_does_not_count() -> None:
    shouted = a_listed_picture("3.JPG", caption_size=10)
    assert fingerprint((*FOUR[:3], shouted), {}) == fingerprint(FOUR, {})


# --- never paying twice for it


@pytest.fixture
def world() -> World:
    world = World()
    world.shoot()
    return world


def archived(world: World) -> list[list[str]]:
    """The names in each ZIP that lies about."""
    found = [b"".join(world.datasets.read(name)) for name in world.zips()]
    return [zipfile.ZipFile(BytesIO(data)).namelist() for data in found]


def test_captions_given_as_they_are_stored_are_the_same_order(world: World) -> None:
    first = world.start()
    with pytest.raises(AlreadyTraining, match=first.id):
        world.start(key="again", captions={"00": "[trigger] in picture 0"})
    world.run()
    world.finish(first)
    with pytest.raises(AlreadyTrained):
        world.start(key="again", captions={"00": "[trigger] in picture 0", "01": "[trigger] in picture 1"})


def test_captions_that_were_given_and_are_stored_now_are_the_same_order(world: World) -> None:
    first = world.start(captions={"00": "a wolf"})
    world.run()
    world.finish(first)
    world.put("s_1", "00.txt", b"a wolf")
    with pytest.raises(AlreadyTrained):
        world.start(key="again")


CHANGES: dict[str, Callable[[World], object]] = {
    "another caption": lambda world: world.put("s_1", "00.txt", b"a wolf"),
    "another picture": lambda world: world.put("s_1", "00.jpg", jpeg(9)),
    "one more picture": lambda world: world.put("s_1", "04.jpg", jpeg(4)),
    "a caption that went": lambda world: world.pictures.delete(f"{preprocessed_prefix('s_1')}00.txt"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("force", [False, True])
def test_what_was_changed_before_it_was_packed_is_not_trained_unseen(world: World, change: str, force: bool) -> None:
    training = world.start(force=force)
    CHANGES[change](world)
    world.run()
    failed = world.of(training)
    assert failed.status is Status.FAILED and failed.error is not None
    assert (failed.error.code, failed.error.stage, failed.error.charged) == ("dataset_changed", Stage.PACKAGING, False)
    assert (world.zips(), world.fal.runs) == ([], {})
    again = retry_training(failed, world.desk)
    world.run()
    assert world.of(again).status is Status.SUBMITTED


def test_a_dataset_that_was_changed_and_changed_back_is_packed_and_bought_once(world: World) -> None:
    first = world.start()
    world.put("s_1", "00.txt", b"a wolf")
    second = world.start(key="second")
    world.put("s_1", "00.txt", b"[trigger] in picture 0")
    with pytest.raises(AlreadyTraining, match=first.id):
        world.start(key="third")
    world.run()
    assert [world.of(training).status for training in (first, second)] == [Status.SUBMITTED, Status.FAILED]
    assert len(archived(world)) == len(world.fal.runs) == 1


def test_an_order_that_died_before_it_was_recorded_counts_for_the_shoot_as_it_is_when_it_goes_on(world: World) -> None:
    world.trainings.faults.fail("create", DatabaseUnavailable(reason="503"))
    with pytest.raises(DatabaseUnavailable):
        world.start()
    world.put("s_1", "00.txt", b"a wolf")
    training = world.start()
    with pytest.raises(AlreadyTraining, match=training.id):
        world.start(key="in another tab")
    assert len(world.accounts.get(OWNER).reservations) == 1


def test_a_training_that_was_stored_without_a_recipe_is_packed_as_the_shoot_is(world: World) -> None:
    training = world.start()
    world.trainings.update(training.id, lambda t: replace(t, recipe=""))
    world.put("s_1", "04.jpg", jpeg(4))
    world.run()
    assert world.of(training).status is Status.SUBMITTED
