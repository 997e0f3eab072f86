"""What a restored database does with what it has forgotten: the steps of docs/runbook.md, `Restore the database`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from shared.adapters.memory import MemoryModels, MemoryTrainings
from shared.errors import TrainerUnavailable
from shared.events import DatasetPackaged, TrainingRequested
from shared.stages import Status
from shared.trainings import Training
from tests.world import World

TWO_HOURS = 2 * 60 * 60


@pytest.fixture
def world() -> World:
    world = World()
    world.shoot()
    return world


def restore(world: World, trainings: Sequence[Training]) -> None:
    """The database as it was when these were its trainings, and no model was yet known."""
    world.trainings, world.models = MemoryTrainings(), MemoryModels()
    for training in trainings:
        world.trainings.create(training)


def requested(world: World) -> Training:
    return world.start()


def packaged(world: World) -> Training:
    training = world.start()
    world.deliver(TrainingRequested(training_id=training.id))
    return world.of(training)


def released(world: World) -> Training:
    training = packaged(world)
    world.fal.refuse = [TrainerUnavailable(reason="never reached")]
    message = next(event for event in world.publisher.published if isinstance(event, DatasetPackaged))
    with pytest.raises(TrainerUnavailable):
        world.deliver(message)
    return world.of(training)


@pytest.mark.parametrize("stand", [requested, packaged, released])
def test_what_was_paid_after_the_backup_is_not_paid_again_once_the_monitor_has_looked(
    world: World, stand: Callable[[World], Training]
) -> None:
    backup = stand(world)
    world.run()
    assert world.finish(backup).status is Status.SUCCEEDED
    restore(world, [backup])

    world.tick(after_s=TWO_HOURS + 60)
    for event in list(world.publisher.published):
        world.deliver(event)
    world.run()
    assert world.of(backup).status is Status.FAILED
    assert len(world.fal.runs) == 1


def test_before_the_monitor_has_looked_an_old_message_pays_again(world: World) -> None:
    # why the runbook holds packager and submitter first
    backup = packaged(world)
    world.run()
    world.finish(backup)
    restore(world, [backup])
    world.deliver(TrainingRequested(training_id=backup.id))
    world.deliver([event for event in world.publisher.published if isinstance(event, DatasetPackaged)][-1])
    assert len(world.fal.runs) == 2


def test_what_ran_at_the_backup_is_fetched_again_without_paying(world: World) -> None:
    training = world.start()
    world.run()
    backup = world.of(training)
    assert backup.status is Status.SUBMITTED
    world.finish(training)
    restore(world, [backup])

    world.tick(after_s=TWO_HOURS + 60)
    world.run()
    done = world.of(training)
    assert done.status is Status.SUCCEEDED
    assert world.models.get(str(done.model_id)).version == 1
    assert len(world.fal.runs) == 1


def test_a_number_that_was_given_after_the_backup_is_given_again(world: World) -> None:
    # why the runbook copies the weights first, and puts the numbers back before anything is fetched
    first = world.start(key="first")
    world.run()
    world.fal.end("r1")
    world.publisher.publish(world.report(first, "r1"))
    world.run()
    before = {found.name: found.crc32c for found in world.kept.list("models/")}
    restore(world, [])
    second = world.start(key="second", parameters={"steps": 20})
    world.run()
    world.fal.end("r2")
    world.publisher.publish(world.report(second, "r2"))
    world.run()
    after = {found.name: found.crc32c for found in world.kept.list("models/")}
    assert world.of(second).status is Status.SUCCEEDED
    assert set(after) == set(before), "the second model has the first one's names"
    assert after != before
