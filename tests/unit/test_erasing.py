"""Erasing: everything of it goes, nothing of anybody else's, whatever happens in between, and the receipt says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from functions.api.request_erasure import preview_erasure, request_erasure
from shared.adapters.memory import Faults
from shared.documents import to_document
from shared.erasing.plan import MOST_STEPS, Plan
from shared.erasing.receipt import Cause, Erasure, State
from shared.erasing.things import Step, Subject, What
from shared.erasing.words import BEGUN_AGAIN
from shared.errors import (
    Conflict,
    ImagesNotFound,
    ModelNotFound,
    PersonNotFound,
    StorageUnavailable,
    TrainerUnavailable,
    TrainingFailed,
    TrainingNotFound,
)
from shared.events import (
    CheckRequested,
    ErasureRequested,
    ImagesRequested,
    ResultReported,
    TrainingFinished,
    TrainingRequested,
)
from shared.image_jobs import ImageJob
from shared.models import version_prefix
from shared.ports import Objects
from shared.settings import RetentionSettings
from shared.stages import Attention, Status
from shared.trainings import Training
from tests.builders import AT, a_model, a_shoot, a_training
from tests.world import OWNER, World

PERSON = "p1"
OTHERS = "berta"
WRITING = frozenset({"delete", "update", "create", "forget", "forget_name"})


class Killed(BaseException):
    """The process is gone: nobody catches this."""


class KilledAt(Faults):
    """Kills the process at the `n`th change of anything: before it, or right after it."""

    def __init__(self, n: int, *, after: bool) -> None:
        super().__init__()
        self.left, self.after = n, after

    @contextmanager
    def around(self, method: str) -> Iterator[None]:
        if method in WRITING:
            self.left -= 1
        now = method in WRITING and self.left == 0
        if now and not self.after:
            raise Killed
        yield
        if now:
            raise Killed


@pytest.fixture
def world() -> World:
    return a_world()


def a_world() -> World:
    """A model of a training, a failed training, and the same person's things of another owner."""
    world = World()
    world.shoot()
    world.finish(submitted(world))
    failed = world.start(key="second", force=True)
    world.run()
    world.fal.end("r2", TrainingFailed(reason="no face"))
    world.publisher.publish(world.report(failed, "r2"))
    world.run()
    (model,) = world.models.list_for_owner(OWNER, limit=9).items
    job = world.draw(model, count=1)
    world.run()
    world.finish_images(job)
    put(world, world.thumbnails, "thumbnails/s_1/00.jpg-a-1x1.webp")
    put(world, world.kept, f"images/{PERSON}/red-riding-hood/v1/i_1/0.png")
    put(world, world.thumbnails, f"images/{PERSON}/red-riding-hood/v1/i_1/0.webp")
    others(world)
    return world


def others(world: World) -> None:
    """Another owner's model and training of a person with the same id, and of the same name."""
    training = a_training(
        id="t_other", owner_id=OTHERS, person_id=PERSON, status=Status.SUCCEEDED, attention=Attention.NONE
    )
    world.trainings.create(training)
    number = world.models.allocate_version(PERSON, training.model_name, training.id)
    world.models.create(
        a_model(id="m_other", owner_id=OTHERS, person_id=PERSON, training_id=training.id, version=number)
    )
    world.shoots.create(a_shoot(id="s_other", owner_id=OTHERS, person_id=PERSON))
    put(world, world.kept, f"{version_prefix(PERSON, training.model_name, number)}weights.safetensors")
    put(world, world.kept, f"images/{PERSON}/{training.model_name}/v{number}/i_9/0.png")
    put(world, world.thumbnails, "thumbnails/s_other/00.webp")


def put(world: World, bucket: Objects, name: str) -> None:
    bucket.write(name, [b"of a person"], content_type="image/png")


def submitted(world: World) -> Training:
    training = world.start()
    world.run()
    return world.of(training)


