"""The training's table of transitions and what is recorded with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.deadlines import Deadlines
from shared.errors import (
    ArtifactCorrupt,
    ArtifactUnavailable,
    Conflict,
    ModelErased,
    StorageUnavailable,
    TrainerUnavailable,
    TrainingFailed,
)
from shared.jobs import LOG_TAIL_LINES
from shared.remedies import Remedy
from shared.stages import TERMINAL, TRANSITIONS, Stage, Status
from shared.training_records import Claim, Failure, FalJob, Progress
from shared.trainings import Training

T0 = datetime(2026, 1, 1, tzinfo=UTC)
LATER = T0 + timedelta(seconds=10)


def training(status: Status = Status.REQUESTED) -> Training:
    fresh = Training.requested(
        at=T0,
        id="t_1",
        shoot_id="s_1",
        owner_id="o",
        person_id="p",
        model_name="m",
        trigger_word="TOK",
        trainer="fal-ai/flux-lora-fast-training",
        parameters={"steps": 10},
    )
    return replace(fresh, status=status)


def claim(nonce: str = "n", owner: str = "a", attempt: int = 1) -> Claim:
    return Claim(owner=owner, nonce=nonce, lease_until=LATER, attempt=attempt)


JOB = FalJob(request_id="r", nonce="n", endpoint="e", submitted_at=T0)


@pytest.mark.parametrize("source", Status)
@pytest.mark.parametrize("target", Status)
def test_every_pair_of_statuses_moves_as_the_table_says(source: Status, target: Status) -> None:
    before = training(source)
    if source is target:
        assert before.advance(target, at=LATER) is before
    elif target in TRANSITIONS[source] and source is not Status.FAILED:
        moved = before.advance(target, at=LATER, reason="why")
        assert (moved.status, moved.updated_at) == (target, LATER)
        assert (moved.history[-1].status, moved.history[-1].at, moved.history[-1].reason) == (target, LATER, "why")
    else:
        with pytest.raises(Conflict):
            before.advance(target, at=LATER)


def test_the_table_names_every_status_and_ends_only_in_terminal_ones() -> None:
    assert set(TRANSITIONS) == set(Status)
    assert {status for status, targets in TRANSITIONS.items() if not targets} | {Status.FAILED} == TERMINAL


@pytest.mark.parametrize("stage", Stage)
def test_a_failed_training_is_recovered_only_where_it_failed_in_mirroring(stage: Stage) -> None:
    failure = Failure.of(ArtifactCorrupt(reason="x"), stage=stage, charged=True, at=T0)
    failed = replace(training(Status.FAILED), error=failure)
    if stage is Stage.MIRRORING:
        recovered = failed.advance(Status.MIRRORING, at=LATER)
        assert recovered.status is Status.MIRRORING
        assert recovered.error is None
    else:
        with pytest.raises(Conflict):
            failed.advance(Status.MIRRORING, at=LATER)


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_what_has_ended_neither_fails_nor_is_hindered_nor_expires(status: Status) -> None:
    ended = training(status)
    error = TrainingFailed(reason="x")
    assert ended.fail(error, at=LATER, charged=True) is ended
    assert ended.hindered(error, at=LATER) is ended
    assert ended.expired(1, at=LATER) is ended


def test_a_failure_says_code_sentence_stage_and_cost() -> None:
    failed = training(Status.RUNNING).fail(TrainingFailed(reason="out of memory"), at=LATER, charged=None)
    assert failed.error is not None
    assert failed.error.code == "training_failed"
    assert "out of memory" in failed.error.message
    assert failed.error.stage is Stage.TRAINING
    assert failed.error.charged is None


def test_only_one_of_two_claims_wins_and_the_winner_may_repeat_its_own() -> None:
    packaged = training(Status.PACKAGED)
    mine = claim(owner="a")
    won = packaged.claimed(mine, at=LATER)
    assert won.claimed(mine, at=LATER) is won
    with pytest.raises(Conflict):
        won.claimed(claim(owner="b"), at=LATER)


def test_a_released_claim_can_be_taken_again_and_nothing_was_charged() -> None:
    won = training(Status.PACKAGED).claimed(claim(), at=T0)
    assert won.charged is None
    free = won.released(claim(), at=LATER)
    assert free.awaits_submission
    assert free.charged is False
    again = free.claimed(claim(owner="b"), at=LATER)
    assert again.status is Status.SUBMITTING
    assert not again.awaits_submission


def test_a_claim_is_released_only_by_its_holder_and_only_while_submitting() -> None:
    won = training(Status.PACKAGED).claimed(claim(owner="a"), at=T0)
    assert won.released(claim(owner="b"), at=LATER) is won
    done = won.recorded(JOB, at=LATER)
    assert done.released(claim(owner="a"), at=LATER) is done


def test_a_release_that_is_repeated_leaves_the_claim_that_another_delivery_took_meanwhile() -> None:
    """All attempts at one preparation have its nonce; a release whose answer was lost is tried again."""
    mine, theirs = claim(owner="a"), claim(owner="b", attempt=2)
    taken = training(Status.PACKAGED).claimed(mine, at=T0).released(mine, at=T0).claimed(theirs, at=T0)
    assert taken.released(mine, at=LATER) is taken


def test_a_request_that_is_recorded_late_moves_nothing_back() -> None:
    submitting = training(Status.PACKAGED).claimed(claim(), at=T0)
    mirroring = submitting.advance(Status.MIRRORING, at=T0, fal=JOB)
    assert mirroring.recorded(replace(JOB, request_id="other"), at=LATER) is mirroring
    canceled = submitting.advance(Status.CANCELED, at=T0)
    noted = canceled.recorded(JOB, at=LATER)
    assert (noted.status, noted.fal) == (Status.CANCELED, JOB)


def test_an_uncertain_submission_expires_as_uncertain_and_its_cost_is_not_known() -> None:
    expired = training(Status.PACKAGED).claimed(claim(), at=T0).expired(60, at=LATER)
    assert expired.error is not None
    assert (expired.error.code, expired.error.charged) == ("submission_uncertain", None)


def test_a_stage_that_waited_on_an_error_expires_with_that_error() -> None:
    hindered = training().hindered(StorageUnavailable(reason="timeout"), at=T0)
    expired = hindered.expired(60, at=LATER)
    assert expired.error is not None
    assert (expired.error.code, expired.error.charged, expired.error.at) == ("storage_unavailable", False, LATER)


def test_a_released_submission_expires_with_what_hindered_it_and_cost_nothing() -> None:
    free = training(Status.PACKAGED).claimed(claim(), at=T0).released(claim(), at=T0)
    expired = free.hindered(TrainerUnavailable(reason="refused"), at=T0).expired(60, at=LATER)
    assert expired.error is not None
    assert (expired.error.code, expired.error.charged) == ("trainer_unavailable", False)


def test_a_stage_that_just_took_too_long_times_out() -> None:
    expired = training(Status.RUNNING).expired(60, at=LATER)
    assert expired.error is not None
    assert (expired.error.code, expired.error.stage) == ("timed_out", Stage.TRAINING)


def test_a_late_result_makes_a_given_up_training_recoverable_without_changing_its_status() -> None:
    given_up = training(Status.PACKAGED).claimed(claim(), at=T0).expired(60, at=T0)
    late = given_up.with_late_result(JOB, at=LATER)
    assert late.status is Status.FAILED
    assert late.is_recoverable
    assert late.error is not None
    assert late.error.charged is True
    assert [move.reason for move in late.history[-2:]] == ["submission_uncertain", "artifact_unavailable"]
    assert late.with_late_result(JOB, at=LATER) is late


def test_what_helps_is_what_the_catalogue_says_but_that_what_is_paid_for_can_be_recovered() -> None:
    assert training().remedy is None
    erased = training().fail(ModelErased(id="m_1"), at=T0, charged=False)
    assert (erased.remedy, erased.error and erased.error.remedy) == (Remedy.CHOOSE_MODEL, Remedy.CHOOSE_MODEL)
    fetching = training(Status.MIRRORING).fail(StorageUnavailable(reason="x"), at=T0, charged=True)
    assert fetching.remedy is Remedy.RECOVER


def test_to_recover_is_never_said_where_it_would_be_paid_again() -> None:
    lost = training(Status.RUNNING).fail(ArtifactUnavailable(reason="x"), at=T0, charged=None)
    assert (lost.is_recoverable, lost.remedy) == (False, Remedy.RETRY)


def test_moving_on_forgets_what_hindered() -> None:
    hindered = training().hindered(StorageUnavailable(reason="x"), at=T0)
    assert hindered.advance(Status.PACKAGED, at=LATER).hindrance is None


def test_the_log_keeps_its_tail_and_its_count_and_never_shrinks() -> None:
    lines = tuple(f"line {i}" for i in range(LOG_TAIL_LINES + 5))
    at = Progress(percent=1.0, updated_at=LATER)
    followed = training(Status.RUNNING).with_progress(at, lines)
    assert followed.log_count == LOG_TAIL_LINES + 5
    assert followed.log_tail == lines[5:]
    assert followed.with_progress(at, lines[:3]).log_tail == lines[5:]


def test_stage_seconds_add_up_and_the_present_one_runs() -> None:
    packaged = training().advance(Status.PACKAGED, at=T0 + timedelta(seconds=2))
    submitting = packaged.claimed(claim(), at=T0 + timedelta(seconds=3))
    seconds = submitting.stage_seconds(T0 + timedelta(seconds=7))
    assert seconds == {Stage.PACKAGING: 2.0, Stage.SUBMITTING: 5.0}


@pytest.mark.parametrize("status", [status for status in Status if status not in TERMINAL])
def test_every_unfinished_status_has_a_deadline(status: Status) -> None:
    limits = Deadlines()
    standing = training(status)
    limit = timedelta(seconds=limits.limit_s(status))
    assert not limits.passed(standing, T0 + limit)
    assert limits.passed(standing, T0 + limit + timedelta(seconds=1))
