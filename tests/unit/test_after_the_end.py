"""What is still to be done when a training has ended, whoever was killed on the way: found by the simulation."""

from __future__ import annotations

from datetime import timedelta

import pytest

from functions.api.end_training import retry_training
from shared.accounts import Limits
from shared.errors import (
    ArtifactCorrupt,
    ArtifactUnavailable,
    MessagingUnavailable,
    SubmissionUncertain,
    TrainerRejectedInput,
    TrainerUnavailable,
    TrainingFailed,
)
from shared.events import ResultReported
from shared.models import STAGING
from shared.ports import RunState
from shared.reservations import GRACE
from shared.settings import SubmitSettings
from shared.stages import Attention, Status
from shared.trainings import Training
from tests.builders import AT, STEP, a_training
from tests.wiring import MAX_ATTEMPTS
from tests.world import OWNER, World


@pytest.fixture
def world() -> World:
    """A shoot with four pictures, and nothing else."""
    world = World()
    world.shoot()
    return world


def uncertain(world: World) -> Training:
    """A training that fal.ai runs and nobody knows of, given up."""
    world.fal.lose_answer = [SubmissionUncertain(reason="silence")]
    training = world.start()
    world.run()
    world.fal.hides_list = True
    world.tick(after_s=world.monitor_settings.deadline_submitting_s + 1)
    world.fal.hides_list = False
    assert world.of(training).error is not None
    assert world.of(training).attention is Attention.WATCHED
    return training


def test_a_tick_that_looked_before_a_recovery_does_not_undo_it(world: World) -> None:
    training = world.start()
    world.run()
    world.fal.end("r1")
    world.media.errors = [ArtifactUnavailable(reason="404")]
    with pytest.raises(ArtifactUnavailable):
        world.deliver(world.report(training))
    recovered: list[Training] = []

    def another_tick_and_a_press() -> None:
        world.tick(after_s=0)
        assert world.of(training).is_recoverable
        recovered.append(retry_training(world.of(training), world.desk))

    world.trainings.faults.meanwhile("list_followed", another_tick_and_a_press, after=True)
    world.tick(after_s=world.monitor_settings.deadline_mirroring_s + 1)
    assert [done.status for done in recovered] == [world.of(training).status] == [Status.MIRRORING]


# --- an end that nobody finished


def test_the_monitor_finishes_a_training_whose_last_delivery_died_after_failing_it(world: World) -> None:
    training = world.start()
    world.put("s_1", "00.jpg", b"no picture")
    world.publisher.faults.fail("publish", MessagingUnavailable(reason="down"))
    with pytest.raises(MessagingUnavailable):
        world.deliver(world.publisher.published[0], attempt=MAX_ATTEMPTS)
    assert (world.of(training).status, world.finished()) == (Status.FAILED, [])
    world.tick()
    assert [event.training_id for event in world.finished()] == [training.id]
    assert world.accounts.get(OWNER).reservations == {}


def test_a_finished_training_is_announced_once_however_often_it_is_looked_at(world: World) -> None:
    training = world.start()
    world.run()
    world.finish(training)
    world.publisher.publish(world.report(training))
    world.run()
    world.tick()
    assert len(world.finished()) == 1
    assert world.of(training).attention is Attention.NONE


def test_who_finishes_a_failure_does_not_finish_the_success_that_came_of_it_meanwhile() -> None:
    failed = a_training(status=Status.MIRRORING).fail(ArtifactCorrupt(reason="cut"), at=AT + 9 * STEP, charged=True)
    recovered = failed.advance(Status.MIRRORING, at=AT + 10 * STEP, reason="recovered")
    assert failed.finished(at=AT).attention is Attention.NONE
    assert recovered.finished(at=AT) is recovered
    assert failed.finished(at=AT).advance(Status.MIRRORING, at=AT, reason="again").attention is Attention.FOLLOWED


# --- paid weights of what was given up


def test_weights_of_an_uncertain_submission_are_found_in_the_list_and_can_be_recovered(world: World) -> None:
    training = uncertain(world)
    world.fal.end("r1")
    world.tick(after_s=world.monitor_settings.watch_interval_s + 1)
    world.run()
    assert world.of(training).is_recoverable
    assert world.of(training).attention is Attention.NONE
    assert world.recover(training).status is Status.SUCCEEDED
    assert len(world.fal.runs) == 1


def test_a_run_that_is_given_up_and_still_runs_is_asked_about_again_and_not_at_every_tick(world: World) -> None:
    training = uncertain(world)
    world.tick(after_s=world.monitor_settings.watch_interval_s + 1)
    looked_at = world.of(training).updated_at
    world.tick(after_s=60)
    assert world.of(training).updated_at == looked_at
    assert world.of(training).attention is Attention.WATCHED


@pytest.mark.parametrize("failure", [TrainingFailed(reason="x"), TrainerRejectedInput(field="a", reason="b")])
def test_a_given_up_run_that_failed_at_fal_is_not_asked_about_any_more(
    world: World, failure: TrainingFailed | TrainerRejectedInput
) -> None:
    training = uncertain(world)
    world.fal.end("r1", failure)
    world.tick(after_s=world.monitor_settings.watch_interval_s + 1)
    world.run()
    assert (world.of(training).attention, world.of(training).is_recoverable) == (Attention.NONE, False)