def erase(world: World, subject: Subject, subject_id: str, *, with_shoots: bool = False) -> Erasure:
    """What pressing the button does, to its end."""
    ports = world.erasing(with_shoots=with_shoots)
    name = preview_erasure(OWNER, subject, subject_id, ports).name
    erasure = request_erasure(OWNER, subject, subject_id, name, ports)
    world.run()
    return world.erasures.get(erasure.id)


@dataclass(frozen=True)
class Rest:
    """All that is left anywhere, as text; receipts apart."""

    documents: str
    objects: tuple[str, ...]

    @classmethod
    def of(cls, world: World, owner: str = OWNER) -> Rest:
        stores = (world.trainings._jobs, world.images._jobs, world.models._models, world.shoots._shoots)
        kept = [value for store in stores for value in store.values() if value.owner_id == owner]
        documents = [json.dumps(to_document(value, mode="json"), default=str) for value in kept]
        documents += [str(entry) for entry in world.stories.entries]
        documents += [str(notices) for notices in world.notices._notices.values()]
        buckets = world.buckets.values()
        return cls("\n".join(documents), tuple(f"{b.uri}/{found.name}" for b in buckets for found in b.list("")))


OTHERS_OBJECTS = {
    "gs://models/models/p1/red-riding-hood/v2/weights.safetensors",
    "gs://models/images/p1/red-riding-hood/v2/i_9/0.png",
    "gs://thumbnails/thumbnails/s_other/00.webp",
}


def of(what: What, erasure: Erasure) -> tuple[int, tuple[str, ...]]:
    """How many of a kind a receipt says are deleted, and what they were of."""
    lines = [line for line in erasure.deleted if line.what is what]
    return sum(line.count for line in lines), tuple(i for line in lines for i in line.of)


def test_of_an_erased_person_nothing_is_left_but_the_receipt_and_what_is_anothers(world: World) -> None:
    receipt = erase(world, Subject.PERSON, PERSON, with_shoots=True)
    assert (receipt.state, receipt.subject_id, receipt.batch) == (State.DONE, "", ())
    rest = Rest.of(world)
    assert rest.documents == ""
    assert set(rest.objects) == OTHERS_OBJECTS
    assert PERSON not in json.dumps(to_document(receipt, mode="json"))
    assert "red-riding-hood" not in json.dumps(to_document(receipt, mode="json"))
    assert set(world.fal.forgotten) == {"r1", "r2", "r3"}


def test_what_is_anothers_of_a_person_with_the_same_id_stays(world: World) -> None:
    before = (world.trainings.get("t_other"), world.models.get("m_other"), world.shoots.get("s_other"))
    erase(world, Subject.PERSON, PERSON, with_shoots=True)
    assert before == (world.trainings.get("t_other"), world.models.get("m_other"), world.shoots.get("s_other"))
    with pytest.raises(ModelNotFound):
        preview_erasure(OWNER, Subject.MODEL, "m_other", world.erasing())
    with pytest.raises(TrainingNotFound):
        preview_erasure(OWNER, Subject.TRAINING, "t_other", world.erasing())
    with pytest.raises(PersonNotFound):
        preview_erasure(OWNER, Subject.PERSON, PERSON, world.erasing())


@pytest.mark.parametrize("kind", ["training", "images"])
def test_a_message_that_comes_after_an_erasure_leaves_no_story_of_what_is_gone(world: World, kind: str) -> None:
    job = next(iter((world.trainings if kind == "training" else world.images)._jobs.values()))
    late = {
        "training": [TrainingRequested(training_id=job.id), TrainingFinished(training_id=job.id, status="succeeded")],
        "images": [ImagesRequested(training_id=job.id), CheckRequested(training_id=job.id)],
    }
    erase(world, Subject.PERSON, PERSON, with_shoots=True)
    for event in late[kind]:
        world.deliver(event)
    assert world.stories.entries == []


def test_version_numbers_are_not_given_again(world: World) -> None:
    erase(world, Subject.PERSON, PERSON, with_shoots=True)
    assert world.models.allocate_version(PERSON, "red-riding-hood", "t_next") == 3


