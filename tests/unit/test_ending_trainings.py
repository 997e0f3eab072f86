"""Cancel, retry and check now: they tell the truth, and nothing is paid twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from functions.api.end_training import Cancellation, CancelOutcome, cancel_job, retry_training
from functions.api.request_erasure import request_erasure
from shared.accounts import Limits
from shared.adapters.memory import MemoryShoots
from shared.erasing.things import Subject
from shared.errors import (
    AlreadyPaid,
    AlreadyTrained,
    AlreadyTraining,
    ArtifactCorrupt,
    BudgetExceeded,
    Conflict,
    DatabaseUnavailable,
    MessagingUnavailable,
    ShootNotFound,
    SubmissionUncertain,
    TrainingFailed,
)
from shared.events import CheckRequested, TrainingRequested
from shared.jobs import keyed_id
from shared.ports import RunState
from shared.stages import Status
from shared.trainings import Training
from tests.world import OWNER, World


@pytest.fixture
def world() -> World:
    return World()


def submitted(world: World) -> Training:
    world.shoot()
    training = world.start()
    world.run()
    return world.of(training)


def cancel(world: World, training: Training) -> Cancellation:
    return cancel_job(world.of(training), jobs=world.jobs, publisher=world.publisher, clock=world.clock)


# --- cancel


def test_what_was_not_sent_is_canceled_at_once_and_cost_nothing(world: World) -> None:
    world.shoot()
    training = world.start()
    world.deliver(TrainingRequested(training_id=training.id))
    done = cancel(world, training)
    assert done.outcome is CancelOutcome.CANCELED
    world.run()
    ended = world.of(training)
    assert ended.status is Status.CANCELED
    assert ended.error is not None
    assert (ended.error.code, ended.error.charged) == ("canceled", False)
    assert world.fal.runs == {}
    assert world.zips() == []
    assert {event.status for event in world.finished()} == {"canceled"}
    assert world.accounts.get(OWNER).reservations == {}


@pytest.mark.parametrize("state", [RunState.IN_QUEUE, RunState.IN_PROGRESS])
def test_what_runs_at_fal_is_asked_to_stop_and_may_still_bill(world: World, state: RunState) -> None:
    training = submitted(world)
    world.fal.runs["r1"].state = state
    world.tick()
    done = cancel(world, training)
    assert done.outcome is CancelOutcome.ASKED
    assert "may still bill" in done.message
    world.run()
    ended = world.of(training)
    assert ended.status is Status.CANCELED
    assert ended.error is not None
    assert ended.error.charged is None
    assert world.fal.runs["r1"].canceled
    assert world.zips() == []


def test_a_run_that_was_faster_than_its_cancellation_is_kept(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1")
    assert cancel(world, training).outcome is CancelOutcome.ASKED
    world.run()
    kept = world.of(training)
    assert kept.status is Status.SUCCEEDED


@pytest.mark.parametrize("first", ["webhook", "monitor"])
def test_a_run_that_was_stopped_ends_as_canceled_although_whoever_stopped_it_died(world: World, first: str) -> None:
    training = submitted(world)
    cancel(world, training)
    world.publisher.published.pop()
    # what fal.ai makes of a cancellation; the monitor that asked for it was killed before it could record it
    world.fal.end("r1", TrainingFailed(reason="The request was cancelled by the client"))
    if first == "webhook":
        world.deliver(world.report(training))
    else:
        world.tick()
        world.run()
    ended = world.of(training)
    assert ended.error is not None
    assert (ended.status, ended.error.code, ended.error.charged) == (Status.CANCELED, "canceled", None)
    assert world.zips() == []
    assert world.accounts.get(OWNER).reservations == {}


def test_a_wish_to_cancel_that_came_too_late_is_over_when_the_run_is_kept(world: World) -> None:
    training = submitted(world)
    cancel(world, training)
    world.fal.end("r1")
    world.run()
    kept = world.of(training)
    assert (kept.status, kept.cancel_requested_at) == (Status.SUCCEEDED, None)


def test_a_cancellation_whose_message_was_lost_is_done_by_the_monitor(world: World) -> None:
    training = submitted(world)
    cancel(world, training)
    world.publisher.published.pop()
    world.tick()
    assert world.of(training).status is Status.CANCELED


def test_an_uncertain_submission_is_canceled_as_soon_as_it_is_found(world: World) -> None:
    world.fal.lose_answer = [SubmissionUncertain(reason="timeout")]
    training = submitted(world)
    assert cancel(world, training).outcome is CancelOutcome.ASKED
    world.tick(after_s=600)
    world.tick()
    assert world.of(training).status is Status.CANCELED
    assert world.fal.runs["r1"].canceled


@pytest.mark.parametrize("status", [Status.MIRRORING, Status.SUCCEEDED])
def test_it_is_too_late_once_fal_is_done(world: World, status: Status) -> None:
    training = submitted(world)
    if status is Status.SUCCEEDED:
        world.finish(training)
    else:
        world.trainings.update(training.id, lambda t: t.advance(Status.MIRRORING, at=world.clock.now()))
    before = world.of(training)
    refused = cancel(world, training)
    assert refused.outcome is CancelOutcome.TOO_LATE
    assert "it is succeeded" not in refused.message
    assert world.of(training) == before


def test_canceling_twice_says_the_same(world: World) -> None:
    training = submitted(world)
    assert [cancel(world, training).outcome for _ in range(2)] == [CancelOutcome.ASKED] * 2


# --- retry


def failed(world: World) -> Training:
    training = submitted(world)
    world.fal.end("r1", TrainingFailed(reason="out of memory"))
    world.deliver(world.report(training))
    return world.of(training)


def test_a_failed_training_is_retried_as_its_successor_once_however_often_it_is_pressed(world: World) -> None:
    before = failed(world)
    first, second = retry_training(before, world.desk), retry_training(before, world.desk)
    assert first == second
    assert (first.predecessor_id, first.status) == (before.id, Status.REQUESTED)
    assert (first.shoot_id, first.trigger_word, first.parameters) == (
        before.shoot_id,
        before.trigger_word,
        before.parameters,
    )
    world.run()
    assert len(world.fal.runs) == 2


@pytest.mark.parametrize(("preset", "kept"), [("style", "style"), ("offered no more", None), (None, None)])
def test_a_retried_training_keeps_its_preset_as_long_as_it_is_offered(
    world: World, preset: str | None, kept: str | None
) -> None:
    before = replace(failed(world), preset=preset)
    again = retry_training(before, world.desk)
    assert (again.preset, again.parameters) == (kept, before.parameters)


def test_paid_weights_are_recovered_instead_of_trained_again(world: World) -> None:
    training = submitted(world)
    world.media.broken = [b"\x00" * 40] * 3
    assert world.finish(training).is_recoverable
    same = retry_training(world.of(training), world.desk)
    assert (same.id, same.status) == (training.id, Status.MIRRORING)
    world.run()
    assert world.of(training).status is Status.SUCCEEDED
    assert len(world.fal.runs) == 1


def test_a_recovery_that_is_pressed_again_answers_with_the_training_as_it_is_by_then(world: World) -> None:
    training = submitted(world)
    world.media.broken = [b"\x00" * 40] * 3
    before = world.finish(training)
    first = retry_training(before, world.desk)
    assert first.status is Status.MIRRORING
    assert retry_training(world.of(training), world.desk) == first
    assert retry_training(before, world.desk) == first, "a press that was held up on its way"
    world.run()
    done = world.of(training)
    assert done.status is Status.SUCCEEDED
    assert (retry_training(done, world.desk), retry_training(before, world.desk)) == (done, done)
    assert len(world.fal.runs) == 1


def test_a_recovery_that_could_not_be_announced_is_announced_by_the_next_press(world: World) -> None:
    training = submitted(world)
    world.media.broken = [b"\x00" * 40] * 3
    world.finish(training)
    world.publisher.faults.fail("publish", MessagingUnavailable(reason="503"))
    with pytest.raises(MessagingUnavailable):
        retry_training(world.of(training), world.desk)
    assert world.recover(training).status is Status.SUCCEEDED


def test_a_recovery_whose_message_was_lost_is_done_by_the_monitor(world: World) -> None:
    training = submitted(world)
    world.media.broken = [b"\x00" * 40] * 3
    world.finish(training)
    retry_training(world.of(training), world.desk)
    world.publisher.published.pop()
    world.tick(after_s=world.monitor_settings.mirror_stalled_s + 1)
    world.run()
    assert world.of(training).status is Status.SUCCEEDED


def erased(world: World, training: Training) -> None:
    """Delete it as its user does, once it has ended."""
    cancel_job(world.of(training), jobs=world.jobs, publisher=world.publisher, clock=world.clock)
    world.run()
    request_erasure(OWNER, Subject.TRAINING, training.id, training.model_name, world.erasing())
    world.run()


def test_a_training_whose_retry_was_deleted_is_retried_anew_once_however_often_it_is_pressed(world: World) -> None:
    before = failed(world)
    gone = []
    for _ in range(3):
        first, second = (retry_training(world.of(before), world.desk) for _ in range(2))
        assert first == second
        assert (first.predecessor_id, first.status) == (before.id, Status.REQUESTED)
        assert first.id not in gone
        erased(world, first)
        gone.append(first.id)


def test_a_copy_of_retry_that_was_held_up_until_its_training_was_deleted_begins_nothing(world: World) -> None:
    held_up = failed(world)
    erased(world, retry_training(held_up, world.desk))
    with pytest.raises(Conflict, match="made and then deleted"):
        retry_training(held_up, world.desk)
    anew = retry_training(world.of(held_up), world.desk)
    with pytest.raises(Conflict, match="made and then deleted"):
        retry_training(held_up, world.desk)
    assert retry_training(world.of(held_up), world.desk) == anew


def test_where_retry_died_before_it_noted_what_it_began_and_that_was_deleted_the_next_press_but_one_begins_anew(
    world: World,
) -> None:
    before = failed(world)
    world.trainings.faults.fail("update", DatabaseUnavailable(reason="away"))
    with pytest.raises(DatabaseUnavailable):
        retry_training(before, world.desk)
    (unnoted,) = [t for t in world.trainings._jobs.values() if t.predecessor_id == before.id]
    erased(world, unnoted)
    with pytest.raises(Conflict, match="retry once more"):
        retry_training(world.of(before), world.desk)
    anew = retry_training(world.of(before), world.desk)
    assert (anew.predecessor_id, anew.status) == (before.id, Status.REQUESTED)
    assert anew.id != unnoted.id
    assert retry_training(world.of(before), world.desk) == anew
    with pytest.raises(Conflict, match="made and then deleted"):
        retry_training(before, world.desk)


def test_a_training_that_is_deleted_while_it_is_retried_is_retried_all_the_same(world: World) -> None:
    before = failed(world)
    world.trainings.faults.meanwhile("update", lambda: world.trainings.delete(before.id))
    assert retry_training(before, world.desk).predecessor_id == before.id


def test_there_is_nothing_to_retry_in_a_training_that_runs_or_succeeded(world: World) -> None:
    training = submitted(world)
    with pytest.raises(Conflict):
        retry_training(training, world.desk)
    with pytest.raises(Conflict):
        retry_training(world.finish(training), world.desk)


# --- check now


def test_checking_now_finds_a_result_without_waiting(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1")
    world.deliver(CheckRequested(training_id=training.id))
    world.run()
    assert world.of(training).status is Status.SUCCEEDED


def test_checking_now_shows_progress_without_waiting(world: World) -> None:
    training = submitted(world)
    run = world.fal.runs["r1"]
    run.state = RunState.IN_PROGRESS
    for line in ("1/10", "2/10"):
        run.log = (*run.log, line)
        world.deliver(CheckRequested(training_id=training.id))
        assert world.of(training).log_tail == run.log


def test_checking_what_has_ended_changes_nothing(world: World) -> None:
    training = submitted(world)
    done = world.finish(training)
    world.deliver(CheckRequested(training_id=training.id))
    assert world.of(training) == done


# --- money


def test_what_a_training_reserved_is_settled_with_what_fal_billed(world: World) -> None:
    training = submitted(world)
    assert world.accounts.get(OWNER).reserved_usd == 0.02
    world.fal.price_usd = 0.015
    done = world.finish(training)
    account = world.accounts.get(OWNER)
    assert (account.reserved_usd, account.spent_usd, done.cost_usd) == (0.0, 0.015, 0.015)


def test_a_training_that_cost_nothing_is_settled_with_nothing(world: World) -> None:
    world.shoot(images=1)
    world.start()
    world.run()
    account = world.accounts.get(OWNER)
    assert (account.reserved_usd, account.spent_usd) == (0.0, 0.0)


UNPRICED = "fal-ai/qwen-image-2512-trainer"
FIVE_A_DAY = Limits(trainings_at_once=None, usd_per_day=5.0)


def unpriced(world: World, **wish: Any) -> Training:
    """A training of which nobody knows before what it costs, sent to fal.ai within a budget of five dollars."""
    world.limits = FIVE_A_DAY
    world.shoot()
    training = world.start(trainer=UNPRICED, parameters={"steps": 100}, **wish)
    world.run()
    return training


def left_usd(world: World) -> float | None:
    return world.accounts.get(OWNER).left_usd(FIVE_A_DAY, world.clock.now())


@pytest.mark.parametrize("failure", [None, TrainingFailed(reason="gone", charged=None)])
def test_where_nobody_knows_what_a_training_cost_all_that_was_set_aside_for_it_is_spent(
    world: World, failure: TrainingFailed | None
) -> None:
    training = unpriced(world)
    world.fal.price_usd = None
    world.fal.end("r1", failure)
    world.publisher.publish(world.report(training))
    world.run()
    assert (world.of(training).is_terminal, left_usd(world)) == (True, 0.0)
    with pytest.raises(BudgetExceeded):
        world.start(key="another", trigger_word="OTHER")


def test_what_has_no_price_before_is_settled_with_its_bill_and_with_nothing_where_it_cost_nothing(
    world: World,
) -> None:
    billed = unpriced(world)
    world.fal.price_usd = 1.5
    world.finish(billed)
    assert left_usd(world) == 3.5
    free = world.start(key="another", trainer=UNPRICED, parameters={"steps": 100}, trigger_word="OTHER")
    assert left_usd(world) == 0.0
    assert cancel(world, free).outcome is CancelOutcome.CANCELED
    world.run()
    assert left_usd(world) == 3.5


def test_samples_of_which_nobody_knows_the_price_leave_nothing_of_what_was_set_aside_for_them(world: World) -> None:
    training = unpriced(world, samples=2)
    world.fal.price_usd = 1.5
    assert world.finish(training).cost_usd == 1.5
    assert left_usd(world) == 0.0


def test_a_training_over_the_budget_is_refused_before_anything_happens(world: World) -> None:
    world.limits = Limits(trainings_at_once=None, usd_per_day=0.01)
    world.shoot()
    with pytest.raises(BudgetExceeded):
        world.start()
    assert world.publisher.published == []
    assert world.trainings.list_for_owner(OWNER, limit=10).items == ()


def test_the_same_key_reserves_once(world: World) -> None:
    world.shoot()
    world.start()
    world.start()
    assert len(world.accounts.get(OWNER).reservations) == 1


# --- the same press again


def test_a_press_that_comes_again_is_answered_with_its_training_when_the_shoot_has_gone(world: World) -> None:
    training = submitted(world)
    world.shoots = MemoryShoots()
    assert world.start() == world.of(training)
    with pytest.raises(ShootNotFound):
        world.start(trigger_word="OTHER")


def test_a_press_that_comes_again_is_answered_with_its_training_when_the_costume_has_another_name(world: World) -> None:
    training = submitted(world)
    shoot = world.shoots.get(training.shoot_id)
    world.shoots = MemoryShoots()
    world.shoots.create(replace(shoot, costume_name="Snow White"))
    assert world.start() == world.of(training)
    with pytest.raises(Conflict, match="take a new key"):
        world.start(trigger_word="OTHER")


def test_a_press_before_whose_words_were_not_recorded_is_known_by_what_it_asked_for(world: World) -> None:
    training = submitted(world)
    before = world.trainings.update(training.id, lambda t: replace(t, press_hash=None))
    assert world.start() == before
    with pytest.raises(Conflict, match="take a new key"):
        world.start(trigger_word="OTHER")


# --- what was trained already


def test_the_same_input_is_not_trained_twice_unless_it_is_forced(world: World) -> None:
    done = world.finish(submitted(world))
    with pytest.raises(AlreadyTrained, match=str(done.model_id)):
        world.start(key="again")
    assert world.start(key="again", force=True).status is Status.REQUESTED


def test_the_same_input_is_not_trained_twice_at_a_time_unless_it_is_forced(world: World) -> None:
    first = submitted(world)
    with pytest.raises(AlreadyTraining, match=first.id):
        world.start(key="again")
    assert world.start(key="again", force=True).status is Status.REQUESTED
    assert set(world.accounts.get(OWNER).reservations) == {first.id, keyed_id("t", OWNER, "again")}


def test_what_is_refused_as_trained_already_has_no_money_set_aside(world: World) -> None:
    world.finish(submitted(world))
    with pytest.raises(AlreadyTrained):
        world.start(key="again")
    assert not world.accounts.get(OWNER).reservations


def test_what_failed_is_trained_by_whoever_asks_for_it_anew(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1", TrainingFailed(reason="out of memory"))
    world.publisher.publish(world.report(training))
    world.run()
    assert world.start(key="again").status is Status.REQUESTED


def test_what_was_paid_for_and_can_be_recovered_is_not_bought_again_unless_it_is_forced(world: World) -> None:
    training = submitted(world)
    corrupt = ArtifactCorrupt(reason="cut off")
    world.trainings.update(training.id, lambda t: t.advance(Status.MIRRORING, at=world.clock.now()))
    world.trainings.update(training.id, lambda t: t.fail(corrupt, at=world.clock.now(), charged=True))
    world.tick()
    with pytest.raises(AlreadyPaid, match=training.id):
        world.start(key="again")
    assert not world.accounts.get(OWNER).reservations
    assert world.start(key="again", force=True).status is Status.REQUESTED


def test_what_is_being_recovered_is_not_bought_again_unless_it_is_forced(world: World) -> None:
    training = submitted(world)
    world.media.broken = [b"\x00" * 40] * 3
    world.finish(training)
    assert retry_training(world.of(training), world.desk).status is Status.MIRRORING
    with pytest.raises(AlreadyTraining, match=training.id):
        world.start(key="again")
    assert not world.accounts.get(OWNER).reservations
    world.run()
    with pytest.raises(AlreadyTrained):
        world.start(key="again")
    assert world.start(key="again", force=True).status is Status.REQUESTED


def test_what_fal_may_have_run_without_saying_so_is_not_bought_again_unless_it_is_forced(world: World) -> None:
    training = submitted(world)
    lost = SubmissionUncertain(reason="no answer")
    world.trainings.update(training.id, lambda t: t.fail(lost, at=world.clock.now(), charged=None))
    world.tick()
    with pytest.raises(AlreadyPaid, match=training.id):
        world.start(key="again")
    assert world.start(key="again", force=True).status is Status.REQUESTED


def test_what_was_paid_for_is_not_bought_again_however_many_were_trained_of_its_shoot_since(world: World) -> None:
    training = submitted(world)
    lost = SubmissionUncertain(reason="no answer")
    world.trainings.update(training.id, lambda t: t.fail(lost, at=world.clock.now(), charged=None))
    world.tick()
    for number in range(25):
        world.clock.advance(60)
        cancel(world, world.start(key=f"other {number}", trigger_word=f"OTHER{number}"))
    world.run()
    with pytest.raises(AlreadyPaid, match=training.id):
        world.start(key="again")


def test_an_order_that_died_before_it_was_recorded_does_not_stand_in_its_own_way_for_long(world: World) -> None:
    world.shoot()
    world.trainings.faults.fail("create", DatabaseUnavailable(reason="503"))
    with pytest.raises(DatabaseUnavailable):
        world.start()
    with pytest.raises(AlreadyTraining):
        world.start(key="another")
    assert world.start().status is Status.REQUESTED, "the same key goes on"


@pytest.mark.parametrize("ended", [True, False])
def test_a_copy_of_the_press_that_comes_late_gets_its_own_training(world: World, ended: bool) -> None:
    """Its own model is no reason to refuse it."""
    training = submitted(world)
    if ended:
        world.finish(training)
    assert world.start().id == training.id


@pytest.mark.parametrize(
    "change", [{"trigger_word": "XYZ"}, {"parameters": {"steps": 11}}, {"captions": {"00": "another word"}}]
)
def test_any_other_input_is_trained(world: World, change: dict[str, Any]) -> None:
    world.finish(submitted(world))
    assert world.start(key="again", **change).status is Status.REQUESTED


# --- models


def test_no_key_of_a_users_takes_the_place_of_a_retry(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1", TrainingFailed(reason="out of memory"))
    world.publisher.publish(world.report(training))
    world.run()
    other = world.start(key=f"retry:{training.id}", force=True, parameters={"steps": 20})
    successor = retry_training(world.of(training), world.desk)
    assert successor.id != other.id
    assert successor.predecessor_id == training.id
