"""The story of a training: one entry per invocation, best effort, and nothing where nothing is to be told."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from shared import logs
from shared.errors import DatabaseUnavailable, SubmissionUncertain, TrainerUnavailable
from shared.events import DatasetPackaged, TrainingRequested
from shared.narrating import MOST_EVENTS
from shared.ports import RunState, RunStatus
from shared.stages import Status
from shared.stories import Outcome, StoryEntry
from shared.training_records import FalJob
from shared.trainings import Training
from tests.fakes import FakeFal
from tests.world import World


@pytest.fixture
def world() -> World:
    return World()


def story(world: World, training: Training, function: str | None = None) -> list[StoryEntry]:
    entries = world.stories.list_for_training(training.id, limit=1000)
    return [entry for entry in entries if function in (None, entry.function)]


def names(entry: StoryEntry) -> list[str]:
    return [event.name for event in entry.events]


def submitted(world: World) -> Training:
    world.shoot()
    training = world.start()
    world.run()
    return world.of(training)


def test_every_delivery_is_one_entry_with_its_message_and_how_it_ended(world: World) -> None:
    training = submitted(world)
    packager, submitter = story(world, training)
    assert (packager.function, submitter.function) == ("packager", "submitter")
    assert packager.message is not None
    assert (packager.message.topic, packager.message.attempt) == ("training-requested", 1)
    assert (packager.outcome, packager.code) == (Outcome.ACKED, None)
    assert "dataset_packaged" in names(packager)
    assert "training_submitted" in names(submitter)
    assert packager.expires_at == packager.ended_at + timedelta(days=90)


def test_a_delivery_that_comes_again_says_why_and_which_one_it_was(world: World) -> None:
    world.shoot()
    training = world.start()
    world.deliver(TrainingRequested(training_id=training.id))
    world.fal.refuse = [TrainerUnavailable(reason="connection refused")]
    with pytest.raises(TrainerUnavailable):
        world.deliver(world.publisher.published[-1], attempt=3)
    (entry,) = story(world, training, "submitter")
    assert (entry.outcome, entry.code) == (Outcome.NACKED, "trainer_unavailable")
    assert entry.message is not None
    assert entry.message.attempt == 3


def test_an_error_that_nobody_expected_is_told_by_its_kind_alone(world: World) -> None:
    world.shoot()
    training = world.start()
    world.pictures.faults.fail("list", RuntimeError("with a secret"))
    with pytest.raises(RuntimeError):
        world.deliver(TrainingRequested(training_id=training.id))
    (entry,) = story(world, training)
    assert (entry.outcome, entry.code) == (Outcome.NACKED, "RuntimeError")
    assert "secret" not in str(entry)


def test_a_story_that_cannot_be_written_changes_nothing_else(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.shoot()
    training = world.start()
    world.stories.faults.fail("append", DatabaseUnavailable(reason="down"), times=100)
    world.run()
    assert world.of(training).status is Status.SUBMITTED
    assert story(world, training) == []
    assert capsys.readouterr().out.count("story_not_told") == 2


def test_a_story_that_meets_a_bug_changes_nothing_else(world: World) -> None:
    world.shoot()
    training = world.start()
    world.stories.faults.fail("append", RuntimeError("bug"), times=100)
    world.run()
    assert world.of(training).status is Status.SUBMITTED


def test_a_process_that_dies_leaves_no_entry(world: World) -> None:
    world.shoot()
    training = world.start()

    class Death(BaseException):
        """What no handler may catch."""

    world.fal.before_answer = lambda _: (_ for _ in ()).throw(Death)
    world.deliver(TrainingRequested(training_id=training.id))
    with pytest.raises(Death):
        world.deliver(world.publisher.published[-1])
    assert story(world, training, "submitter") == []


def test_a_second_delivery_of_what_is_done_has_an_entry_of_its_own(world: World) -> None:
    training = submitted(world)
    event = next(event for event in world.publisher.published if isinstance(event, DatasetPackaged))
    world.deliver(event)
    assert [entry.outcome for entry in story(world, training, "submitter")] == [Outcome.ACKED, Outcome.ACKED]


class TalkingFal(FakeFal):
    """Logs its answers, as the real adapter does."""

    def status(self, job: FalJob, *, log: bool) -> RunStatus:
        logs.info("trainer_answered", operation="status", http_status=202, seconds=0.1)
        return super().status(job, log=log)


def test_a_tick_that_finds_nothing_new_tells_nothing_whatever_fal_answered(world: World) -> None:
    world.fal = TalkingFal(world.clock)
    training = submitted(world)
    world.fal.runs["r1"].state = RunState.IN_PROGRESS
    world.tick()
    before = story(world, training)
    assert names(before[-1]) == ["trainer_answered", "run_began"]
    for _ in range(20):
        world.tick()
    assert story(world, training) == before


def test_a_tick_that_finds_something_tells_it_to_that_training_alone(world: World) -> None:
    world.fal.lose_answer = [SubmissionUncertain(reason="timeout")]
    uncertain = submitted(world)
    other = world.start(key="another", force=True)
    world.run()
    world.tick(after_s=600)
    (entry,) = story(world, uncertain, "monitor")
    assert "submission_found" in names(entry)
    assert (entry.outcome, entry.message) == (Outcome.ANSWERED, None)
    assert story(world, other, "monitor") == []


def test_a_fal_that_is_away_for_hours_is_told_once_an_hour(world: World) -> None:
    training = submitted(world)
    world.fal.unreachable = [TrainerUnavailable(reason="down")] * 500
    for _ in range(150):
        world.tick(after_s=60)
    told = story(world, training, "monitor")
    assert {tuple(names(entry)) for entry in told} == {("check_hindered",)}
    assert len(told) == 3


def test_when_the_database_refuses_a_tick_gives_up_after_one_entry(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.shoot()
    for key in "abc":
        world.start(key=key, force=True)
    world.stories.faults.fail("append", DatabaseUnavailable(reason="down"), times=100)
    world.tick(after_s=world.monitor_settings.stalled_s + 1)
    out = capsys.readouterr().out
    assert (out.count("stage_announced_again"), out.count("story_not_told")) == (3, 1)


def test_what_an_adapter_logs_belongs_to_the_training_at_hand(world: World) -> None:
    with world.narrator("mirror").invocation(), logs.about(training_id="t_1"):
        logs.info("trainer_answered", http_status=200)
        logs.info("model_kept", version=1)
        logs.info("archive_swept", training_id="t_2")
    one, two = (world.stories.list_for_training(id, limit=9) for id in ("t_1", "t_2"))
    assert [names(entry) for entry in one] == [["trainer_answered", "model_kept"]]
    assert [names(entry) for entry in two] == [["archive_swept"]]


def test_what_is_about_no_training_is_in_no_story(world: World) -> None:
    with world.narrator("api").invocation():
        logs.info("model_deleted", model_id="m_1")
    assert world.stories.entries == []


def test_two_invocations_at_the_same_time_do_not_hear_each_other(world: World) -> None:
    meet = threading.Barrier(2, timeout=10)

    def invoke(training_id: str) -> None:
        with world.narrator("mirror").invocation():
            meet.wait()
            logs.info("model_kept", training_id=training_id)
            meet.wait()

    threads = [threading.Thread(target=invoke, args=(training_id,)) for training_id in ("t_1", "t_2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for training_id in ("t_1", "t_2"):
        assert len(world.stories.list_for_training(training_id, limit=9)) == 1


def test_an_entry_has_an_end_however_much_is_logged(world: World) -> None:
    with world.narrator("mirror").invocation():
        for _ in range(MOST_EVENTS + 10):
            logs.info("artifact_fetched", training_id="t_1")
    (entry,) = world.stories.list_for_training("t_1", limit=9)
    assert len(entry.events) == MOST_EVENTS


def test_printed_it_reads_as_what_happened(world: World) -> None:
    submitted(world)
    printed = str(world.stories)
    assert "packager" in printed
    assert "training-requested 1, delivery 1" in printed
    assert "images=4" in printed
    assert printed.index("dataset_packaged") < printed.index("training_submitted")