def test_shoots_are_the_apps_where_they_cannot_be_imported(world: World) -> None:
    pictures = [found.name for found in world.pictures.list("")]
    receipt = erase(world, Subject.PERSON, PERSON)
    assert [found.name for found in world.pictures.list("")] == pictures
    assert world.shoots.get("s_1").person_id == PERSON
    (line,) = [line for line in receipt.stays if line.what is What.SHOOT]
    assert line.of == ("s_1",)
    assert "app" in line.reason
    # small copies of them are ours
    assert not list(world.thumbnails.list("thumbnails/s_1/"))


def test_a_model_goes_with_its_files_pictures_and_what_fal_keeps_and_its_training_stays(world: World) -> None:
    (model,) = world.models.list_for_owner(OWNER, limit=9).items
    receipt = erase(world, Subject.MODEL, model.id)
    assert not [name for name in Rest.of(world).objects if "/v1/" in name]
    assert world.trainings.get(model.training_id).status is Status.SUCCEEDED
    assert set(world.fal.forgotten) == {"r1", "r3"}
    assert of(What.MODEL_FILES, receipt) == (6, (model.id,))
    assert (of(What.PICTURES, receipt)[0], of(What.SMALL_PICTURES, receipt)[0]) == (2, 1)
    assert [line.of for line in receipt.stays if line.what is What.TRAINING] == [(model.training_id,)]
    assert world.models.allocate_version(PERSON, model.name, "t_next") == 3


def pictures_of(world: World, number: int = 0) -> ImageJob:
    return world.images.list_for_owner(OWNER, limit=9).items[number]


def test_pictures_go_alone_with_their_prompt_and_what_fal_keeps_and_no_name_is_asked(world: World) -> None:
    job = pictures_of(world)
    small = f"{job.prefix}1.jpg-x-64x64.webp"
    put(world, world.thumbnails, small)
    before = Rest.of(world)
    assert preview_erasure(OWNER, Subject.IMAGES, job.id, world.erasing()).name == ""
    receipt = erase(world, Subject.IMAGES, job.id)
    gone = set(before.objects) - set(Rest.of(world).objects)
    assert gone == {f"gs://models/{job.prefix}1.jpg", f"gs://thumbnails/{small}"}
    assert (of(What.PICTURES, receipt), of(What.IMAGES, receipt)) == ((1, (job.id,)), (1, (job.id,)))
    assert set(world.fal.forgotten) == {"r3"}
    assert world.stories.list_for_training(job.id, limit=9) == []
    assert job.prompt not in Rest.of(world).documents
    assert world.models.get(job.model_id).id == job.model_id
    with pytest.raises(ImagesNotFound):
        world.images.get(job.id)
    world.deliver(ResultReported(training_id=job.id, nonce="n", request_id="r3"))


def test_pictures_under_way_are_not_deleted_and_neither_is_their_model_nor_the_person(world: World) -> None:
    (model,) = world.models.list_for_owner(OWNER, limit=9).items
    job = world.draw(model, key="more")
    world.run()
    for subject, wanted, name in (
        (Subject.IMAGES, job.id, ""),
        (Subject.MODEL, model.id, model.name),
        (Subject.PERSON, PERSON, PERSON),
    ):
        with pytest.raises(Conflict, match=f"cancel {job.id}"):
            request_erasure(OWNER, subject, wanted, name, world.erasing())
    assert world.finish_images(job).status is Status.SUCCEEDED


def test_of_pictures_that_are_paid_and_not_fetched_it_is_said_that_they_are_given_up(world: World) -> None:
    (model,) = world.models.list_for_owner(OWNER, limit=9).items
    job = world.draw(model, key="more")
    world.run()
    world.media.broken = [b"<html>"] * 3
    assert world.finish_images(job).is_recoverable
    for subject, wanted in ((Subject.IMAGES, job.id), (Subject.MODEL, model.id), (Subject.PERSON, PERSON)):
        assert f"given up with {job.id}" in preview_erasure(OWNER, subject, wanted, world.erasing()).warnings[0]


