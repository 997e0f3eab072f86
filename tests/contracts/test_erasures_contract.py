"""What every `ErasureRepository` promises, and what the others promise about forgetting."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.erasing.plan import Plan
from shared.erasing.receipt import Cause, Erasure
from shared.erasing.things import Line, Step, Subject, What
from shared.errors import ErasureNotFound, ShootNotFound, TrainingNotFound
from shared.stages import Attention, Status
from tests.builders import a_shoot, a_training, an_image_job
from tests.contracts.backend import Backend

AT = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
SOON = AT + timedelta(hours=1)


def an_erasure(own: str, number: int = 0) -> Erasure:
    at = AT + timedelta(seconds=number)
    return Erasure.requested(
        at=at,
        id=f"e_{own}{number}",
        owner_id=own,
        subject=Subject.PERSON,
        subject_id=f"p_{own}",
        cause=Cause.ASKED,
    )


STEPS = (
    Step(what=What.MODEL_FILES, of="m_1", place="models/p/n/v1/", count=2, size=7),
    Step(what=What.STORY, of="t_1"),
)


def test_what_was_created_is_read_back_and_created_once(backend: Backend, own: str) -> None:
    erasure = an_erasure(own)
    assert backend.erasures.create(erasure)
    assert not backend.erasures.create(replace(erasure, with_shoots=True))
    assert backend.erasures.get(erasure.id) == erasure
    with pytest.raises(ErasureNotFound):
        backend.erasures.get(f"e_{own}none")
    with pytest.raises(ErasureNotFound):
        backend.erasures.update(f"e_{own}none", lambda e: e)


def test_every_state_of_it_is_kept_whole(backend: Backend, own: str) -> None:
    erasure = an_erasure(own)
    backend.erasures.create(erasure)
    begun = backend.erasures.update(erasure.id, lambda e: e.begun(Plan(steps=STEPS), at=SOON))
    assert backend.erasures.get(erasure.id) == begun
    others = (Line(what=What.IMAGES, count=1, of=("i_1",), reason="another erasure deleted it"),)
    beside = backend.erasures.update(erasure.id, lambda e: e.beside(others, at=SOON))
    assert (backend.erasures.get(erasure.id), beside.gone) == (beside, others)
    went = backend.erasures.update(erasure.id, lambda e: e.went(STEPS, [], at=SOON))
    assert backend.erasures.get(erasure.id) == went
    done = backend.erasures.update(erasure.id, lambda e: e.finished([], at=SOON))
    assert backend.erasures.get(erasure.id) == done
    assert (done.subject_id, done.batch, done.deleted[0].size) == ("", (), 7)


def test_an_owners_are_listed_newest_first_in_pages(backend: Backend, own: str) -> None:
    for number in range(3):
        backend.erasures.create(an_erasure(own, number))
    backend.erasures.create(an_erasure(f"{own}x"))
    first = backend.erasures.list_for_owner(own, limit=2)
    rest = backend.erasures.list_for_owner(own, limit=2, cursor=first.next_cursor)
    assert [e.id[-1] for e in (*first.items, *rest.items)] == ["2", "1", "0"]
    assert rest.next_cursor is None


def test_open_ones_are_found_the_longest_unchanged_first(backend: Backend, own: str) -> None:
    for number in (2, 0, 1):
        backend.erasures.create(an_erasure(own, number))
    backend.erasures.update(f"e_{own}1", lambda e: e.finished([], at=AT))
    found = backend.erasures.list_open(unchanged_since=AT + timedelta(seconds=9), limit=1000)
    assert [e.id[-1] for e in found if e.owner_id == own] == ["0", "2"]
    early = backend.erasures.list_open(unchanged_since=AT, limit=1000)
    assert [e.id[-1] for e in early if e.owner_id == own] == ["0"]


def test_a_deleted_training_is_gone_for_who_changes_it_too(backend: Backend, own: str) -> None:
    training = a_training(id=f"t_{own}", owner_id=own, status=Status.SUCCEEDED)
    backend.trainings.create(training)
    for _ in range(2):
        backend.trainings.delete(training.id)
    with pytest.raises(TrainingNotFound):
        backend.trainings.get(training.id)
    with pytest.raises(TrainingNotFound):
        backend.trainings.update(training.id, lambda t: replace(t, cost_usd=1.0))
    assert backend.trainings.list_for_owner(own, limit=9).items == ()


def test_one_that_is_deleted_while_it_is_changed_does_not_come_back(backend: Backend, own: str) -> None:
    training = a_training(id=f"t_{own}", owner_id=own)
    backend.trainings.create(training)

    def change_late(now: object) -> object:
        backend.trainings.delete(training.id)
        return replace(training, cost_usd=1.0)

    with pytest.raises(TrainingNotFound):
        backend.trainings.update(training.id, change_late)  # type: ignore[arg-type]


def test_ended_trainings_are_found_by_when_they_last_changed(backend: Backend, own: str) -> None:
    old = a_training(id=f"t_{own}1", owner_id=own, status=Status.CANCELED, attention=Attention.NONE, updated_at=AT)
    later = replace(old, id=f"t_{own}2", updated_at=SOON)
    for training in (later, old, replace(old, id=f"t_{own}3", status=Status.FAILED)):
        backend.trainings.create(training)
    for until, expected in ((AT, [old.id]), (SOON, [old.id, later.id])):
        found = backend.trainings.list_ended(Status.CANCELED, unchanged_since=until, limit=1000)
        assert [t.id for t in found if t.owner_id == own] == expected
        found = backend.trainings.list_ended(Status.CANCELED, unchanged_since=until, limit=9, owner_id=own)
        assert [t.id for t in found] == expected
    (oldest,) = backend.trainings.list_ended(Status.CANCELED, unchanged_since=SOON, limit=1, owner_id=own)
    assert oldest == old


def test_ended_pictures_are_found_by_when_they_last_changed(backend: Backend, own: str) -> None:
    old = an_image_job(id=f"i_{own}1", owner_id=own, status=Status.CANCELED, attention=Attention.NONE, updated_at=AT)
    later = replace(old, id=f"i_{own}2", updated_at=SOON)
    for job in (later, old, replace(old, id=f"i_{own}3", status=Status.FAILED)):
        backend.images.create(job)
    for until, expected in ((AT, [old.id]), (SOON, [old.id, later.id])):
        found = backend.images.list_ended(Status.CANCELED, unchanged_since=until, limit=1000)
        assert [job.id for job in found if job.owner_id == own] == expected
        found = backend.images.list_ended(Status.CANCELED, unchanged_since=until, limit=9, owner_id=own)
        assert [job.id for job in found] == expected


def test_a_deleted_shoot_is_gone(backend: Backend, own: str) -> None:
    backend.shoots.create(a_shoot(id=f"s_{own}", owner_id=own))
    for _ in range(2):
        backend.shoots.delete(f"s_{own}")
    with pytest.raises(ShootNotFound):
        backend.shoots.get(f"s_{own}")


def test_numbers_outlive_the_word_of_whose_they_were(backend: Backend, own: str) -> None:
    models = backend.models
    assert models.version_of(own, "cape", "t_1") is None
    models.forget_name(own, "cape")
    assert (models.allocate_version(own, "cape", "t_1"), models.allocate_version(own, "cape", "t_2")) == (1, 2)
    models.forget_name(own, "cape")
    assert (models.version_of(own, "cape", "t_2"), models.version_of(own, "cape", "t_3")) == (2, None)
    assert models.allocate_version(own, "cape", "t_3") == 3
