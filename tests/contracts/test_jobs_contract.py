"""What every repository of jobs promises, whichever kind of job it keeps: trainings and pictures alike."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest

from shared.errors import (
    Conflict,
    DatabaseUnavailable,
    ImagesNotFound,
    JobNotFound,
    SubmissionUncertain,
    TrainingNotFound,
)
from shared.jobs import Kind
from shared.stages import Status
from tests.builders import AT, STEP, a_training, an_image_job
from tests.contracts.backend import Backend


@dataclass(frozen=True)
class Room:
    """The repository of one kind in one backend, and how its jobs are made."""

    backend: Backend
    jobs: Any
    a_job: Callable[..., Any]
    prefix: str
    missing: type[JobNotFound]


@pytest.fixture(params=list(Kind))
def room(request: pytest.FixtureRequest, backend: Backend) -> Room:
    if request.param is Kind.IMAGES:
        return Room(backend, backend.images, an_image_job, "i", ImagesNotFound)
    return Room(backend, backend.trainings, a_training, "t", TrainingNotFound)


def test_an_unknown_training_is_not_found(room: Room, own: str) -> None:
    with pytest.raises(room.missing, match=own):
        room.jobs.get(f"{room.prefix}_{own}")
    with pytest.raises(room.missing, match=own):
        room.jobs.update(f"{room.prefix}_{own}", lambda training: training)


def test_creating_twice_keeps_the_first(room: Room, own: str) -> None:
    first, second = room.a_job(id=f"{room.prefix}_{own}"), room.a_job(id=f"{room.prefix}_{own}", model_name="OTHER")
    assert room.jobs.create(first) is True
    assert room.jobs.create(second) is False
    assert room.jobs.create(first) is False
    assert room.jobs.get(first.id) == first


def test_of_many_who_create_at_once_one_wins(room: Room, own: str) -> None:
    trainings = [room.a_job(id=f"{room.prefix}_{own}", model_name=f"TOK{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(room.jobs.create, trainings))
    assert won.count(True) == 1
    assert room.jobs.get(f"{room.prefix}_{own}") == trainings[won.index(True)]


def test_an_update_writes_and_returns_what_the_change_gives(room: Room, own: str) -> None:
    room.jobs.create(room.a_job(id=f"{room.prefix}_{own}"))
    updated = room.jobs.update(f"{room.prefix}_{own}", lambda t: t.advance(Status.PACKAGED, at=AT + STEP))
    assert updated.status is Status.PACKAGED
    assert room.jobs.get(f"{room.prefix}_{own}") == updated


def test_a_change_that_raises_writes_nothing(room: Room, own: str) -> None:
    training = room.a_job(id=f"{room.prefix}_{own}", status=Status.CANCELED)
    room.jobs.create(training)
    with pytest.raises(Conflict):
        room.jobs.update(training.id, lambda t: t.advance(Status.RUNNING, at=AT))
    with pytest.raises(ZeroDivisionError):
        room.jobs.update(training.id, lambda t: replace(t, log_count=1 // 0))
    assert room.jobs.get(training.id) == training


def test_a_change_that_changes_nothing_does_not_disturb_a_concurrent_one(room: Room, own: str) -> None:
    """Were it written, the outer update would lose its race and apply its change a second time."""
    room.jobs.create(room.a_job(id=f"{room.prefix}_{own}"))
    applied = []

    def change(training: Any) -> Any:
        applied.append(training.log_count)
        room.jobs.update(training.id, lambda same: same)
        room.jobs.update(training.id, lambda same: replace(same, log_count=same.log_count))
        return replace(training, log_count=training.log_count + 1)

    assert room.jobs.update(f"{room.prefix}_{own}", change).log_count == 1
    assert applied == [0]


def test_an_update_that_lost_its_race_is_applied_to_what_won(room: Room, own: str) -> None:
    room.jobs.create(room.a_job(id=f"{room.prefix}_{own}"))
    others = iter([True, True, False])

    def change(training: Any) -> Any:
        if next(others):
            room.jobs.update(training.id, lambda t: replace(t, log_count=t.log_count + 10))
        return replace(training, log_count=training.log_count + 1)

    assert room.jobs.update(f"{room.prefix}_{own}", change).log_count == 21
    assert room.jobs.get(f"{room.prefix}_{own}").log_count == 21


def test_an_update_that_always_loses_gives_up_and_may_be_tried_again(own: str, room: Room) -> None:
    if room.backend.name == "google":
        pytest.skip("The emulator takes a minute for what takes milliseconds elsewhere; the embedded backend shows it.")
    room.jobs.create(room.a_job(id=f"{room.prefix}_{own}"))

    def change(training: Any) -> Any:
        room.jobs.update(training.id, lambda t: replace(t, log_count=t.log_count + 1))
        return replace(training, model_name="LOST")

    with pytest.raises(DatabaseUnavailable):
        room.jobs.update(f"{room.prefix}_{own}", change)
    assert room.jobs.get(f"{room.prefix}_{own}").model_name != "LOST"


def test_concurrent_updates_lose_nothing(room: Room, own: str) -> None:
    room.jobs.create(room.a_job(id=f"{room.prefix}_{own}"))

    def count(_: int) -> None:
        for _ in range(20):
            room.jobs.update(f"{room.prefix}_{own}", lambda t: replace(t, log_count=t.log_count + 1))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(count, range(2)))
    assert room.jobs.get(f"{room.prefix}_{own}").log_count == 40


def test_of_many_who_claim_at_once_one_wins(room: Room, own: str) -> None:
    packaged = room.a_job(id=f"{room.prefix}_{own}", status=Status.PACKAGED)
    room.jobs.create(packaged)
    claim = room.a_job(status=Status.SUBMITTING).claim
    assert claim is not None

    def claimed(number: int) -> bool:
        mine = replace(claim, owner=f"submitter-{number}")
        try:
            room.jobs.update(packaged.id, lambda t: t.claimed(mine, at=AT))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(claimed, range(6)))
    assert won.count(True) == 1
    kept = room.jobs.get(packaged.id).claim
    assert kept is not None
    assert kept.owner == f"submitter-{won.index(True)}"


def test_followed_trainings_are_under_way_or_not_finished_and_the_longest_unchanged_comes_first(
    room: Room, own: str
) -> None:
    for number, status in enumerate(Status):
        at = AT - number * STEP
        room.jobs.create(room.a_job(id=f"{room.prefix}_{own}_{number}", status=status, updated_at=at))
    room.jobs.update(f"{room.prefix}_{own}_0", lambda t: replace(t, updated_at=AT - 100 * STEP))
    for number in (6, 8):
        room.jobs.update(f"{room.prefix}_{own}_{number}", lambda t: t.finished(at=AT))
    found = [t.id for t in room.jobs.list_followed(limit=1000) if own in t.id]
    assert found == [f"{room.prefix}_{own}_{number}" for number in (0, 7, 5, 4, 3, 2, 1)]


def test_watched_trainings_were_given_up_uncertain_and_come_when_their_turn_is(room: Room, own: str) -> None:
    for number in range(4):
        training = room.a_job(id=f"{room.prefix}_{own}_{number}", status=Status.SUBMITTING)
        uncertain = training.fail(SubmissionUncertain(reason="silence"), at=AT, charged=None)
        room.jobs.create(uncertain.finished(at=AT + number * STEP))
    room.jobs.create(room.a_job(id=f"{room.prefix}_{own}_failed", status=Status.FAILED).finished(at=AT))
    room.jobs.update(f"{room.prefix}_{own}_0", lambda t: t.unwatched(at=AT))
    found = room.jobs.list_watched(unchanged_since=AT + 2 * STEP, limit=1000)
    assert [training.id for training in found if own in training.id] == [
        f"{room.prefix}_{own}_1",
        f"{room.prefix}_{own}_2",
    ]


def test_followed_trainings_are_limited(room: Room, own: str) -> None:
    for number in range(3):
        room.jobs.create(room.a_job(id=f"{room.prefix}_{own}_{number}"))
    assert len(room.jobs.list_followed(limit=2)) == 2