def test_anothers_pictures_are_not_there(world: World) -> None:
    theirs = replace(pictures_of(world), id="i_other", owner_id=OTHERS)
    world.images.create(theirs)
    with pytest.raises(ImagesNotFound):
        preview_erasure(OWNER, Subject.IMAGES, theirs.id, world.erasing())


def test_a_training_goes_with_log_and_story_and_its_model_stays(world: World) -> None:
    (model,) = world.models.list_for_owner(OWNER, limit=9).items
    files = [found.name for found in world.kept.list("models/")]
    receipt = erase(world, Subject.TRAINING, model.training_id)
    assert world.stories.list_for_training(model.training_id, limit=9) == []
    assert [found.name for found in world.kept.list("models/")] == files
    assert [line.of for line in receipt.stays if line.what is What.MODEL] == [(model.id,)]
    with pytest.raises(TrainingNotFound):
        world.trainings.get(model.training_id)


def test_a_failed_training_takes_its_log_along(world: World) -> None:
    (failed,) = world.trainings.list_for_owner(OWNER, limit=9, status=Status.FAILED).items
    assert list(world.kept.list("logs/"))
    receipt = erase(world, Subject.TRAINING, failed.id)
    assert of(What.FAILED_LOG, receipt) == (1, (failed.id,))
    assert not list(world.kept.list("logs/"))


def test_files_of_a_version_whose_model_was_never_recorded_go_with_the_training() -> None:
    world = World()
    failed = a_training(owner_id=OWNER, status=Status.FAILED, ended_in=Status.MIRRORING, attention=Attention.NONE)
    world.trainings.create(failed)
    number = world.models.allocate_version(failed.person_id, failed.model_name, failed.id)
    put(world, world.kept, f"{version_prefix(failed.person_id, failed.model_name, number)}weights.safetensors")
    preview = preview_erasure(OWNER, Subject.TRAINING, failed.id, world.erasing())
    assert "given up" in preview.warnings[0]
    assert of(What.MODEL_FILES, erase(world, Subject.TRAINING, failed.id)) == (1, (failed.id,))
    assert not list(world.kept.list(""))


def test_a_dry_run_deletes_nothing_and_tells_what_the_receipt_will(world: World) -> None:
    before = Rest.of(world)
    preview = preview_erasure(OWNER, Subject.PERSON, PERSON, world.erasing())
    assert Rest.of(world) == before
    receipt = erase(world, Subject.PERSON, PERSON)
    planned = {(step.what, step.of) for step in preview.plan.steps}
    assert planned == {(line.what, of) for line in receipt.deleted for of in line.of}
    assert sum(step.count or 0 for step in preview.plan.steps) == sum(line.count for line in receipt.deleted)
    assert {line.what for line in preview.plan.stays} == {line.what for line in receipt.stays}


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_change_it_goes_on_to_the_same_receipt(after: bool) -> None:
    whole = erase(a_world(), Subject.PERSON, PERSON, with_shoots=True)
    for n in range(1, 200):
        world = a_world()
        ports = world.erasing(with_shoots=True)
        erasure = request_erasure(OWNER, Subject.PERSON, PERSON, PERSON, ports)
        if not killed(world, erasure, KilledAt(n, after=after)):
            assert n >= 30, "so many changes it takes at the least"
            return
        world.run()
        receipt = world.erasures.get(erasure.id)
        assert receipt.state is State.DONE
        assert Rest.of(world).documents == ""
        assert set(Rest.of(world).objects) == OTHERS_OBJECTS
        assert without_times(receipt) == without_times(whole)
    pytest.fail("it never came to its end")


def killed(world: World, erasure: Erasure, faults: KilledAt) -> bool:
    """Whether the eraser died; afterwards nothing kills any more."""
    ports = (world.trainings, world.images, world.models, world.shoots, world.stories, world.erasures)
    stores: tuple[Any, ...] = (*ports, world.datasets, world.kept, world.thumbnails, world.pictures)
    for store in stores:
        store.faults = faults
    try:
        world.eraser.erase(erasure.id)
    except Killed:
        return True
    finally:
        for store in stores:
            store.faults = Faults()
    return False


