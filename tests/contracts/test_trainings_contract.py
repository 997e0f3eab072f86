"""What every `TrainingRepository` promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared.ports import TrainingRepository
from shared.stages import Status
from shared.training_records import Progress
from tests.builders import AT, STEP, a_training
from tests.contracts.backend import Backend


def test_a_training_in_any_status_is_read_as_it_was_written(backend: Backend, own: str) -> None:
    for status in Status:
        progress = Progress(percent=12.5, step=125, total=1000, message="Schritt 125 ✓", eta_s=80.5, updated_at=AT)
        training = a_training(
            id=f"t_{own}_{status}", status=status, ended_in=Status.MIRRORING, progress=progress, log_tail=("a", "")
        )
        backend.trainings.create(training)
        assert backend.trainings.get(training.id) == training


def test_what_a_training_is_to_leave_out_and_whom_it_continues_is_read_as_it_was_written(
    backend: Backend, own: str
) -> None:
    wish: dict[str, Any] = {"without": ("01", "Käppchen", "a.b"), "parent_model_id": "m_1", "continues": True}
    training = a_training(id=f"t_{own}", **wish)
    backend.trainings.create(training)
    read = backend.trainings.get(training.id)
    assert read == training
    assert read.continued_model_id == "m_1"


def _pages(trainings: TrainingRepository, owner: str, after_each: Callable[[int], None]) -> list[str]:
    seen, cursor, number = list[str](), None, 0
    while True:
        page = trainings.list_for_owner(owner, limit=2, cursor=cursor)
        seen += [training.id for training in page.items]
        after_each(number)
        if page.next_cursor is None:
            return seen
        cursor, number = page.next_cursor, number + 1


def test_pages_are_newest_first_and_of_one_owner_only(backend: Backend, own: str) -> None:
    for number in range(5):
        at = AT + number * STEP
        backend.trainings.create(a_training(id=f"t_{own}_{number}", owner_id=f"owner-{own}", created_at=at))
        backend.trainings.create(a_training(id=f"t_{own}_x{number}", owner_id=f"other-{own}", created_at=at))
    seen = _pages(backend.trainings, f"owner-{own}", lambda _: None)
    assert seen == [f"t_{own}_{number}" for number in (4, 3, 2, 1, 0)]


def test_paging_is_stable_under_inserts_and_equal_times(backend: Backend, own: str) -> None:
    for name in ("b", "a", "d", "c", "e"):
        backend.trainings.create(a_training(id=f"t_{own}_{name}", owner_id=f"owner-{own}"))

    def insert(number: int) -> None:
        newer = AT + (number + 1) * STEP
        backend.trainings.create(a_training(id=f"t_{own}_new{number}", owner_id=f"owner-{own}", created_at=newer))

    assert _pages(backend.trainings, f"owner-{own}", insert) == [f"t_{own}_{name}" for name in "abcde"]


def test_times_that_differ_by_a_microsecond_are_told_apart(backend: Backend, own: str) -> None:
    for number in range(5):
        at = AT + number * timedelta(microseconds=1)
        backend.trainings.create(a_training(id=f"t_{own}_{number}", owner_id=f"owner-{own}", created_at=at))
    seen = _pages(backend.trainings, f"owner-{own}", lambda _: None)
    assert seen == [f"t_{own}_{number}" for number in (4, 3, 2, 1, 0)]


def test_a_listing_by_status_shows_that_status_only(backend: Backend, own: str) -> None:
    for number, status in enumerate((Status.REQUESTED, Status.RUNNING, Status.REQUESTED, Status.FAILED)):
        training = a_training(id=f"t_{own}_{number}", owner_id=f"owner-{own}", status=status)
        backend.trainings.create(training)
    backend.trainings.update(f"t_{own}_0", lambda t: t.advance(Status.CANCELED, at=AT))
    page = backend.trainings.list_for_owner(f"owner-{own}", limit=10, status=Status.REQUESTED)
    assert [training.id for training in page.items] == [f"t_{own}_2"]
    page = backend.trainings.list_for_owner(f"owner-{own}", limit=10, status=Status.CANCELED)
    assert [training.id for training in page.items] == [f"t_{own}_0"]


def test_a_listing_of_a_shoot_shows_that_shoot_only(backend: Backend, own: str) -> None:
    for number, shoot_id in enumerate(["s_a", "s_b", "s_a"]):
        training = a_training(id=f"t_{own}-{number}", owner_id=own, shoot_id=shoot_id, created_at=AT + number * STEP)
        backend.trainings.create(training)
    shown = backend.trainings.list_for_owner(own, limit=10, shoot_id="s_a").items
    assert [training.id for training in shown] == [f"t_{own}-2", f"t_{own}-0"]
    assert backend.trainings.list_for_owner(own, limit=10, shoot_id="s_a", status=Status.FAILED).items == ()


def test_trainings_are_found_by_recipe_and_status_the_newest_first_of_one_owner_only(
    backend: Backend, own: str
) -> None:
    for number, status in enumerate([Status.FAILED, Status.MIRRORING, Status.SUCCEEDED, Status.FAILED]):
        at = AT + number * STEP
        same = a_training(status=status, id=f"t_{own}_{number}", owner_id=own, recipe=f"r-{own}", created_at=at)
        backend.trainings.create(same)
        backend.trainings.create(replace(same, id=f"t_{own}_{number}_else", recipe=f"else-{own}"))
        backend.trainings.create(replace(same, id=f"t_{own}_{number}_other", owner_id=f"other-{own}"))
    found = backend.trainings.list_by_recipe(own, f"r-{own}", [Status.FAILED, Status.MIRRORING])
    assert [training.id for training in found] == [f"t_{own}_3", f"t_{own}_1", f"t_{own}_0"]
    assert [training.id for training in backend.trainings.list_by_recipe(own, f"r-{own}", [Status.SUCCEEDED])] == [
        f"t_{own}_2"
    ]
    assert backend.trainings.list_by_recipe(own, f"none-{own}", [Status.FAILED]) == []


def test_succeeded_trainings_of_a_trainer_come_the_latest_first_whoever_owns_them(backend: Backend, own: str) -> None:
    for number, status in enumerate([Status.SUCCEEDED, Status.FAILED, Status.SUCCEEDED, Status.RUNNING]):
        training = a_training(
            status=status, id=f"t_{own}-{number}", owner_id=f"{own}-{number}", trainer=f"fal-ai/{own}"
        )
        backend.trainings.create(replace(training, updated_at=AT + number * STEP))
    backend.trainings.create(a_training(status=Status.SUCCEEDED, id=f"t_{own}-x", trainer=f"fal-ai/{own}-x"))
    found = backend.trainings.list_succeeded(f"fal-ai/{own}", limit=10)
    assert [training.id for training in found] == [f"t_{own}-2", f"t_{own}-0"]
    assert len(backend.trainings.list_succeeded(f"fal-ai/{own}", limit=1)) == 1
