"""Erasures of the same things at once: each of these is deleted, and counted, by one of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from functions.api.request_erasure import request_erasure
from shared.adapters.memory import Faults
from shared.erasing.receipt import Cause, Erasure, State
from shared.erasing.things import Line, Subject, What
from shared.errors import Conflict, ErasedByAnother, StorageUnavailable
from shared.events import ErasureRequested
from shared.models import Model
from shared.stages import Attention, Status
from tests.builders import a_model, a_training
from tests.unit.test_erasing import PERSON, a_world, of
from tests.world import OWNER, World


@pytest.fixture
def world() -> World:
    return a_world()


def the_model(world: World) -> Model:
    (model,) = world.models.list_for_owner(OWNER, limit=9).items
    return model


def asked(world: World, subject: Subject) -> Erasure:
    """An erasure that is recorded, and whose message has not come yet."""
    model = the_model(world)
    (pictures,) = world.images.list_for_owner(OWNER, limit=9).items
    ids = {
        Subject.IMAGES: (pictures.id, ""),
        Subject.MODEL: (model.id, model.name),
        Subject.TRAINING: (model.training_id, model.name),
        Subject.PERSON: (PERSON, PERSON),
    }
    return request_erasure(OWNER, subject, *ids[subject], world.erasing())


def deliver(world: World, erasure: Erasure) -> Erasure:
    world.deliver(ErasureRequested(training_id=erasure.id))
    return world.erasures.get(erasure.id)


def begin(world: World, erasure: Erasure) -> None:
    """It takes what it is to delete, and is hindered before the first of that is gone."""
    stores: tuple[Any, ...] = (world.kept, world.thumbnails, world.stories)
    for store in stores:
        for method in ("delete", "forget"):
            store.faults.fail(method, StorageUnavailable(reason="503"))
    with pytest.raises(StorageUnavailable):
        deliver(world, erasure)
    for store in stores:
        store.faults = Faults()


def things(*receipts: Erasure) -> Counter[tuple[What, str]]:
    """What was deleted, by kind and id; a request by the job that it was of."""
    return Counter((line.what, id_) for receipt in receipts for line in receipt.deleted for id_ in line.of)


PAIRS = [
    (first, second)
    for first in (Subject.IMAGES, Subject.MODEL, Subject.TRAINING, Subject.PERSON)
    for second in (Subject.IMAGES, Subject.MODEL, Subject.TRAINING, Subject.PERSON)
    if first is not second
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_that_overlap_each_counts_what_it_deleted_itself(world: World, first: Subject, second: Subject) -> None:
    one, other = asked(world, first), asked(world, second)
    whole = sum(len(list(bucket.list(""))) for bucket in (world.kept, world.thumbnails))
    begin(world, one)
    waited = False
    try:
        deliver(world, other)
    except ErasedByAnother as error:
        waited = True
        assert error.facts["erasure_id"] == one.id
        assert one.id in world.erasures.get(other.id).hindrance
    receipts = deliver(world, one), deliver(world, other)
    assert {receipt.state for receipt in receipts} == {State.DONE}
    assert max(things(*receipts).values()) == 1, "nothing is counted twice"
    left = sum(len(list(bucket.list(""))) for bucket in (world.kept, world.thumbnails))
    objects = [line for receipt in receipts for line in receipt.deleted if line.what in OBJECTS]
    assert sum(line.count for line in objects) == whole - left
    assert waited is bool(receipts[1].gone) or second is Subject.TRAINING
    for line in receipts[1].gone:
        assert one.id in line.reason or "nothing of it any more" in line.reason


@pytest.mark.parametrize("subject", list(Subject))
def test_two_presses_at_the_same_instant_are_one_erasure(world: World, subject: Subject) -> None:
    """Nothing marks a shoot: two erasures would both count its files."""
    others: list[Erasure] = []
    world.erasures.faults.meanwhile("create", lambda: others.append(asked(world, subject)))
    mine = asked(world, subject)
    assert [other.id for other in others] == [mine.id]
    world.run()
    (receipt,) = world.erasures.list_for_owner(OWNER, limit=9).items
    assert receipt.state is State.DONE


def test_what_comes_after_an_erasure_is_erased_by_another_one(world: World) -> None:
    first = asked(world, Subject.PERSON)
    deliver(world, first)
    world.model("later")
    second = request_erasure(OWNER, Subject.PERSON, PERSON, PERSON, world.erasing())
    assert second.id != first.id
    assert deliver(world, second).deleted


OBJECTS = {What.PICTURES, What.SMALL_PICTURES, What.MODEL_FILES, What.FAILED_LOG, What.SHOOT_THUMBNAILS}


def test_a_request_that_fal_has_forgotten_before_is_told_as_gone(world: World) -> None:
    deliver(world, asked(world, Subject.MODEL))
    training_id = next(iter(world.trainings.list_for_owner(OWNER, limit=9, status=Status.SUCCEEDED).items)).id
    training = world.trainings.get(training_id)
    erasure = request_erasure(OWNER, Subject.TRAINING, training_id, training.model_name, world.erasing())
    receipt = deliver(world, erasure)
    assert [(line.what, line.of) for line in receipt.gone] == [(What.FAL_REQUEST, (training_id,))]
    assert What.FAL_REQUEST not in {line.what for line in receipt.deleted}


@pytest.mark.parametrize("subject", [Subject.IMAGES, Subject.MODEL, Subject.TRAINING])
def test_what_went_before_the_eraser_came_is_told_as_gone(world: World, subject: Subject) -> None:
    erasure = asked(world, subject)
    everything = asked(world, Subject.PERSON)
    deliver(world, everything)
    receipt = deliver(world, erasure)
    assert (receipt.state, receipt.deleted) == (State.DONE, ())
    assert receipt.gone == (
        Line(what=What(subject), count=1, of=(erasure.subject_id,), reason="it was gone when this erasure came to it"),
    )


@pytest.mark.parametrize("restored", ["a job", "a model"])
def test_a_mark_that_came_back_with_a_backup_is_nobodys(restored: str) -> None:
    world = World()
    training = a_training(owner_id=OWNER, person_id=PERSON, status=Status.SUCCEEDED, attention=Attention.NONE)
    model = a_model(owner_id=OWNER, person_id=PERSON, training_id=training.id)
    over = Erasure.requested(
        at=training.updated_at,
        id="e_over",
        owner_id=OWNER,
        subject=Subject.PERSON,
        subject_id=PERSON,
        cause=Cause.ASKED,
    )
    world.erasures.create(over.finished((), at=training.updated_at))
    world.trainings.create(replace(training, erasure_id="e_over" if restored == "a job" else None))
    world.models.create(replace(model, erasure_id="e_forgotten" if restored == "a model" else None))
    erasure = request_erasure(OWNER, Subject.PERSON, PERSON, PERSON, world.erasing())
    receipt = deliver(world, erasure)
    assert (receipt.state, of(What.TRAINING, receipt), of(What.MODEL, receipt)) == (
        State.DONE,
        (1, (training.id,)),
        (1, (model.id,)),
    )
    assert (world.trainings._jobs, world.models._models) == ({}, {})


def test_whoever_has_a_thing_keeps_it() -> None:
    training = a_training(status=Status.SUCCEEDED, attention=Attention.NONE).given_to("e_1")
    assert training.given_to("e_1") == training
    for thing in (training, a_model().given_to("e_1")):
        with pytest.raises(ErasedByAnother):
            thing.given_to("e_2")
        assert thing.given_to("e_2", instead_of="e_1").erasure_id == "e_2"
    with pytest.raises(Conflict):
        a_training(status=Status.RUNNING).given_to("e_1")
