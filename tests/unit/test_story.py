"""The story of a training: complete, in order, in sentences, and without a secret."""

from __future__ import annotations

import itertools
import string
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from functions.api.end_training import cancel_job, retry_training
from functions.api.story_sentences import _EVENTS, sentence_of_event
from functions.api.tell_story import Kind, StoryLine, tell_story
from shared.errors import (
    ArtifactUnavailable,
    ProductError,
    StorageUnavailable,
    SubmissionUncertain,
    TrainerRejectedInput,
    TrainerUnavailable,
    TrainingFailed,
)
from shared.events import CheckRequested, DatasetPackaged, TrainingRequested
from shared.ports import RunState
from shared.stages import Status
from shared.stories import StoryEvent
from shared.trainings import Training
from tests.builders import AT, a_training
from tests.contracts.test_stories_contract import an_entry
from tests.unit.test_log_events import SOURCES, LogEvent, logged_in
from tests.world import World

LOGGED = sorted({event for path in SOURCES for event in logged_in(path)})
OF_TRAININGS = [event for event in LOGGED if {"training_id", "operation"} & set(event.fields)]


@pytest.fixture
def world() -> World:
    return World()


def story(world: World, training: Training) -> tuple[StoryLine, ...]:
    entries = world.stories.list_for_training(training.id, limit=1000)
    return tell_story(world.of(training).history, entries, now=world.clock.now())


def names(world: World, training: Training) -> list[str]:
    return [line.name for line in story(world, training) if line.kind is Kind.EVENT]


def started(world: World) -> Training:
    world.shoot()
    return world.start()


def submitted(world: World) -> Training:
    training = started(world)
    world.run()
    return training


# --- complete


def test_a_training_that_went_well_is_told_from_the_message_to_the_deleted_zip(world: World) -> None:
    training = submitted(world)
    world.fal.runs["r1"].state = RunState.IN_PROGRESS
    world.tick()
    world.finish(training)
    assert names(world, training) == [
        "dataset_packaged",
        "archive_announced",
        "claim_won",
        "training_submitted",
        "run_began",
        "result_is_ours",
        "artifacts_verified",
        "version_allocated",
        "model_kept",
        "training_finished",
        "archive_deleted",
        "notification_sent",
    ]
    lines = story(world, training)
    moves = [line.name for line in lines if line.kind is Kind.MOVE]
    assert moves == [move.status.value for move in world.of(training).history]
    came = [line.name for line in lines if line.kind is Kind.MESSAGE]
    assert came == ["training-requested", "dataset-packaged", "result-reported", "training-finished"]
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert {line.severity for line in lines} == {"INFO"}


def uncertain(world: World) -> None:
    world.fal.lose_answer = [SubmissionUncertain(reason="ReadTimeout")]


def lost_and_found(world: World) -> Training:
    uncertain(world)
    training = submitted(world)
    world.tick(after_s=600)
    return training


def sent_again_in_vain(world: World) -> Training:
    uncertain(world)
    training = submitted(world)
    world.deliver(next(event for event in world.publisher.published if isinstance(event, DatasetPackaged)))
    return training


def never_found(world: World) -> Training:
    uncertain(world)
    training = submitted(world)
    world.fal.runs.clear()
    world.tick(after_s=600)
    world.tick(after_s=world.monitor_settings.deadline_submitting_s)
    return training


def not_reached(world: World) -> Training:
    training = started(world)
    world.deliver(TrainingRequested(training_id=training.id))
    world.fal.refuse = [TrainerUnavailable(reason="connection refused")]
    with pytest.raises(TrainerUnavailable):
        world.deliver(world.publisher.published[-1])
    return training


def refused(world: World) -> Training:
    world.fal.refuse = [TrainerRejectedInput(field="steps", reason="too many")]
    return submitted(world)


def url_ran_out(world: World) -> Training:
    training = started(world)
    world.deliver(TrainingRequested(training_id=training.id))
    world.clock.advance(11.5 * 3600)
    world.deliver(world.publisher.published[-1])
    return training


def zip_vanished(world: World) -> Training:
    training = started(world)
    world.deliver(TrainingRequested(training_id=training.id))
    world.datasets.delete(world.zips()[0])
    world.deliver(TrainingRequested(training_id=training.id))
    return training


def stalled(world: World) -> Training:
    training = started(world)
    world.tick(after_s=world.monitor_settings.stalled_s + 1)
    return training


def webhook_lost(world: World) -> Training:
    training = submitted(world)
    world.fal.end("r1")
    world.tick()
    world.run()
    return training


