"""What a restored database does with what it has forgotten: the steps of docs/runbook.md, `Restore the database`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from shared.adapters.memory import MemoryModels, MemoryTrainings
from shared.errors import StorageUnavailable, TrainerUnavailable
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


def begin_another(world: World, key: str = "another") -> Training:
    """One more training of the same name, at fal.ai."""
    training = world.start(key=key, parameters={"steps": 20 + len(world.fal.runs)})
    world.run()
    return world.of(training)


def end(world: World, training: Training) -> Training:
    """Let fal.ai end that run well, and its webhook come."""
    assert training.fal is not None
    world.fal.end(training.fal.request_id)
    world.publisher.publish(world.report(training, training.fal.request_id))
    world.run()
    return world.of(training)


def kept(world: World) -> dict[str, str]:
    return {found.name: found.crc32c for found in world.kept.list("models/")}


def test_a_number_that_was_given_after_the_backup_is_not_given_again(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = [end(world, begin_another(world, key)) for key in ("one", "two")]
    before = kept(world)
    restore(world, [])
    capsys.readouterr()
    done = end(world, begin_another(world))
    assert world.models.get(str(done.model_id)).version == 3
    after = kept(world)
    assert {name: after.get(name) for name in before} == before, "what was paid for stays as it is"
    assert all("/v3/" in name for name in set(after) - set(before))
    told = [line for line in map(json.loads, capsys.readouterr().out.splitlines()) if line["severity"] == "ERROR"]
    assert [(line["message"], line["version"], line["other_training_id"]) for line in told] == [
        ("version_was_taken", 1, lost[0].id),
        ("version_was_taken", 2, lost[1].id),
    ]


def test_a_training_that_the_backup_does_not_know_to_be_done_finds_its_own_number(world: World) -> None:
    end(world, begin_another(world, "lost"))
    backup = begin_another(world)
    assert end(world, backup).status is Status.SUCCEEDED
    before = set(kept(world))
    restore(world, [backup])

    world.tick(after_s=TWO_HOURS + 60)
    world.run()
    assert world.models.get(str(world.of(backup).model_id)).version == 2
    assert set(kept(world)) == before


def test_weights_whose_model_was_never_recorded_stay_as_they_are(world: World) -> None:
    lost = begin_another(world, "lost")
    world.kept.faults.fail("copy", StorageUnavailable(reason="the answer got lost"), after=True)
    with pytest.raises(StorageUnavailable):
        end(world, lost)
    before = kept(world)
    assert any(name.endswith(".safetensors") for name in before)
    restore(world, [])
    done = end(world, begin_another(world))
    assert world.models.get(str(done.model_id)).version == 2
    assert {name: kept(world).get(name) for name in before} == before


@pytest.mark.parametrize("found", [b"", b"[]", b'{"training_id": 7}', b"\xff"])
def test_a_description_that_nobody_can_read_is_anothers(world: World, found: bytes) -> None:
    name = "models/p1/red-riding-hood/v1/model.json"
    world.kept.write(name, [found], content_type="application/json")
    done = end(world, begin_another(world))
    assert world.models.get(str(done.model_id)).version == 2
    assert b"".join(world.kept.read(name)) == found