def without_times(receipt: Erasure) -> Erasure:
    at = receipt.requested_at
    ids = {line.what: len(line.of) for line in receipt.deleted}
    assert ids
    lines = tuple(replace(line, of=tuple(sorted(line.of))) for line in receipt.deleted)
    return replace(receipt, id="e", requested_at=at, updated_at=at, finished_at=at, deleted=lines)


def test_a_second_press_continues_and_makes_no_second_receipt(world: World) -> None:
    ports = world.erasing()
    first = request_erasure(OWNER, Subject.PERSON, PERSON, PERSON, ports)
    second = request_erasure(OWNER, Subject.PERSON, PERSON, PERSON, ports)
    assert second.id == first.id
    world.run()
    assert len(world.erasures.list_for_owner(OWNER, limit=9).items) == 1


def test_a_message_that_comes_twice_changes_nothing_more(world: World) -> None:
    receipt = erase(world, Subject.PERSON, PERSON)
    world.deliver(ErasureRequested(training_id=receipt.id))
    assert world.erasures.get(receipt.id) == receipt
    world.deliver(ErasureRequested(training_id="e_nobodys"))


def test_it_is_confirmed_with_the_name_or_not_at_all(world: World) -> None:
    with pytest.raises(Conflict, match=PERSON):
        request_erasure(OWNER, Subject.PERSON, PERSON, "somebody", world.erasing())
    assert world.erasures.list_for_owner(OWNER, limit=9).items == ()


def test_a_training_under_way_is_never_left_behind_paid() -> None:
    world = World()
    world.shoot()
    training = submitted(world)
    for subject, wanted, name in (
        (Subject.TRAINING, training.id, training.model_name),
        (Subject.PERSON, PERSON, PERSON),
    ):
        with pytest.raises(Conflict, match=f"cancel {training.id}"):
            request_erasure(OWNER, subject, wanted, name, world.erasing())
        assert preview_erasure(OWNER, subject, wanted, world.erasing()).hindrances
    assert world.finish(training).status is Status.SUCCEEDED


def test_what_fal_may_still_deliver_is_waited_for() -> None:
    world = World()
    watched = a_training(owner_id=OWNER, status=Status.FAILED, ended_in=Status.SUBMITTED, attention=Attention.WATCHED)
    world.trainings.create(watched)
    with pytest.raises(Conflict, match="may still deliver"):
        request_erasure(OWNER, Subject.TRAINING, watched.id, watched.model_name, world.erasing())


def test_a_run_whose_end_fal_told_is_waited_for_by_nobody() -> None:
    world = World()
    world.shoot()
    training = submitted(world)
    world.fal.end("r1", TrainingFailed(reason="no face"))
    world.publisher.publish(world.report(training))
    world.run()
    assert world.of(training).charged is None, "nobody knows what it cost"
    assert preview_erasure(OWNER, Subject.PERSON, PERSON, world.erasing()).hindrances == ()
    assert of(What.TRAINING, erase(world, Subject.PERSON, PERSON)) == (1, (training.id,))


def test_one_that_is_recovered_meanwhile_is_fetched_and_not_deleted() -> None:
    world = World()
    failed = a_training(owner_id=OWNER, status=Status.FAILED, ended_in=Status.MIRRORING, attention=Attention.NONE)
    world.trainings.create(failed)
    erasure = request_erasure(OWNER, Subject.TRAINING, failed.id, failed.model_name, world.erasing())
    world.trainings.update(failed.id, lambda t: t.advance(Status.MIRRORING, at=world.clock.now()))
    world.deliver(ErasureRequested(training_id=erasure.id))
    assert world.of(failed).status is Status.MIRRORING
    (line,) = [line for line in world.erasures.get(erasure.id).stays if line.what is What.TRAINING]
    assert (line.of, line.reason) == ((failed.id,), BEGUN_AGAIN)


def test_what_is_being_erased_is_not_recovered_any_more() -> None:
    failed = a_training(status=Status.FAILED, ended_in=Status.MIRRORING, attention=Attention.NONE).given_to("e_1")
    with pytest.raises(Conflict):
        failed.advance(Status.MIRRORING, at=failed.updated_at)