def failed_at_fal(world: World) -> Training:
    training = submitted(world)
    world.fal.end("r1", TrainingFailed(reason="no face"))
    world.deliver(world.report(training))
    return training


def report_of_another(world: World) -> Training:
    training = submitted(world)
    world.deliver(replace(world.report(training), nonce="guessed"))
    return training


def early_report(world: World) -> Training:
    training = submitted(world)
    world.deliver(world.report(training))
    return training


def corrupt_once(world: World) -> Training:
    training = submitted(world)
    world.media.broken = [b"broken"]
    world.finish(training)
    return training


def recovered(world: World) -> Training:
    training = submitted(world)
    world.media.errors = [ArtifactUnavailable(reason="HTTP 404")]
    world.fal.end("r1")
    world.deliver(world.report(training), attempt=world.max_attempts)
    with world.narrator("api").invocation():
        retry_training(world.of(training), world.desk)
    world.run()
    return training


def died_while_asking(world: World) -> Training:
    training = started(world)
    world.deliver(TrainingRequested(training_id=training.id))
    world.fal.refuse = [cast(ProductError, KeyboardInterrupt())]
    with pytest.raises(KeyboardInterrupt):
        world.deliver(world.publisher.published[-1])
    world.tick(after_s=600)
    return training


def canceled_at_fal(world: World) -> Training:
    training = submitted(world)
    with world.narrator("api").invocation():
        cancel_job(world.of(training), jobs=world.jobs, publisher=world.publisher, clock=world.clock)
    world.run()
    return training


def started_anew(world: World) -> Training:
    training = refused(world)
    with world.narrator("api").invocation():
        retry_training(world.of(training), world.desk)
    return training


def bucket_down(world: World) -> Training:
    training = started(world)
    world.datasets.faults.fail("write", StorageUnavailable(reason="timeout"))
    with pytest.raises(StorageUnavailable):
        world.deliver(TrainingRequested(training_id=training.id))
    return training


STORIES: list[tuple[Callable[[World], Training], list[str]]] = [
    (lost_and_found, ["submission_uncertain", "submission_found"]),
    (sent_again_in_vain, ["submission_uncertain", "submission_not_due"]),
    (never_found, ["submission_uncertain", "training_expired", "training_finished"]),
    (died_while_asking, ["submission_not_listed"]),
    (not_reached, ["claim_won", "claim_released", "step_hindered"]),
    (refused, ["claim_won", "claim_released", "training_failed"]),
    (url_ran_out, ["archive_announced", "archive_url_ran_out"]),
    (zip_vanished, ["dataset_packaged", "archive_was_gone", "dataset_packaged"]),
    (stalled, ["stage_announced_again"]),
    (webhook_lost, ["training_submitted", "result_found", "result_is_ours", "model_kept"]),
    (failed_at_fal, ["result_is_ours", "run_ended", "training_failed", "training_finished"]),
    (report_of_another, ["result_is_not_ours"]),
    (early_report, ["result_is_ours", "run_not_done"]),
    (corrupt_once, ["artifacts_refused", "artifacts_verified"]),
    (recovered, ["training_failed", "training_recovered", "result_found", "artifacts_verified", "model_kept"]),
    (canceled_at_fal, ["cancellation_decided", "cancellation_answered", "training_canceled"]),
    (started_anew, ["training_failed", "training_retried"]),
    (bucket_down, ["step_hindered"]),
]


@pytest.mark.parametrize(("happened", "told"), STORIES, ids=lambda value: getattr(value, "__name__", ""))
def test_every_decision_is_told_in_its_order(
    world: World, happened: Callable[[World], Training], told: list[str]
) -> None:
    training = happened(world)
    found = iter(names(world, training))
    assert all(name in found for name in told), names(world, training)


def test_who_found_the_result_is_told(world: World) -> None:
    training = webhook_lost(world)
    (line,) = [line for line in story(world, training) if line.name == "result_is_ours"]
    assert line.text == "The report of request r1, by the monitor, matches in nonce and request."


def test_what_was_kept_is_told_with_its_size_and_checksums(world: World) -> None:
    training = submitted(world)
    world.finish(training)
    model = world.models.get(str(world.of(training).model_id))
    (line,) = [line for line in story(world, training) if line.name == "artifacts_verified"]
    assert (line.fields["bytes"], line.fields["sha256"], line.fields["crc32c"]) == (
        model.size,
        model.sha256,
        model.crc32c,
    )


