"""What every `TrainingRepository` promises."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import Conflict, DatabaseUnavailable, SubmissionUncertain, TrainingNotFound
from shared.ports import TrainingRepository
from shared.stages import Status
from shared.training_records import Progress
from shared.trainings import Training
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


def test_an_unknown_training_is_not_found(backend: Backend, own: str) -> None:
    with pytest.raises(TrainingNotFound, match=own):
        backend.trainings.get(f"t_{own}")
    with pytest.raises(TrainingNotFound, match=own):
        backend.trainings.update(f"t_{own}", lambda training: training)


def test_creating_twice_keeps_the_first(backend: Backend, own: str) -> None:
    first, second = a_training(id=f"t_{own}"), a_training(id=f"t_{own}", trigger_word="OTHER")
    assert backend.trainings.create(first) is True
    assert backend.trainings.create(second) is False
    assert backend.trainings.create(first) is False
    assert backend.trainings.get(first.id) == first


def test_of_many_who_create_at_once_one_wins(backend: Backend, own: str) -> None:
    trainings = [a_training(id=f"t_{own}", trigger_word=f"TOK{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(backend.trainings.create, trainings))
    assert won.count(True) == 1
    assert backend.trainings.get(f"t_{own}") == trainings[won.index(True)]


def test_an_update_writes_and_returns_what_the_change_gives(backend: Backend, own: str) -> None:
    backend.trainings.create(a_training(id=f"t_{own}"))
    updated = backend.trainings.update(f"t_{own}", lambda t: t.advance(Status.PACKAGED, at=AT + STEP))
    assert updated.status is Status.PACKAGED
    assert backend.trainings.get(f"t_{own}") == updated


def test_a_change_that_raises_writes_nothing(backend: Backend, own: str) -> None:
    training = a_training(id=f"t_{own}", status=Status.CANCELED)
    backend.trainings.create(training)
    with pytest.raises(Conflict):
        backend.trainings.update(training.id, lambda t: t.advance(Status.RUNNING, at=AT))
    with pytest.raises(ZeroDivisionError):
        backend.trainings.update(training.id, lambda t: replace(t, log_count=1 // 0))
    assert backend.trainings.get(training.id) == training


def test_a_change_that_changes_nothing_does_not_disturb_a_concurrent_one(backend: Backend, own: str) -> None:
    """Were it written, the outer update would lose its race and apply its change a second time."""
    backend.trainings.create(a_training(id=f"t_{own}"))
    applied = []

    def change(training: Training) -> Training:
        applied.append(training.log_count)
        backend.trainings.update(training.id, lambda same: same)
        backend.trainings.update(training.id, lambda same: replace(same, log_count=same.log_count))
        return replace(training, log_count=training.log_count + 1)

    assert backend.trainings.update(f"t_{own}", change).log_count == 1
    assert applied == [0]


def test_an_update_that_lost_its_race_is_applied_to_what_won(backend: Backend, own: str) -> None:
    backend.trainings.create(a_training(id=f"t_{own}"))
    others = iter([True, True, False])

    def change(training: Training) -> Training:
        if next(others):
            backend.trainings.update(training.id, lambda t: replace(t, log_count=t.log_count + 10))
        return replace(training, log_count=training.log_count + 1)

    assert backend.trainings.update(f"t_{own}", change).log_count == 21
    assert backend.trainings.get(f"t_{own}").log_count == 21


def test_an_update_that_always_loses_gives_up_and_may_be_tried_again(own: str, backend: Backend) -> None:
    if backend.name == "google":
        pytest.skip("The emulator takes a minute for what takes milliseconds elsewhere; the embedded backend shows it.")
    backend.trainings.create(a_training(id=f"t_{own}"))

    def change(training: Training) -> Training:
        backend.trainings.update(training.id, lambda t: replace(t, log_count=t.log_count + 1))
        return replace(training, trigger_word="LOST")

    with pytest.raises(DatabaseUnavailable):
        backend.trainings.update(f"t_{own}", change)
    assert backend.trainings.get(f"t_{own}").trigger_word != "LOST"


def test_concurrent_updates_lose_nothing(backend: Backend, own: str) -> None:
    backend.trainings.create(a_training(id=f"t_{own}"))

    def count(_: int) -> None:
        for _ in range(20):
            backend.trainings.update(f"t_{own}", lambda t: replace(t, log_count=t.log_count + 1))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(count, range(2)))
    assert backend.trainings.get(f"t_{own}").log_count == 40


def test_of_many_who_claim_at_once_one_wins(backend: Backend, own: str) -> None:
    packaged = a_training(id=f"t_{own}", status=Status.PACKAGED)
    backend.trainings.create(packaged)
    claim = a_training(status=Status.SUBMITTING).claim
    assert claim is not None

    def claimed(number: int) -> bool:
        mine = replace(claim, owner=f"submitter-{number}")
        try:
            backend.trainings.update(packaged.id, lambda t: t.claimed(mine, at=AT))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(claimed, range(6)))
    assert won.count(True) == 1
    kept = backend.trainings.get(packaged.id).claim
    assert kept is not None
    assert kept.owner == f"submitter-{won.index(True)}"


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


def test_followed_trainings_are_under_way_or_not_finished_and_the_longest_unchanged_comes_first(
    backend: Backend, own: str
) -> None:
    for number, status in enumerate(Status):
        at = AT - number * STEP
        backend.trainings.create(a_training(id=f"t_{own}_{number}", status=status, updated_at=at))
    backend.trainings.update(f"t_{own}_0", lambda t: replace(t, updated_at=AT - 100 * STEP))
    for number in (6, 8):
        backend.trainings.update(f"t_{own}_{number}", lambda t: t.finished(at=AT))
    found = [t.id for t in backend.trainings.list_followed(limit=1000) if own in t.id]
    assert found == [f"t_{own}_{number}" for number in (0, 7, 5, 4, 3, 2, 1)]


def test_watched_trainings_were_given_up_uncertain_and_come_when_their_turn_is(backend: Backend, own: str) -> None:
    for number in range(4):
        training = a_training(id=f"t_{own}_{number}", status=Status.SUBMITTING)
        uncertain = training.fail(SubmissionUncertain(reason="silence"), at=AT, charged=None)
        backend.trainings.create(uncertain.finished(at=AT + number * STEP))
    backend.trainings.create(a_training(id=f"t_{own}_failed", status=Status.FAILED).finished(at=AT))
    backend.trainings.update(f"t_{own}_0", lambda t: t.unwatched(at=AT))
    found = backend.trainings.list_watched(unchanged_since=AT + 2 * STEP, limit=1000)
    assert [training.id for training in found if own in training.id] == [f"t_{own}_1", f"t_{own}_2"]


def test_followed_trainings_are_limited(backend: Backend, own: str) -> None:
    for number in range(3):
        backend.trainings.create(a_training(id=f"t_{own}_{number}"))
    assert len(backend.trainings.list_followed(limit=2)) == 2


def test_a_listing_of_a_shoot_shows_that_shoot_only(backend: Backend, own: str) -> None:
    for number, shoot_id in enumerate(["s_a", "s_b", "s_a"]):
        training = a_training(id=f"t_{own}-{number}", owner_id=own, shoot_id=shoot_id, created_at=AT + number * STEP)
        backend.trainings.create(training)
    shown = backend.trainings.list_for_owner(own, limit=10, shoot_id="s_a").items
    assert [training.id for training in shown] == [f"t_{own}-2", f"t_{own}-0"]
    assert backend.trainings.list_for_owner(own, limit=10, shoot_id="s_a", status=Status.FAILED).items == ()


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
