"""What comes late: who was still at work on something that was erased, or presses again, leaves nothing of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from functions.api.request_erasure import request_erasure
from shared.adapters.memory import MemoryImageJobs
from shared.erasing.plan import Plan
from shared.erasing.receipt import Erasure, State
from shared.erasing.things import Step, Subject, What
from shared.erasing.words import UNCONFIRMED
from shared.errors import ArtifactCorrupt, Conflict, SubmissionUncertain, TrainingFailed, TrainingNotFound
from shared.events import ErasureRequested
from shared.image_jobs import ImageJob
from shared.models import Model, failed_log_name, model_id, staging_prefix, version_prefix
from shared.reservations import free_unused
from shared.settings import RetentionSettings
from shared.stages import Attention, Status
from shared.trainings import Training
from tests.builders import a_model, a_training
from tests.unit.test_erasing import PERSON, a_world, erase, put, submitted
from tests.world import OWNER, World


@pytest.fixture
def world() -> World:
    return a_world()


def failed_pictures(world: World) -> ImageJob:
    """Pictures that fal.ai could not make, and said so in its log."""
    (model,) = world.models.list_for_owner(OWNER, limit=9).items
    job = world.draw(model, "failing", count=1)
    world.run()
    world.fal.end(world.request_of(job), TrainingFailed(reason="no memory", charged=False))
    world.call_back(job)
    return world.images.get(job.id)


@pytest.mark.parametrize("subject", [Subject.IMAGES, Subject.MODEL, Subject.PERSON])
def test_the_log_of_failed_pictures_goes_with_them(world: World, subject: Subject) -> None:
    job = failed_pictures(world)
    assert world.kept.stat(failed_log_name(job.id)) is not None
    subject_id = {Subject.IMAGES: job.id, Subject.MODEL: job.model_id, Subject.PERSON: PERSON}[subject]
    erase(world, subject, subject_id)
    assert world.kept.stat(failed_log_name(job.id)) is None


@pytest.mark.parametrize("subject", [Subject.TRAINING, Subject.PERSON])
def test_a_request_that_was_never_confirmed_is_told_since_fal_cannot_be_asked_to_delete_it(subject: Subject) -> None:
    world = World()
    world.shoot()
    world.fal.lose_answer = [SubmissionUncertain(reason="the connection was lost")]
    training = submitted(world)
    world.trainings.update(training.id, lambda t: t.expired(1, at=world.clock.now()))
    world.tick()
    world.clock.advance(world.monitor_settings.watch_s + 1)
    world.tick()
    receipt = erase(world, subject, training.id if subject is Subject.TRAINING else PERSON)
    (line,) = [line for line in receipt.stays if line.what is What.FAL_REQUEST]
    assert (line.of, line.reason) == ((training.id,), UNCONFIRMED)


def late_mirror(world: World, training: Training) -> Model:
    """What a mirror writes that had begun before the erasure and was held up until after it."""
    number = world.models.allocate_version(training.person_id, training.model_name, training.id)
    put(world, world.kept, f"{version_prefix(training.person_id, training.model_name, number)}weights.safetensors")
    put(world, world.kept, f"{staging_prefix(training.id)}n9/weights.safetensors")
    model = a_model(id=model_id(training.id), owner_id=OWNER, person_id=PERSON, version=number, training_id=training.id)
    world.models.create(model)
    return model


def settled(world: World, erasure: Erasure) -> Erasure:
    """The erasure when it was looked at once more."""
    world.clock.advance(world.erasure_settles_s + 1)
    world.remind(RetentionSettings())
    world.run()
    return world.erasures.get(erasure.id)


@pytest.mark.parametrize("subject", [Subject.TRAINING, Subject.MODEL, Subject.PERSON])
def test_what_somebody_wrote_who_was_still_at_work_goes_too_and_then_it_is_done(subject: Subject) -> None:
    world = World(erasure_settles_s=900)
    world.shoot()
    training = world.finish(submitted(world))
    model = world.models.get(str(training.model_id))
    ids = {Subject.TRAINING: training.id, Subject.MODEL: model.id, Subject.PERSON: PERSON}
    receipt = erase(world, subject, ids[subject])
    assert (receipt.has_receipt, receipt.state) == (True, State.OPEN)
    assert world.remind(RetentionSettings()) == 0, "its time has not come"
    if subject is not Subject.TRAINING:
        late_mirror(world, training)
    done = settled(world, receipt)
    assert (done.state, done.again, done.deleted) == (State.DONE, (), receipt.deleted)
    assert world.models._models == ({model.id: model} if subject is Subject.TRAINING else {})
    left = {found.name for found in world.kept.list("")}
    assert not [name for name in left if name.startswith(staging_prefix(training.id))]
    assert bool(left) is (subject is Subject.TRAINING)


def test_a_model_that_comes_after_its_failed_training_was_erased_goes_too() -> None:
    world = World(erasure_settles_s=900)
    world.shoot()
    training = submitted(world)
    corrupt = ArtifactCorrupt(reason="cut off")
    world.trainings.update(training.id, lambda t: t.advance(Status.MIRRORING, at=world.clock.now()))
    world.trainings.update(training.id, lambda t: t.fail(corrupt, at=world.clock.now(), charged=True))
    world.tick()
    world.run()
    receipt = erase(world, Subject.TRAINING, training.id)
    late_mirror(world, training)
    settled(world, receipt)
    assert (world.models._models, list(world.kept.list(""))) == ({}, [])


def test_a_mirror_that_was_held_up_while_its_model_was_made_and_deleted_does_not_bring_it_back() -> None:
    """Until the second look it would be there without a mark, and pictures that were made with it would be paid for."""
    world = World(erasure_settles_s=900)
    world.shoot()
    training = submitted(world)

    def made_and_deleted() -> None:
        world.deliver(world.report(training))
        erase(world, Subject.MODEL, model_id(training.id))

    world.kept.faults.meanwhile("write", made_and_deleted)
    world.finish(training)
    assert world.models._models == {}
    assert world.of(training).status is Status.SUCCEEDED


def test_what_a_delivery_took_that_was_held_up_until_after_the_receipt_is_given_back() -> None:
    """Nobody deletes it any more: it could never be recovered, nor its model be used."""
    world = World(erasure_settles_s=900)
    world.shoot()
    before = world.finish(submitted(world))
    receipt = erase(world, Subject.PERSON, PERSON)
    assert receipt.has_receipt and before.id not in world.trainings._jobs
    model = world.model("later")
    world.trainings.update(model.training_id, lambda t: t.given_to(receipt.id))
    world.models.update(model.id, lambda m: m.given_to(receipt.id))
    settled(world, receipt)
    assert world.trainings.get(model.training_id).erasure_id is None
    assert world.models.get(model.id).erasure_id is None


def test_what_a_late_delivery_took_is_given_back_also_where_nothing_was_deleted() -> None:
    """Its training was recovered when the eraser came, and has failed again since."""
    world = World(erasure_settles_s=900)
    failed = a_training(owner_id=OWNER, status=Status.FAILED, ended_in=Status.MIRRORING, attention=Attention.NONE)
    world.trainings.create(failed)
    asked = request_erasure(OWNER, Subject.TRAINING, failed.id, failed.model_name, world.erasing())
    world.trainings.update(failed.id, lambda t: t.advance(Status.MIRRORING, at=world.clock.now()))
    world.deliver(ErasureRequested(training_id=asked.id))
    receipt = world.erasures.get(asked.id)
    assert receipt.has_receipt and receipt.deleted == ()
    corrupt = ArtifactCorrupt(reason="cut off")
    world.trainings.update(failed.id, lambda t: t.fail(corrupt, at=world.clock.now(), charged=True))
    world.tick()
    world.trainings.update(failed.id, lambda t: t.given_to(receipt.id))
    assert settled(world, receipt).state is State.DONE
    assert world.of(failed).erasure_id is None


def test_of_what_had_settled_before_only_what_is_told_and_looked_at_is_looked_at_again(world: World) -> None:
    world.erasure_settles_s = 900
    world.clock.advance(901)
    (model,) = world.models.list_for_owner(OWNER, limit=9).items
    receipt = erase(world, Subject.MODEL, model.id)
    late = {What.STORY, What.NOTICES, What.SMALL_PICTURES, What.LATE_IMAGES}
    assert {step.what for step in receipt.again} <= late
    assert settled(world, receipt).state is State.DONE


def test_an_upload_and_a_small_picture_that_come_after_the_erasure_go_too() -> None:
    """Who began to upload, or to look at the shoot, before it was erased writes when nobody can name the shoot."""
    world = World(erasure_settles_s=900)
    world.shoot()
    receipt = erase(world, Subject.PERSON, PERSON, with_shoots=True)
    put(world, world.pictures, "shoots/s_1/preprocessed/late.jpg")
    put(world, world.thumbnails, "thumbnails/s_1/late.jpg-a-b-1x1.webp")
    assert settled(world, receipt).state is State.DONE
    assert [found.name for bucket in (world.pictures, world.thumbnails) for found in bucket.list("")] == []


def test_the_apps_own_pictures_stay_when_it_is_looked_once_more() -> None:
    world = World(erasure_settles_s=900)
    world.shoot()
    pictures = [found.name for found in world.pictures.list("")]
    settled(world, erase(world, Subject.PERSON, PERSON))
    assert [found.name for found in world.pictures.list("")] == pictures


def test_pressing_again_after_the_receipt_begins_no_second_erasure_of_nothing() -> None:
    world = World(erasure_settles_s=900)
    world.shoot()
    training = world.finish(submitted(world))
    erase(world, Subject.TRAINING, training.id)
    with pytest.raises(TrainingNotFound):
        erase(world, Subject.TRAINING, training.id)


@pytest.mark.parametrize("midnight", [False, True])
def test_a_copy_of_the_press_that_comes_after_the_erasure_begins_nothing_again(world: World, midnight: bool) -> None:
    (model,) = world.models.list_for_owner(OWNER, limit=9).items
    training, (job,) = world.trainings.get(model.training_id), world.images._jobs.values()
    erase(world, Subject.IMAGES, job.id)
    erase(world, Subject.TRAINING, training.id)
    runs = len(world.fal.runs)
    if midnight:
        world.clock.advance(24 * 60 * 60)
    with pytest.raises(Conflict, match="deleted"):
        world.draw(model, count=1)
    with pytest.raises(Conflict, match="deleted"):
        world.start(force=True)
    world.run()
    assert len(world.fal.runs) == runs
    assert world.accounts.get(OWNER).reservations == {}


class HeldUpImages(MemoryImageJobs):
    """Sets of pictures of which the next is recorded only after `meanwhile`."""

    meanwhile: Callable[[], object] | None = None

    def create(self, job: ImageJob) -> bool:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return super().create(job)


def test_a_press_that_is_held_up_for_the_whole_life_of_its_pictures_is_undone_unpaid() -> None:
    images = HeldUpImages()
    world = World(images=images)
    model = world.model()

    def a_whole_life() -> None:
        job = world.draw(model)
        world.run()
        world.finish_images(job)
        erase(world, Subject.IMAGES, job.id)
        world.clock.advance(60)

    images.meanwhile = a_whole_life
    with pytest.raises(Conflict, match="deleted"):
        world.draw(model)
    spent_usd = world.accounts.get(OWNER).spent_usd
    world.tick()
    world.run()
    (job,) = images._jobs.values()
    assert (job.status, job.charged, job.attention) == (Status.CANCELED, False, Attention.NONE)
    assert len(world.fal.runs) == 2, "the training's, and the first pictures'"
    assert (world.accounts.get(OWNER).spent_usd, world.accounts.get(OWNER).reservations) == (spent_usd, {})


def test_a_press_that_is_held_up_until_its_money_was_freed_is_undone_unpaid() -> None:
    images = HeldUpImages()
    world = World(images=images)
    model = world.model()

    def long_enough() -> None:
        at = world.clock.advance(660)
        assert free_unused(OWNER, accounts=world.accounts, jobs=world.jobs, at=at)

    images.meanwhile = long_enough
    with pytest.raises(Conflict, match="too long"):
        world.draw(model)
    world.run()
    (job,) = images._jobs.values()
    assert (job.status, job.charged, len(world.fal.runs)) == (Status.CANCELED, False, 1)


def test_no_receipt_is_written_over_steps_that_another_delivery_has_at_hand(world: World) -> None:
    erasure = request_erasure(OWNER, Subject.PERSON, PERSON, PERSON, world.erasing())
    step = Step(what=What.TRAINING, of="t_1", count=1)
    at_hand = erasure.begun(Plan(steps=(step,)), at=world.clock.now())
    assert at_hand.finished((), at=world.clock.now()) == at_hand
    went = at_hand.went(at_hand.batch, (), at=world.clock.now())
    assert went.finished((), at=world.clock.now()).state is State.DONE
    assert (at_hand.unchanged(erasure), went.unchanged(erasure)) == (True, False), "planned before, counted twice"
