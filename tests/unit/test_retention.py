"""Retention: what failed or was canceled goes when its time has come, and before that its owner is told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.api.end_training import retry_training
from functions.api.request_erasure import DUE_LIMIT, list_due
from shared.erasing.receipt import Cause, State
from shared.erasing.things import Subject
from shared.erasing.words import BEGUN_AGAIN
from shared.errors import ArtifactCorrupt, TrainingNotFound
from shared.events import ErasureRequested
from shared.settings import RetentionSettings
from shared.stages import Attention, Status
from shared.trainings import Training
from tests.builders import a_training, an_image_job
from tests.unit.test_erasing import OTHERS, a_world, pictures_of, submitted
from tests.world import OWNER, World

WEEK = RetentionSettings(failed_kept_days=7)
WEEK_S = timedelta(days=7).total_seconds()


@pytest.fixture
def world() -> World:
    return a_world()


def test_failed_trainings_go_when_their_time_has_come_and_nothing_else(world: World) -> None:
    (failed,) = world.trainings.list_for_owner(OWNER, limit=9, status=Status.FAILED).items
    week = RetentionSettings(failed_kept_days=7)
    assert world.remind(week) == 0
    assert list_due(OWNER, kept_days=7, jobs=world.jobs, now=world.clock.now())[0].job == failed
    assert list_due(OWNER, kept_days=90, jobs=world.jobs, now=world.clock.now()) == []
    assert list_due(OWNER, kept_days=0, jobs=world.jobs, now=world.clock.now()) == []
    world.clock.advance(timedelta(days=7).total_seconds() + 1)
    assert world.remind(RetentionSettings()) == 0, "for ever, where nothing is set"
    assert world.remind(week) == 1
    assert world.remind(week) == 0
    world.run()
    (receipt,) = world.erasures.list_for_owner(OWNER, limit=9).items
    assert (receipt.cause, receipt.subject_id, receipt.state) == (Cause.RETENTION, failed.id, State.DONE)
    assert len(world.models.list_for_owner(OWNER, limit=9).items) == 1
    assert world.trainings.get("t_other").owner_id == OTHERS


def test_failed_pictures_go_when_their_time_has_come_and_good_ones_stay(world: World) -> None:
    made = pictures_of(world)
    failed = replace(an_image_job(id="i_failed", owner_id=OWNER, status=Status.FAILED), attention=Attention.NONE)
    world.images.create(replace(failed, updated_at=world.clock.now()))
    week = RetentionSettings(failed_kept_days=7)
    due = list_due(OWNER, kept_days=7, jobs=world.jobs, now=world.clock.now())
    assert "i_failed" in [each.job.id for each in due] and made.id not in [each.job.id for each in due]
    world.clock.advance(timedelta(days=7).total_seconds() + 1)
    assert world.remind(week) == 2, "the failed training, too"
    assert world.remind(week) == 0
    world.run()
    assert [job.id for job in world.images.list_for_owner(OWNER, limit=9).items] == [made.id]
    receipts = world.erasures.list_for_owner(OWNER, limit=9).items
    assert {(receipt.subject, receipt.cause) for receipt in receipts} == {
        (Subject.TRAINING, Cause.RETENTION),
        (Subject.IMAGES, Cause.RETENTION),
    }


def fails_in_mirroring(world: World, training: Training) -> None:
    """Its weights are paid for and cannot be fetched: Retry fetches them again."""
    corrupt = ArtifactCorrupt(reason="cut off")
    world.trainings.update(training.id, lambda t: t.advance(Status.MIRRORING, at=world.clock.now()))
    world.trainings.update(training.id, lambda t: t.fail(corrupt, at=world.clock.now(), charged=True))
    world.tick()


def test_what_was_recovered_when_its_time_came_and_failed_again_goes_when_its_time_comes_again() -> None:
    world = World()
    world.shoot()
    training = submitted(world)
    fails_in_mirroring(world, training)
    world.run()
    world.clock.advance(WEEK_S + 1)
    assert world.remind(WEEK) == 1
    retry_training(world.of(training), world.desk)
    (due,) = [event for event in world.publisher.published if isinstance(event, ErasureRequested)]
    world.deliver(due)
    spared = world.erasures.get(due.training_id)
    assert (spared.state, [line.reason for line in spared.stays][:1]) == (State.DONE, [BEGUN_AGAIN])
    fails_in_mirroring(world, training)
    world._delivered = len(world.publisher.published)
    assert world.remind(WEEK) == 0, "its time begins anew"
    world.clock.advance(WEEK_S + 1)
    assert world.remind(WEEK) == 1
    world.run()
    with pytest.raises(TrainingNotFound):
        world.of(training)


@pytest.mark.parametrize("kind", ["trainings", "images"])
def test_what_goes_first_is_told_however_much_failed_after_it(kind: str) -> None:
    world = World()
    now = world.clock.now()
    for number in range(DUE_LIMIT + 1):
        at = now - timedelta(days=7) + timedelta(hours=number)
        job = {"trainings": a_training, "images": an_image_job}[kind](
            id=f"j_{number}", owner_id=OWNER, status=Status.FAILED, attention=Attention.NONE
        )
        getattr(world, kind).create(replace(job, created_at=at, updated_at=at))
    told = list_due(OWNER, kept_days=7, jobs=world.jobs, now=now)
    assert [due.job.id for due in told] == [f"j_{number}" for number in range(DUE_LIMIT)]
    assert told[0].at == now