@pytest.mark.parametrize("failure", [TrainingFailed(reason="x"), TrainerRejectedInput(field="a", reason="b")])
def test_a_run_whose_end_fal_told_is_not_watched_whatever_it_cost(
    world: World, failure: TrainingFailed | TrainerRejectedInput
) -> None:
    training = _submitted(world, "1")
    world.fal.end("r1", failure)
    world.publisher.publish(world.report(training))
    world.run()
    ended = world.of(training)
    assert (ended.charged, ended.may_still_deliver, ended.attention) == (None, False, Attention.NONE)


def test_nobody_asks_for_ever(world: World) -> None:
    training = uncertain(world)
    world.tick(after_s=world.monitor_settings.watch_s + world.monitor_settings.watch_interval_s)
    assert world.of(training).attention is Attention.NONE


def test_a_run_that_ended_at_its_deadline_is_reported_and_fails_or_succeeds_as_it_did(world: World) -> None:
    training = world.start()
    world.run()
    world.fal.runs["r1"].state = RunState.IN_PROGRESS
    world.tick()
    world.fal.end("r1", TrainingFailed(reason="out of memory", charged=False))
    world.tick(after_s=world.monitor_settings.deadline_running_s + 1)
    assert world.of(training).status is Status.RUNNING
    world.run()
    ended = world.of(training)
    assert (ended.status, ended.charged) == (Status.FAILED, False)
    assert ended.error is not None and ended.error.code == "training_failed"


# --- strangers


def test_a_stranger_who_knows_the_url_of_an_unrecorded_submission_cannot_take_it_over(world: World) -> None:
    world.fal.lose_answer = [SubmissionUncertain(reason="silence")]
    training = world.start()
    world.run()
    claim = world.of(training).claim
    assert claim is not None
    world.publisher.publish(ResultReported(training_id=training.id, nonce=claim.nonce, request_id="theirs"))
    world.run()
    assert world.of(training).status is Status.SUBMITTING
    assert world.of(training).fal is None


# --- money that is set aside for nothing


def test_a_reservation_of_a_training_that_was_never_recorded_is_freed_when_it_is_in_the_way(world: World) -> None:
    world.limits = Limits(trainings_at_once=1, usd_per_day=None)
    at = world.clock.now()
    world.accounts.update(OWNER, lambda account: account.reserve("t_never", 2.0, limits=world.limits, at=at))
    world.clock.advance(GRACE / timedelta(seconds=1) + 1)
    training = world.start()
    assert set(world.accounts.get(OWNER).reservations) == {training.id}


# --- what lies about


def test_what_a_killed_mirror_left_goes_a_day_later(world: World) -> None:
    world.kept.write(f"{STAGING}t_gone/x/weights.safetensors", [b"half"], content_type="application/octet-stream")
    world.finish(_submitted(world, "1"))
    assert list(world.kept.list(STAGING)) != []
    world.clock.advance(24 * 60 * 60)
    training = _submitted(world, "2")
    world.fal.end("r2")
    world.publisher.publish(world.report(training, "r2"))
    world.run()
    assert list(world.kept.list(STAGING)) == []


def test_a_history_never_goes_back_in_time() -> None:
    training = a_training(status=Status.SUBMITTED)
    moved = training.advance(Status.RUNNING, at=training.since - STEP)
    assert moved.since == training.since


def _submitted(world: World, key: str) -> Training:
    training = world.start(key=key, force=True)
    world.run()
    return training


# --- a fal.ai that does not answer


def _running(world: World) -> Training:
    training = _submitted(world, "1")
    world.fal.runs["r1"].state = RunState.IN_PROGRESS
    world.tick()
    return training


def test_a_user_is_told_that_nobody_knows_how_her_training_stands_and_the_next_look_takes_it_back(
    world: World,
) -> None:
    training = _running(world)
    world.fal.unreachable = [TrainerUnavailable(reason="timeout")]
    world.tick()
    hindrance = world.of(training).hindrance
    assert hindrance is not None and hindrance.code == "trainer_unavailable"
    world.tick()
    assert world.of(training).hindrance is None


def test_the_same_hindrance_is_written_once(world: World) -> None:
    training = _running(world)
    world.fal.unreachable = [TrainerUnavailable(reason="timeout"), TrainerUnavailable(reason="timeout")]
    world.tick()
    told_at = world.of(training).updated_at
    world.tick()
    assert world.of(training).updated_at == told_at


def test_a_training_ends_with_a_word_although_fal_does_not_answer_for_ever(world: World) -> None:
    training = _running(world)
    world.fal.unreachable = [TrainerUnavailable(reason="timeout")] * 9
    settings = world.monitor_settings
    world.tick(after_s=settings.deadline_running_s + 1)
    assert world.of(training).status is Status.RUNNING
    world.tick(after_s=settings.deadline_mirroring_s)
    ended = world.of(training)
    assert (ended.status, ended.charged, ended.attention) == (Status.FAILED, None, Attention.WATCHED)
    assert ended.error is not None and ended.error.code == "trainer_unavailable"


# --- a submitter that is held up


def test_a_submitter_that_was_held_up_beyond_its_lease_pays_nothing_and_the_next_one_does(world: World) -> None:
    training = world.start()
    world.deliver(world.publisher.published[0])
    world.trainings.faults.meanwhile("update", lambda: world.clock.advance(SubmitSettings().claim_lease_s), after=True)
    world.deliver(world.publisher.published[1])
    assert (world.fal.runs, world.of(training).awaits_submission) == ({}, True)
    world.tick(after_s=world.monitor_settings.stalled_s + 1)
    world.publisher.published[:2] = []
    world.run()
    assert len(world.fal.runs) == 1
