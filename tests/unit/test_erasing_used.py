"""A model that something is being made with is not deleted before that has ended, and nothing new begins with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from functions.api.request_erasure import preview_erasure, request_erasure
from functions.api.retrain_model import Changes, retrain_model
from shared.adapters.memory import MemoryImageJobs
from shared.erasing.receipt import Erasure, State
from shared.erasing.things import Subject, What
from shared.erasing.words import BEGUN_AGAIN
from shared.errors import Conflict, ImagesNotFound, ModelErased, ModelInUse, ModelNotFound
from shared.events import ErasureRequested, ResultReported
from shared.image_jobs import ImageJob
from shared.jobs import Job
from shared.models import Model
from shared.settings import RetentionSettings
from shared.stages import Attention, Status
from shared.trainings import Training
from tests.builders import a_training
from tests.world import OWNER, World

PERSON = "p1"
CONTINUABLE = "fal-ai/flux-lora-portrait-trainer"


@pytest.fixture
def world() -> World:
    return World()


def a_model_to_continue(world: World) -> Model:
    """A model whose trainer can go on from it."""
    world.shoot(shoot_id="s_key", images=10, captions=10)
    training = world.start("s_key", "key", trainer=CONTINUABLE)
    world.run()
    world.fal.end(world.request_of(training))
    world.publisher.publish(world.report(training, world.request_of(training)))
    world.run()
    return world.models.get(str(world.of(training).model_id))


def continued(world: World, model: Model, key: str = "on") -> Training:
    """What pressing "Continue" does."""
    changes = Changes(parameters={"steps": 20}, continues=True, force=True)
    return retrain_model(model, key, changes, desk=world.desk, kept=world.kept)


def asked(world: World, model: Model) -> Erasure:
    """The erasure of the model, recorded and not begun: its message has not come yet."""
    erasure = request_erasure(OWNER, Subject.MODEL, model.id, model.name, world.erasing())
    world.publisher.published.pop()
    return erasure


def deliver(world: World, erasure: Erasure, **delivery: Any) -> Erasure:
    world.deliver(ErasureRequested(training_id=erasure.id), **delivery)
    return world.erasures.get(erasure.id)


def waits(world: World, erasure: Erasure, *, of: str) -> None:
    """The message comes, and the erasure says what it waits for."""
    with pytest.raises(ModelInUse):
        deliver(world, erasure)
    assert of in world.erasures.get(erasure.id).hindrance


def unpaid(world: World, job: Job, runs: int) -> None:
    """It failed with the reason, and fal.ai was never asked."""
    failed = world.jobs.get(job.id)
    assert failed.error is not None
    assert (failed.status, failed.error.code, failed.charged) == (Status.FAILED, "model_erased", False)
    assert "deleted" in failed.error.message and "nothing was charged" in failed.error.message
    assert (len(world.fal.runs), failed.attention) == (runs, Attention.NONE)


@pytest.mark.parametrize("status", [Status.REQUESTED, Status.PACKAGED, Status.SUBMITTING, Status.RUNNING])
def test_a_model_is_not_deleted_while_a_training_continues_from_it(world: World, status: Status) -> None:
    model = a_model_to_continue(world)
    child = a_training(id="t_child", owner_id=OWNER, person_id=PERSON, shoot_id=model.shoot_id, status=status)
    world.trainings.create(replace(child, parent_model_id=model.id, continues=True))
    (hindrance,) = preview_erasure(OWNER, Subject.MODEL, model.id, world.erasing()).hindrances
    assert hindrance.startswith("a training continues from it: cancel t_child or wait")
    with pytest.raises(Conflict, match="a training continues from it"):
        asked(world, model)


def test_a_training_that_only_began_like_the_model_hinders_nobody(world: World) -> None:
    model = a_model_to_continue(world)
    child = a_training(id="t_child", owner_id=OWNER, shoot_id=model.shoot_id, status=Status.RUNNING)
    world.trainings.create(replace(child, parent_model_id=model.id))
    assert preview_erasure(OWNER, Subject.MODEL, model.id, world.erasing()).hindrances == ()


def test_of_pictures_that_are_being_made_it_is_said_that_they_are(world: World) -> None:
    model = world.model()
    job = world.draw(model)
    (hindrance,) = preview_erasure(OWNER, Subject.MODEL, model.id, world.erasing()).hindrances
    assert hindrance.startswith(f"pictures are being made with it: cancel {job.id} or wait")


def test_pictures_that_are_paid_for_since_are_waited_for_and_nothing_new_begins_with_the_model(world: World) -> None:
    model = world.model()
    erasure = asked(world, model)
    job = world.draw(model)
    world.run()
    waits(world, erasure, of=f"pictures are being made with it ({job.id})")
    marked = world.models.get(model.id)
    with pytest.raises(ModelErased, match=model.id):
        world.draw(marked, key="another")
    assert world.draw(marked).id == job.id, "the same press is what it was"
    assert world.finish_images(job).status is Status.SUCCEEDED
    assert deliver(world, erasure).state is State.DONE
    assert (world.models._models, world.images._jobs, list(world.kept.list("images/"))) == ({}, {}, [])


def test_a_training_that_continues_since_is_waited_for_and_no_other_one_continues(world: World) -> None:
    model = a_model_to_continue(world)
    erasure = asked(world, model)
    child = continued(world, model)
    world.run()
    waits(world, erasure, of=f"a training continues from it ({child.id})")
    with pytest.raises(ModelErased, match=model.id):
        continued(world, world.models.get(model.id), key="another")
    world.fal.end(world.request_of(child))
    world.publisher.publish(world.report(child, world.request_of(child)))
    world.run()
    assert world.of(child).status is Status.SUCCEEDED
    assert deliver(world, erasure).state is State.DONE
    assert list(world.models._models) == [world.of(child).model_id]


def draw(world: World, model: Model) -> Job:
    return world.draw(model)


STARTS: dict[str, Callable[[World, Model], Job]] = {"pictures": draw, "a training that continues": continued}


@pytest.mark.parametrize("what", STARTS)
def test_what_was_recorded_and_not_sent_when_the_erasure_began_fails_unpaid(world: World, what: str) -> None:
    model = a_model_to_continue(world)
    erasure, runs = asked(world, model), len(world.fal.runs)
    job = STARTS[what](world, model)
    waits(world, erasure, of=job.id)
    world.run()
    unpaid(world, job, runs)
    assert deliver(world, erasure).state is State.DONE


@pytest.mark.parametrize("what", STARTS)
def test_what_is_claimed_while_the_erasure_begins_is_given_up_before_it_is_paid(world: World, what: str) -> None:
    """The submitter looks at the model when it has its claim, so that one of the two sees the other."""
    model = a_model_to_continue(world)
    erasure, runs = asked(world, model), len(world.fal.runs)
    job = STARTS[what](world, model)
    world.deliver(world.publisher.published[-1])
    jobs = world.images if isinstance(job, ImageJob) else world.trainings
    jobs.faults.meanwhile("update", lambda: waits(world, erasure, of=job.id), after=True)
    world.deliver(world.publisher.published[-1])
    world.tick()
    unpaid(world, job, runs)
    assert deliver(world, erasure).state is State.DONE


@pytest.mark.parametrize("what", STARTS)
def test_what_is_recorded_when_the_model_is_gone_fails_unpaid(world: World, what: str) -> None:
    model = a_model_to_continue(world)
    runs = len(world.fal.runs)
    job = STARTS[what](world, model)
    world.models.delete(model.id)
    world.run()
    unpaid(world, job, runs)


@pytest.mark.parametrize("what", STARTS)
def test_a_late_copy_of_the_packagers_message_does_not_give_up_what_was_paid_for_since(world: World, what: str) -> None:
    """It finds the model marked, and the job sent by the first copy a moment before that."""
    model = a_model_to_continue(world)
    erasure = asked(world, model)
    job = STARTS[what](world, model)
    requested = world.publisher.published[-1]
    world.deliver(requested)
    prepared = world.publisher.published[-1]

    def sent_and_then_marked() -> None:
        world.deliver(prepared)
        waits(world, erasure, of=job.id)

    world.models.faults.meanwhile("get", sent_and_then_marked)
    world.deliver(requested)
    assert world.jobs.get(job.id).status is Status.SUBMITTED
    world.fal.end(world.request_of(job))
    nonce = str(world.jobs.get(job.id).prepared_nonce)
    world.deliver(ResultReported(training_id=job.id, nonce=nonce, request_id=world.request_of(job)))
    assert world.jobs.get(job.id).status is Status.SUCCEEDED


class LateImages(MemoryImageJobs):
    """Sets of pictures of which the next is recorded only after `meanwhile`."""

    meanwhile: Callable[[], object] | None = None

    def create(self, job: ImageJob) -> bool:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return super().create(job)


@pytest.mark.parametrize("subject", [Subject.MODEL, Subject.PERSON])
def test_pictures_that_are_recorded_when_the_erasure_has_looked_go_at_its_second_look(subject: Subject) -> None:
    world = World(images=LateImages(), erasure_settles_s=900)
    model = world.model()
    wanted, name = (model.id, model.name) if subject is Subject.MODEL else (PERSON, PERSON)

    def erased() -> None:
        request_erasure(OWNER, subject, wanted, name, world.erasing())
        world.run()

    world.images.meanwhile = erased  # type: ignore[attr-defined]
    job = world.draw(model, prompt="something private")
    world.run()
    unpaid(world, job, 1)
    world.clock.advance(world.erasure_settles_s + 1)
    world.remind(RetentionSettings())
    world.run()
    (receipt,) = world.erasures.list_for_owner(OWNER, limit=9).items
    assert receipt.state is State.DONE
    with pytest.raises(ImagesNotFound):
        world.images.get(job.id)


def test_one_that_waits_ends_in_no_dead_letter_and_comes_again_by_the_monitor(world: World) -> None:
    model = world.model()
    erasure = asked(world, model)
    job = world.draw(model)
    world.run()
    waiting = deliver(world, erasure, attempt=world.max_attempts)
    assert (waiting.state, job.id in waiting.hindrance) == (State.OPEN, True)
    world.finish_images(job)
    world.tick(after_s=world.monitor_settings.stalled_s + 1)
    world.remind(RetentionSettings())
    world.run()
    assert world.erasures.get(erasure.id).state is State.DONE
    with pytest.raises(ModelNotFound):
        world.models.get(model.id)


def test_a_person_goes_but_for_what_a_model_is_still_used_for_and_then_that_goes(world: World) -> None:
    model = world.model()
    world.model("other")
    request_erasure(OWNER, Subject.PERSON, PERSON, PERSON, world.erasing())
    erasure = world.erasures.get(world.publisher.published.pop().training_id)
    job = world.draw(model)
    world.run()
    waits(world, erasure, of=job.id)
    assert list(world.models._models) == [model.id], "the other one went"
    world.finish_images(job)
    assert deliver(world, erasure).state is State.DONE
    assert (world.models._models, world.images._jobs, world.trainings._jobs) == ({}, {}, {})


def test_a_training_that_begins_while_its_person_is_looked_through_is_told_and_not_deleted(world: World) -> None:
    model = world.model()
    request_erasure(OWNER, Subject.PERSON, PERSON, PERSON, world.erasing())
    begun: list[Training] = []

    def begin() -> None:
        begun.append(world.start("s_key", "another", force=True))
        world.deliver(world.publisher.published[-1])
        world.deliver(world.publisher.published[-1])

    world.models.faults.meanwhile("update", begin)
    (erasure,) = world.erasures.list_for_owner(OWNER, limit=9).items
    receipt = deliver(world, erasure)
    assert world.of(begun[0]).status is Status.SUBMITTED
    assert [(line.what, line.of) for line in receipt.stays if line.reason == BEGUN_AGAIN] == [
        (What.TRAINING, (begun[0].id,))
    ]
    assert model.id not in world.models._models