def test_where_the_store_does_not_answer_it_says_so_and_comes_again(world: World) -> None:
    world.kept.faults.fail("delete", StorageUnavailable(reason="503"))
    erasure = request_erasure(OWNER, Subject.PERSON, PERSON, PERSON, world.erasing())
    event = ErasureRequested(training_id=erasure.id)
    with pytest.raises(StorageUnavailable):
        world.deliver(event)
    assert "503" in world.erasures.get(erasure.id).hindrance
    world.deliver(event, attempt=2)
    assert world.erasures.get(erasure.id).state is State.DONE
    assert world.erasures.get(erasure.id).hindrance == ""


def test_fal_is_asked_again_until_the_last_delivery_and_then_the_receipt_says_so(world: World) -> None:
    (model,) = world.models.list_for_owner(OWNER, limit=9).items
    erasure = request_erasure(OWNER, Subject.MODEL, model.id, model.name, world.erasing())
    event = ErasureRequested(training_id=erasure.id)
    world.fal.unreachable = [TrainerUnavailable(reason="503")] * 3
    with pytest.raises(TrainerUnavailable):
        world.deliver(event)
    world.deliver(event, attempt=world.max_attempts)
    receipt = world.erasures.get(erasure.id)
    assert of(What.FAL_REQUEST, receipt) == (0, ())
    (line,) = [line for line in receipt.stays if line.what is What.FAL_REQUEST]
    assert "did not answer" in line.reason


def test_a_key_that_may_not_delete_at_fal_is_told_in_the_receipt(world: World) -> None:
    world.fal.keeps_all = True
    receipt = erase(world, Subject.PERSON, PERSON)
    (line,) = [line for line in receipt.stays if line.what is What.FAL_REQUEST]
    assert (line.count, "admin" in line.reason) == (3, True)


def test_a_lost_message_is_sent_again_by_the_monitor(world: World) -> None:
    erasure = request_erasure(OWNER, Subject.PERSON, PERSON, PERSON, world.erasing())
    world._delivered = len(world.publisher.published)
    assert world.remind(RetentionSettings()) == 0
    world.clock.advance(world.monitor_settings.stalled_s + 1)
    assert world.remind(RetentionSettings()) == 1
    assert world.remind(RetentionSettings()) == 0, "not again at once"
    world.run()
    assert world.erasures.get(erasure.id).state is State.DONE


def test_files_that_fal_could_not_delete_are_told(world: World) -> None:
    world.fal.undeletable = 1
    receipt = erase(world, Subject.PERSON, PERSON)
    assert "could not delete" in next(line for line in receipt.stays if line.what is What.FAL_REQUEST).reason


def test_two_that_carry_out_the_same_steps_count_them_once() -> None:
    steps = (Step(what=What.MODEL_FILES, of="m_1", place="models/p/n/v1/", count=2, size=7),)
    begun = an_erasure().begun(Plan(steps=steps), at=AT)
    counted = begun.went(steps, [], at=AT)
    assert counted.went(steps, [], at=AT) == counted
    assert of(What.MODEL_FILES, counted) == (2, ("m_1",))
    assert begun.begun(Plan(steps=(*steps, *steps)), at=AT) == begun, "what is at hand is not exchanged"


def test_more_than_a_record_holds_is_deleted_in_several_goes() -> None:
    world = World()
    for number in range(MOST_STEPS // 3 + 1):
        ended = a_training(id=f"t_{number}", owner_id=OWNER, person_id=PERSON, status=Status.CANCELED)
        world.trainings.create(replace(ended, attention=Attention.NONE))
    receipt = erase(world, Subject.PERSON, PERSON)
    assert of(What.TRAINING, receipt)[0] == MOST_STEPS // 3 + 1
    assert Rest.of(world).documents == ""


def an_erasure() -> Erasure:
    who = {"id": "e_1", "owner_id": OWNER, "subject": Subject.MODEL, "subject_id": "m_1"}
    return Erasure.requested(at=AT, cause=Cause.ASKED, **who)
