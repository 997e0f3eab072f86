"""Small copies of pictures: readers write them at any age of a picture, and none of them outlives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import pytest

from functions.api.request_erasure import preview_erasure
from functions.api.thumbnails import Thumbnail, show_thumbnails
from shared.adapters.memory import MemoryObjects
from shared.erasing.plan import Inventory, plan_erasure
from shared.erasing.receipt import Erasure, State
from shared.erasing.repeats import to_repeat
from shared.erasing.things import Subject, What
from shared.image_jobs import ImageJob
from shared.ports import ObjectInfo
from shared.settings import DatasetSettings
from shared.shoots import Picture, file_name
from tests.builders import AT, an_image_job
from tests.unit.test_erasing import PERSON, a_world, erase, put
from tests.unit.test_erasing_late import settled
from tests.world import OWNER, World


class HeldUpReads(MemoryObjects):
    """Pictures of which the next is read whole, and handed out only after `meanwhile`."""

    meanwhile: Callable[[], object] | None = None

    def read(self, name: str, *, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        data = list(super().read(name, chunk_bytes=chunk_bytes))
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return iter(data)


def look_at(job: ImageJob, world: World) -> Mapping[str, Thumbnail]:
    """What showing the set does: its thumbnails are made where they are missing."""
    info = [ObjectInfo(name=p.name, size=p.size, crc32c=p.crc32c, updated_at=AT) for p in job.pictures]
    shown = [Picture(stem=file_name(each.name).rpartition(".")[0], image=each, caption=None) for each in info]
    limits = DatasetSettings()
    return show_thumbnails(job.prefix, shown, source=world.kept, thumbnails=world.thumbnails, ttl_s=60, limits=limits)


def old_pictures() -> tuple[World, HeldUpReads, ImageJob]:
    """A set of pictures that nothing has changed for longer than an erasure takes to settle, never looked at."""
    world = World(erasure_settles_s=900)
    world.kept = kept = HeldUpReads("models", clock=world.clock)
    job = world.draw(world.model(), count=1)
    world.run()
    job = world.finish_images(job)
    world.clock.advance(901)
    return world, kept, job


def erased(world: World, subject: Subject, job: ImageJob) -> Erasure:
    """The receipt of the subject that the set belongs to."""
    subject_id = {Subject.IMAGES: job.id, Subject.MODEL: job.model_id, Subject.PERSON: job.person_id}[subject]
    return erase(world, subject, subject_id)


@pytest.mark.parametrize("subject", [Subject.IMAGES, Subject.MODEL, Subject.PERSON])
def test_a_small_copy_that_comes_after_the_erasure_goes_too_however_old_its_picture(subject: Subject) -> None:
    """Whoever looked at it may have died before she saw that its picture is gone."""
    world, _, job = old_pictures()
    receipt = erased(world, subject, job)
    put(world, world.thumbnails, f"{job.prefix}1.jpg-late-1x1.webp")
    assert settled(world, receipt).state is State.DONE
    assert list(world.thumbnails.list("")) == []


@pytest.mark.parametrize("subject", [Subject.IMAGES, Subject.MODEL, Subject.PERSON])
def test_who_looks_at_pictures_for_longer_than_their_whole_erasure_takes_her_small_copies_back(
    subject: Subject,
) -> None:
    world, kept, job = old_pictures()
    kept.meanwhile = lambda: settled(world, erased(world, subject, job))
    assert look_at(job, world) == {}
    assert kept.meanwhile is None
    assert list(world.thumbnails.list("")) == []


def test_small_copies_go_after_their_pictures_so_that_who_writes_one_late_sees_it() -> None:
    world = a_world()
    preview = preview_erasure(OWNER, Subject.PERSON, PERSON, world.erasing(with_shoots=True))
    order = [step.what for step in preview.plan.steps]
    for small, whole in ((What.SMALL_PICTURES, What.PICTURES), (What.SHOOT_THUMBNAILS, What.SHOOT_FILES)):
        assert order.index(small) > order.index(whole)


def test_small_copies_of_many_sets_are_looked_for_together() -> None:
    """The record that remembers where to look holds 1 MiB, and a model has as many sets as its user likes."""
    sets = [an_image_job(id=f"i_{number}") for number in range(2000)]
    found = Inventory(subject=Subject.PERSON, images=sets)
    steps = plan_erasure(found).steps
    again = dict.fromkeys(to_repeat(found, steps, changed_after=AT + timedelta(days=1)))
    assert [(step.what, step.place) for step in again] == [(What.SMALL_PICTURES, sets[0].prefix.rpartition("i_0")[0])]