def test_a_message_that_comes_again_says_so_and_why(world: World) -> None:
    training = not_reached(world)
    ending = next(line for line in story(world, training) if line.name == "nacked")
    assert ending.text == "The submitter could not go on (trainer_unavailable): the message comes again."
    assert ending.severity == "WARNING"
    world.deliver(world.publisher.published[-1], attempt=2)
    assert "dataset-packaged came to the submitter, delivery 2." in [line.text for line in story(world, training)]


def test_a_sweep_tells_what_it_found_anywhere_and_each_training_its_own(world: World) -> None:
    world.shoot()
    trainings = [world.start(key=key, force=True) for key in "ab"]
    world.clock.advance(world.monitor_settings.stalled_s + 1)
    world.deliver(CheckRequested(training_id="sweep_1", everything=True))
    (entry,) = world.stories.list_for_training("sweep_1", limit=9)
    found = [(event.name, event.fields.get("training_id")) for event in entry.events]
    assert sorted(found[:2], key=str) == sorted((("stage_announced_again", t.id) for t in trainings), key=str)
    assert found[2] == ("tick_done", None)
    assert entry.events[2].fields["checked"] == 2
    for training in trainings:
        assert names(world, training) == ["stage_announced_again"]


# --- without a secret


@pytest.mark.parametrize("happened", [happened for happened, _ in STORIES], ids=lambda happened: happened.__name__)
def test_no_story_and_no_log_line_has_a_secret(
    world: World, happened: Callable[[World], Training], capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = itertools.count(1)
    world.new_name = lambda: f"unguessable-{next(numbers)}"
    training = happened(world)
    told = capsys.readouterr().out + str(world.stories) + repr(story(world, training))
    urls = [event.archive_url for event in world.publisher.published if isinstance(event, DatasetPackaged)]
    secrets = ["unguessable", "in picture", "signature", "https://", *(part for url in urls for part in url.split("?"))]
    assert [secret for secret in secrets if secret in told] == []


# --- in order, and for a time


def test_a_story_is_told_in_the_order_of_time_whoever_tells_it() -> None:
    training = a_training(status=Status.SUCCEEDED)
    entries = [replace(an_entry("t_1", number), at=AT, ended_at=AT + timedelta(hours=1)) for number in (3, 1, 2)]
    lines = tell_story(training.history, entries, now=AT)
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert len([line for line in lines if line.kind is Kind.MOVE]) == len(training.history)


def test_what_has_expired_is_not_told_and_the_moves_still_are() -> None:
    training = a_training(status=Status.SUCCEEDED)
    entry = an_entry("t_1")
    lines = tell_story(training.history, [entry], now=entry.expires_at)
    assert {(line.kind, line.source) for line in lines} == {(Kind.MOVE, "training")}
    of_pictures = tell_story(training.history, [], now=AT, of="images")
    assert {line.source for line in of_pictures} == {"images"}


def test_a_line_prints_as_it_reads(world: World) -> None:
    training = submitted(world)
    printed = [str(line) for line in story(world, training)]
    assert "2026-01-01 12:00:00 submitter fal.ai accepted it as request r1: from here on it costs money." in printed
    assert "2026-01-01 12:00:00 training  Submitted: fal.ai has it." in printed


# --- in sentences


@pytest.mark.parametrize("event", OF_TRAININGS, ids=lambda event: event.name)
def test_every_event_of_a_training_has_a_sentence_made_of_its_own_fields(event: LogEvent) -> None:
    if event.name in ("story_not_told", "result_reported"):
        return  # the one is about the story itself, the other is logged by a function that may not write it
    assert event.name in _EVENTS, "write a sentence for it in functions/api/story_sentences.py"
    used = {name for _, name, _, _ in string.Formatter().parse(_EVENTS[event.name]) if name}
    assert used <= set(event.fields)


def test_there_is_no_sentence_that_nobody_says() -> None:
    assert set(_EVENTS) <= {event.name for event in LOGGED}


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (
            StoryEvent(at=AT, name="dataset_packaged", severity="INFO", fields={"images": 12, "bytes": 12_000_000}),
            "The ZIP was made: 12 pictures, 12,000,000 bytes.",
        ),
        (
            StoryEvent(at=AT, name="training_requested", severity="INFO", fields={"quoted_usd": None}),
            "The training was asked for, at an unknown price.",
        ),
        (
            StoryEvent(at=AT, name="run_ended", severity="WARNING", fields={"code": "training_failed"}),
            "fal.ai's run ? ended without a result to keep: training_failed.",
        ),
        (StoryEvent(at=AT, name="of_a_newer_version", severity="INFO"), "Of a newer version."),
    ],
)
def test_an_event_reads_well_also_where_it_is_of_another_version(event: StoryEvent, sentence: str) -> None:
    assert sentence_of_event(event) == sentence
