"""The use cases together, in memory: the happy way, second deliveries, crashes between any two steps, and failures."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.adapters.memory import MemoryTrainings
from shared.errors import (
    ArtifactCorrupt,
    ArtifactUnavailable,
    DatabaseUnavailable,
    MessagingUnavailable,
    ProductError,
    StorageUnavailable,
    SubmissionUncertain,
    TrainerAccountLocked,
    TrainerRejectedInput,
    TrainerUnavailable,
    TrainingFailed,
    UndecodableMessage,
)
from shared.events import DatasetPackaged, ResultReported, TrainingRequested
from shared.models import failed_log_name
from shared.ports import RunState
from shared.stages import Stage, Status
from shared.trainings import Training
from tests.lost_answers import update_twice
from tests.wiring import MAX_ATTEMPTS
from tests.world import World


@pytest.fixture
def world() -> World:
    return World()


def submitted(world: World) -> Training:
    world.shoot()
    training = world.start()
    world.run()
    return world.of(training)


def test_a_shoot_becomes_a_kept_model(world: World) -> None:
    training = submitted(world)
    assert training.status is Status.SUBMITTED
    assert world.zips() == [f"trainings/{training.id}/n1.zip"]

    done = world.finish(training)
    assert done.status is Status.SUCCEEDED
    model = world.models.get(str(done.model_id))
    assert (model.version, model.name, model.person_id) == (1, "red-riding-hood", "p1")
    prefix = "models/p1/red-riding-hood/v1/"
    names = ["README.md", "config.json", "dataset.json", "model.json", "red-riding-hood-v1.safetensors", "training.log"]
    assert [found.name for found in world.kept.list("")] == [prefix + name for name in names]
    assert b"".join(world.kept.read(model.lora_uri.removeprefix("gs://models/"))) == world.media.weights
    assert json.loads(b"".join(world.kept.read(prefix + "model.json")))["sha256"] == model.sha256
    assert b"Saving LoRA weights" in b"".join(world.kept.read(prefix + "training.log"))
    assert world.zips() == []
    assert [event.model_id for event in world.finished()] == [model.id]


def test_what_fal_gets_is_the_bare_input_with_our_nonce_in_both_urls(world: World) -> None:
    training = submitted(world)
    sent = world.fal.runs["r1"].submission
    assert sent.arguments["is_input_format_already_preprocessed"] is True
    assert sent.arguments["trigger_word"] == "TOK"
    assert sent.arguments["steps"] == 10
    assert training.claim is not None
    assert f"/{training.claim.nonce}.zip" in sent.arguments["images_data_url"]
    assert sent.webhook_url.endswith(f"/webhooks/fal/{training.id}/{training.claim.nonce}")
    assert "webhook" not in " ".join(sent.arguments)


def test_every_caption_in_the_archive_has_the_trigger_word(world: World) -> None:
    world.shoot(captions=2)
    world.put("s_1", "02.txt", b"no trigger here")
    training = world.start()
    world.deliver(TrainingRequested(training_id=training.id))
    (name,) = world.zips()
    with zipfile.ZipFile(io.BytesIO(b"".join(world.datasets.read(name)))) as archive:
        texts = {entry: archive.read(entry).decode() for entry in archive.namelist() if entry.endswith(".txt")}
    assert texts == {
        "00.txt": "TOK in picture 0",
        "01.txt": "TOK in picture 1",
        "02.txt": "TOK, no trigger here",
    }


def test_the_same_key_gives_the_same_training_and_one_run(world: World) -> None:
    world.shoot()
    first, second = world.start(), world.start()
    world.run()
    assert first == second
    assert len(world.fal.runs) == 1


def test_every_message_delivered_twice_still_gives_one_run_and_one_model(world: World) -> None:
    training = submitted(world)
    for event in list(world.publisher.published):
        world.deliver(event)
    done = world.finish(training)
    for event in list(world.publisher.published):
        world.deliver(event)
    assert len(world.fal.runs) == 1
    assert world.of(training) == done
    assert world.media.fetched == 1
    assert world.zips() == []


def test_a_redelivery_after_a_lost_announcement_announces_without_repackaging(world: World) -> None:
    world.shoot()
    training = world.start()
    world.publisher.faults.fail("publish", MessagingUnavailable(reason="down"))
    with pytest.raises(MessagingUnavailable):
        world.deliver(TrainingRequested(training_id=training.id))
    packaged = world.of(training)
    assert packaged.status is Status.PACKAGED
    world.deliver(TrainingRequested(training_id=training.id))
    assert world.of(training).dataset == packaged.dataset
    assert isinstance(world.publisher.published[-1], DatasetPackaged)


def test_a_training_whose_announcement_was_lost_is_announced_by_the_monitor(world: World) -> None:
    world.shoot()
    world.publisher.faults.fail("publish", MessagingUnavailable(reason="down"))
    training = world.start()
    assert world.publisher.published == []
    world.tick(after_s=world.monitor_settings.stalled_s + 1)
    world.run()
    assert world.of(training).status is Status.SUBMITTED


def test_an_archive_that_vanished_is_made_again(world: World) -> None:
    world.shoot()
    training = world.start()
    world.deliver(TrainingRequested(training_id=training.id))
    world.datasets.delete(world.zips()[0])
    world.deliver(TrainingRequested(training_id=training.id))
    assert world.of(training).status is Status.PACKAGED
    assert len(world.zips()) == 1


def test_a_url_that_ran_out_is_not_paid_for_and_signed_again(world: World) -> None:
    world.shoot()
    training = world.start()
    world.deliver(TrainingRequested(training_id=training.id))
    event = world.publisher.published[-1]
    assert isinstance(event, DatasetPackaged)
    world.clock.advance(11.5 * 3600)
    world.deliver(event)
    assert world.of(training).status is Status.REQUESTED
    assert world.fal.runs == {}
    world.tick(after_s=world.monitor_settings.stalled_s + 1)
    world._delivered = 2
    world.run()
    assert world.of(training).status is Status.SUBMITTED
    assert len(world.zips()) == 1


# --- paying once


def test_an_answer_that_was_lost_is_never_sent_again_and_found_by_its_webhook(world: World) -> None:
    world.fal.lose_answer = [SubmissionUncertain(reason="timeout")]
    training = submitted(world)
    assert training.status is Status.SUBMITTING
    assert training.hindrance is not None
    assert training.hindrance.code == "submission_unconfirmed"
    for event in list(world.publisher.published):
        world.deliver(event)
    assert len(world.fal.runs) == 1
    assert world.finish(training).status is Status.SUCCEEDED


def test_an_answer_that_was_lost_is_found_in_the_request_list_by_its_nonce(world: World) -> None:
    world.fal.lose_answer = [SubmissionUncertain(reason="timeout")]
    training = submitted(world)
    world.tick(after_s=10)
    assert world.of(training).status is Status.SUBMITTING
    world.tick(after_s=600)
    found = world.of(training)
    assert found.status is Status.SUBMITTED
    assert found.fal is not None
    assert found.fal.request_id == "r1"


def test_an_uncertain_submission_that_is_never_found_fails_with_a_word(world: World) -> None:
    world.fal.lose_answer = [SubmissionUncertain(reason="timeout")]
    training = submitted(world)
    world.fal.runs.clear()
    world.tick(after_s=600)
    assert world.of(training).status is Status.SUBMITTING
    world.tick(after_s=world.monitor_settings.deadline_submitting_s)
    failed = world.of(training)
    assert failed.error is not None
    assert (failed.error.code, failed.error.charged) == ("submission_uncertain", None)
    assert world.zips() == []


def test_a_crash_after_the_claim_never_pays_twice(world: World) -> None:
    world.shoot()
    training = world.start()
    world.deliver(TrainingRequested(training_id=training.id))
    event = world.publisher.published[-1]
    world.trainings.faults.fail("update", DatabaseUnavailable(reason="timeout"), after=True)
    with pytest.raises(DatabaseUnavailable):
        world.deliver(event)
    world.deliver(event)
    assert world.fal.runs == {}
    assert world.of(training).status is Status.SUBMITTING


def test_a_request_that_could_not_be_recorded_is_recognised_by_its_webhook(world: World) -> None:
    world.shoot()
    training = world.start()
    world.deliver(TrainingRequested(training_id=training.id))

    def database_fails_now(_: object) -> None:
        world.trainings.faults.fail("update", DatabaseUnavailable(reason="timeout"), times=2)

    world.fal.before_answer = database_fails_now
    with pytest.raises(DatabaseUnavailable):
        world.deliver(world.publisher.published[-1])
    assert world.of(training).status is Status.SUBMITTING
    world.deliver(world.publisher.published[1])
    assert len(world.fal.runs) == 1
    assert world.finish(training).status is Status.SUCCEEDED


def test_a_fal_that_is_not_reached_is_tried_again_and_then_paid_once(world: World) -> None:
    world.shoot()
    training = world.start()
    world.deliver(TrainingRequested(training_id=training.id))
    event = world.publisher.published[-1]
    world.fal.refuse = [TrainerUnavailable(reason="connection refused")]
    with pytest.raises(TrainerUnavailable):
        world.deliver(event)
    waiting = world.of(training)
    assert waiting.hindrance is not None
    assert waiting.hindrance.code == "trainer_unavailable"
    world.deliver(event)
    assert world.of(training).status is Status.SUBMITTED
    assert len(world.fal.runs) == 1


class ForgetfulTrainings(MemoryTrainings):
    """Loses the answer to the first step back from what it was; `meanwhile` happens before that is tried again."""

    meanwhile: Callable[[], object] | None = None

    def update(self, job_id: str, change: Callable[[Training], Training]) -> Training:
        now, act = self.get(job_id), self.meanwhile
        goes_back = now.status in (Status.PACKAGED, Status.SUBMITTING) and change(now).is_unsent
        if act is None or not goes_back:
            return super().update(job_id, change)
        self.meanwhile = None
        return update_twice(self, job_id, change, act)


@pytest.mark.parametrize("why", ["the URL ran out", "the archive was gone"])
def test_a_step_back_whose_answer_is_lost_leaves_what_was_prepared_anew_meanwhile(why: str) -> None:
    world = World(trainings=(trainings := ForgetfulTrainings()))
    world.shoot()
    training = world.start()
    requested = TrainingRequested(training_id=training.id)
    world.deliver(requested)
    event = world.publisher.published[-1]
    trainings.meanwhile = lambda: world.deliver(requested)
    if why == "the URL ran out":
        world.clock.advance(world.dataset_settings.archive_url_ttl_s)
        world.deliver(event)
    else:
        world.datasets.delete(world.zips()[0])
        world.deliver(requested)
    assert trainings.meanwhile is None
    assert world.of(training).status is Status.PACKAGED
    assert len(world.of(training).history) == 4, "requested, packaged, and once more"


@pytest.mark.parametrize("attempt", [1, MAX_ATTEMPTS])
def test_a_release_whose_answer_is_lost_leaves_the_claim_of_whoever_pays_meanwhile(attempt: int) -> None:
    world = World(trainings=(trainings := ForgetfulTrainings()))
    world.shoot()
    training = world.start()
    world.deliver(TrainingRequested(training_id=training.id))
    event = world.publisher.published[-1]

    def another_delivery_pays() -> None:
        world.fal.lose_answer = [SubmissionUncertain(reason="timeout")]
        world.deliver(event)

    trainings.meanwhile = another_delivery_pays
    world.fal.refuse = [TrainerUnavailable(reason="connection refused")]
    with pytest.raises(TrainerUnavailable):
        world.deliver(event, attempt=attempt)
    world.deliver(event)
    assert world.of(training).status is Status.SUBMITTING
    assert len(world.fal.runs) == 1
    assert world.finish(training).status is Status.SUCCEEDED


def test_a_webhook_before_the_submit_returns_wins_and_nothing_moves_back(world: World) -> None:
    world.shoot()
    training = world.start()

    def call_back_first(run: object) -> None:
        world.fal.end("r1")
        world.deliver(world.report(training))

    world.fal.before_answer = call_back_first
    world.run()
    assert world.of(training).status is Status.SUCCEEDED


# --- results


def test_a_lost_webhook_is_made_up_for_by_the_monitor(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1")
    world.tick()
    world.run()
    assert world.of(training).status is Status.SUCCEEDED


def test_the_monitor_reports_a_result_once_while_the_mirror_works(world: World) -> None:
    submitted(world)
    world.fal.end("r1")
    for _ in range(3):
        world.tick(after_s=10)
    assert sum(isinstance(event, ResultReported) for event in world.publisher.published) == 1


@pytest.mark.parametrize("change", [{"nonce": "guessed"}, {"request_id": "r99"}])
def test_a_report_about_somebody_elses_request_changes_nothing(world: World, change: dict[str, str]) -> None:
    training = submitted(world)
    world.fal.end("r1")
    fields = {"training_id": training.id, "nonce": "n1", "request_id": "r1", **change}
    world.deliver(ResultReported(**fields))
    assert world.of(training) == training


def test_a_report_of_a_run_that_is_not_done_changes_nothing(world: World) -> None:
    training = submitted(world)
    world.deliver(world.report(training))
    assert world.of(training) == training


def test_progress_and_log_are_followed_and_move_no_status(world: World) -> None:
    training = submitted(world)
    run = world.fal.runs["r1"]
    run.state, run.log = RunState.IN_PROGRESS, ("Preprocessing", " 40%|████      | 4/10 [00:04<00:06, 1.0it/s]")
    world.tick()
    followed = world.of(training)
    assert followed.status is Status.RUNNING
    assert followed.progress is not None
    assert (followed.progress.step, followed.progress.total, followed.progress.percent) == (4, 10, 40.0)
    assert followed.log_tail == run.log
    world.tick(after_s=1)
    assert world.of(training) == followed


def test_a_corrupt_download_is_fetched_again(world: World) -> None:
    training = submitted(world)
    world.media.broken = [world.media.weights[:-5], b"\x00" * 40]
    assert world.finish(training).status is Status.SUCCEEDED
    assert world.media.fetched == 3


def test_weights_that_stay_corrupt_never_become_a_model_and_can_be_recovered_without_paying(world: World) -> None:
    training = submitted(world)
    world.media.broken = [b"\x00" * 40] * 3
    failed = world.finish(training)
    assert failed.error is not None
    assert (failed.error.code, failed.error.stage, failed.error.charged) == (
        "artifact_corrupt",
        Stage.MIRRORING,
        True,
    )
    assert list(world.kept.list("models/")) == []
    assert world.zips() == []
    assert world.recover(training).status is Status.SUCCEEDED
    assert len(world.fal.runs) == 1


def test_a_result_that_comes_after_the_training_was_given_up_is_offered_for_recovery(world: World) -> None:
    world.fal.lose_answer = [SubmissionUncertain(reason="timeout")]
    training = submitted(world)
    runs = dict(world.fal.runs)
    world.fal.runs.clear()
    world.tick(after_s=world.monitor_settings.deadline_submitting_s + 1)
    world.fal.runs.update(runs)
    world.fal.end("r1")
    world.deliver(world.report(training))
    late = world.of(training)
    assert late.status is Status.FAILED
    assert late.is_recoverable
    assert world.recover(training).status is Status.SUCCEEDED


def test_a_fal_that_forgot_the_log_does_not_cost_the_weights(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1")
    world.fal.forgets_status = True
    world.deliver(world.report(training))
    assert world.of(training).status is Status.SUCCEEDED


def test_the_log_is_kept_to_its_end(world: World) -> None:
    done = world.finish(submitted(world))
    assert done.log_tail[-1] == "Saving LoRA weights"


def given_up(world: World, training: Training) -> None:
    """Past its deadline, as the monitor sees it."""
    world.trainings.update(training.id, lambda t: t.expired(60, at=world.clock.now()))


def test_a_second_mirror_that_has_the_weights_recovers_what_the_first_gave_up(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1")
    report = world.report(training)

    def first_gives_up() -> None:
        error = ArtifactCorrupt(reason="truncated")
        world.trainings.update(training.id, lambda t: t.fail(error, at=world.clock.now(), charged=True))

    world.models.faults.meanwhile("create", first_gives_up)
    world.deliver(report)
    done = world.of(training)
    assert done.status is Status.SUCCEEDED
    assert world.models.get(str(done.model_id)).training_id == training.id


def test_a_training_that_was_given_up_while_its_mirror_went_on_says_why_it_rose_again(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1")
    world.trainings.update(training.id, lambda t: t.advance(Status.MIRRORING, at=world.clock.now()))
    world.fal.faults.meanwhile("result", lambda: given_up(world, training))
    world.deliver(world.report(training))
    done = world.of(training)
    assert [move.status for move in done.history[-4:]] == ["mirroring", "failed", "mirroring", "succeeded"]
    assert done.history[-2].reason == "fetched after all"


def test_what_one_mirror_found_corrupt_a_second_one_does_not_raise_again(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1")
    world.media.broken = [b"\x00" * 40] * 6
    report = world.report(training)
    # the second one has its answer of fal.ai already when the first is done with it
    world.fal.faults.meanwhile("result", lambda: world.deliver(report))
    world.deliver(report)
    failed = world.of(training)
    assert [str(move.status) for move in failed.history].count("failed") == 1
    assert [json.loads(body)["type"] for _, body in world.receiver.received] == []
    world.run()
    assert [json.loads(body)["type"] for _, body in world.receiver.received] == ["training.failed"]
    assert len(world.media.broken) == 3, "nothing was fetched again"
    world.media.broken.clear()
    assert world.recover(training).status is Status.SUCCEEDED


def test_a_training_that_was_given_up_unsure_while_its_mirror_asked_tells_of_the_weights(world: World) -> None:
    world.fal.lose_answer = [SubmissionUncertain(reason="timeout")]
    training = submitted(world)
    world.fal.end("r1")
    world.fal.faults.meanwhile("result", lambda: given_up(world, training))
    world.deliver(world.report(training))
    failed = world.of(training)
    assert (failed.status, failed.is_recoverable) == (Status.FAILED, True)
    assert world.recover(training).status is Status.SUCCEEDED


def test_a_crash_after_the_model_was_written_does_not_fetch_again(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1")
    report = world.report(training)
    world.models.faults.fail("create", DatabaseUnavailable(reason="lost answer"), after=True)
    with pytest.raises(DatabaseUnavailable):
        world.deliver(report)
    world.deliver(report)
    assert world.of(training).status is Status.SUCCEEDED
    assert world.media.fetched == 1
    assert list(world.kept.list("incoming/")) == []


def test_a_crash_after_the_training_succeeded_leaves_nothing_in_staging(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1")
    world.kept.faults.fail("delete", StorageUnavailable(reason="the process died here"))
    with pytest.raises(StorageUnavailable):
        world.deliver(world.report(training))
    assert world.of(training).status is Status.SUCCEEDED
    world.deliver(world.report(training))
    assert list(world.kept.list("incoming/")) == []


def test_a_training_given_up_although_its_model_was_kept_succeeds_after_all(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1")
    world.models.faults.fail("create", DatabaseUnavailable(reason="the process died here"), after=True)
    with pytest.raises(DatabaseUnavailable):
        world.deliver(world.report(training))
    world.tick(after_s=world.monitor_settings.deadline_mirroring_s + 1)
    assert world.of(training).status is Status.FAILED
    world.run()
    done = world.of(training)
    assert (done.status, done.history[-2].reason) == (Status.SUCCEEDED, "fetched after all")
    assert world.media.fetched == 1
    assert list(world.kept.list("incoming/")) == []


def test_a_mirror_that_never_finished_is_told_as_weights_that_can_be_recovered_for_nothing(world: World) -> None:
    training = submitted(world)
    world.trainings.update(training.id, lambda t: t.advance(Status.MIRRORING, at=world.clock.now()))
    world.tick(after_s=world.monitor_settings.deadline_mirroring_s + 1)
    failed = world.of(training)
    assert failed.error is not None
    assert (failed.error.code, failed.error.charged, failed.is_recoverable) == ("artifact_unavailable", True, True)
    assert "at no further cost" in failed.error.message


def test_versions_of_one_name_are_counted_up(world: World) -> None:
    for n in (1, 2):
        world.shoot()
        training = world.start(key=f"key {n}", force=True)
        world.run()
        world.fal.end(f"r{n}")
        world.deliver(world.report(training, f"r{n}"))
        assert world.models.get(str(world.of(training).model_id)).version == n


# --- every failure that the product names


def test_a_shoot_without_pictures_fails_at_once_with_what_to_do(world: World) -> None:
    world.shoot(images=0)
    training = world.start()
    world.run()
    failed = world.of(training)
    assert failed.error is not None
    assert (failed.error.code, failed.error.stage, failed.error.charged) == (
        "no_preprocessed_images",
        Stage.PACKAGING,
        False,
    )
    assert world.finished()[0].status == "failed"


REFUSALS = [
    (TrainerRejectedInput(field="steps", reason="too many"), "trainer_rejected_input"),
    (TrainerAccountLocked(reason="Exhausted balance"), "trainer_account_locked"),
]


@pytest.mark.parametrize(("error", "code"), REFUSALS, ids=[code for _, code in REFUSALS])
def test_a_refusal_by_fal_fails_and_cost_nothing_and_the_zip_goes(world: World, error: ProductError, code: str) -> None:
    world.shoot()
    world.fal.refuse = [error]
    training = world.start()
    world.run()
    failed = world.of(training)
    assert failed.error is not None
    assert (failed.error.code, failed.error.stage, failed.error.charged) == (code, Stage.SUBMITTING, False)
    world.tick()
    assert world.zips() == []
    assert [event.status for event in world.finished()] == ["failed"]


def test_a_refusal_that_is_told_late_does_not_end_what_was_sent_meanwhile(world: World) -> None:
    """The submitter that was refused is held up after it let go of its claim; another one sends, and is accepted."""
    world.shoot()
    training = world.start()
    world.deliver(TrainingRequested(training_id=training.id))
    packaged = world.publisher.published[-1]
    world.fal.refuse = [TrainerRejectedInput(field="steps", reason="a passing fault")]
    claimed_and_released = (lambda: None, lambda: world.deliver(packaged))
    for act in claimed_and_released:
        world.trainings.faults.meanwhile("update", act, after=True)
    world.deliver(packaged)
    assert world.of(training).status is Status.SUBMITTED
    assert world.finish(training).status is Status.SUCCEEDED


def test_a_packager_that_is_too_late_does_not_end_what_another_one_packed(world: World) -> None:
    """It looks at the shoot when that was packed and sent already, and changed after that."""
    world.shoot()
    training = world.start()

    def packed_sent_and_changed() -> None:
        world.run()
        world.put("s_1", "00.txt", b"a wolf")

    world.pictures.faults.meanwhile("list", packed_sent_and_changed)
    world.deliver(TrainingRequested(training_id=training.id))
    assert world.of(training).status is Status.SUBMITTED
    assert world.finish(training).status is Status.SUCCEEDED


def test_a_training_that_failed_at_fal_says_why(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1", TrainingFailed(reason="CUDA out of memory"))
    world.deliver(world.report(training))
    failed = world.of(training)
    assert failed.error is not None
    assert failed.error.code == "training_failed"
    assert "CUDA" in failed.error.message
    assert world.zips() == []


def test_the_whole_log_of_a_failed_run_is_kept(world: World) -> None:
    training = submitted(world)
    world.fal.runs["r1"].log = tuple(f"line {n}" for n in range(500))
    world.fal.end("r1", TrainingFailed(reason="CUDA out of memory"))
    world.deliver(world.report(training))
    kept = b"".join(world.kept.read(failed_log_name(training.id))).decode().splitlines()
    assert (kept[0], len(kept)) == ("line 0", 501)


def test_the_log_is_told_to_its_end_before_the_weights_are_fetched(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1")
    world.media.errors = [ArtifactUnavailable(reason="404")]
    with pytest.raises(ArtifactUnavailable):
        world.deliver(world.report(training))
    now = world.of(training)
    assert (now.status, now.log_tail[-1]) == (Status.MIRRORING, "Saving LoRA weights")


def test_a_failure_is_told_although_its_log_cannot_be_kept(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1", TrainingFailed(reason="CUDA out of memory"))
    world.kept.faults.fail("write", StorageUnavailable(reason="503"))
    world.deliver(world.report(training))
    assert world.of(training).status is Status.FAILED


LASTING = [
    ("datasets", "write", StorageUnavailable(reason="503"), "storage_unavailable"),
    ("pictures", "list", StorageUnavailable(reason="timeout"), "storage_unavailable"),
]


@pytest.mark.parametrize(("bucket", "method", "error", "code"), LASTING)
def test_storage_that_stays_down_fails_at_the_last_delivery(
    world: World, bucket: str, method: str, error: ProductError, code: str
) -> None:
    world.shoot()
    training = world.start()
    getattr(world, bucket).faults.fail(method, error, times=MAX_ATTEMPTS)
    event = TrainingRequested(training_id=training.id)
    for attempt in range(1, MAX_ATTEMPTS):
        with pytest.raises(StorageUnavailable):
            world.deliver(event, attempt=attempt)
        assert world.of(training).hindrance is not None
    world.deliver(event, attempt=MAX_ATTEMPTS)
    failed = world.of(training)
    assert failed.error is not None
    assert (failed.error.code, failed.error.charged) == (code, False)
    assert world.zips() == []


def test_storage_that_fails_once_only_delays(world: World) -> None:
    world.shoot()
    training = world.start()
    world.datasets.faults.fail("write", StorageUnavailable(reason="503"))
    with pytest.raises(StorageUnavailable):
        world.deliver(TrainingRequested(training_id=training.id))
    world.run()
    assert world.of(training).status is Status.SUBMITTED
    assert world.of(training).hindrance is None


def test_a_fal_that_stays_unreachable_fails_at_the_last_delivery_and_cost_nothing(world: World) -> None:
    world.shoot()
    training = world.start()
    world.deliver(TrainingRequested(training_id=training.id))
    event = world.publisher.published[-1]
    world.fal.refuse = [TrainerUnavailable(reason="refused") for _ in range(MAX_ATTEMPTS)]
    for attempt in range(1, MAX_ATTEMPTS):
        with pytest.raises(TrainerUnavailable):
            world.deliver(event, attempt=attempt)
    world.deliver(event, attempt=MAX_ATTEMPTS)
    failed = world.of(training)
    assert failed.error is not None
    assert (failed.error.code, failed.error.stage, failed.error.charged) == (
        "trainer_unavailable",
        Stage.SUBMITTING,
        False,
    )


def test_artifacts_that_cannot_be_fetched_fail_recoverably(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1")
    world.media.errors = [ArtifactUnavailable(reason="404") for _ in range(MAX_ATTEMPTS)]
    report = world.report(training)
    for attempt in range(1, MAX_ATTEMPTS):
        with pytest.raises(ArtifactUnavailable):
            world.deliver(report, attempt=attempt)
    world.deliver(report, attempt=MAX_ATTEMPTS)
    failed = world.of(training)
    assert failed.error is not None
    assert (failed.error.code, failed.error.charged, failed.is_recoverable) == ("artifact_unavailable", True, True)
    assert world.zips() == []


def test_a_database_that_does_not_take_the_model_fails_recoverably_and_loses_nothing(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1")
    world.models.faults.fail("create", DatabaseUnavailable(reason="down"), times=MAX_ATTEMPTS)
    report = world.report(training)
    for attempt in range(1, MAX_ATTEMPTS):
        with pytest.raises(DatabaseUnavailable):
            world.deliver(report, attempt=attempt)
    world.deliver(report, attempt=MAX_ATTEMPTS)
    failed = world.of(training)
    assert failed.error is not None
    assert (failed.error.code, failed.error.stage, failed.error.charged) == (
        "database_unavailable",
        Stage.MIRRORING,
        True,
    )
    assert world.recover(training).status is Status.SUCCEEDED
    assert world.models.get(str(world.of(training).model_id)).version == 1


def test_a_mirror_that_cannot_ask_fal_does_not_give_up_a_run_that_may_be_fine(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1")
    world.fal.unreachable = [TrainerUnavailable(reason="timeout")]
    with pytest.raises(TrainerUnavailable):
        world.deliver(world.report(training), attempt=MAX_ATTEMPTS)
    assert world.of(training).status is Status.SUBMITTED
    world.tick()
    world.run()
    assert world.of(training).status is Status.SUCCEEDED


# --- deadlines and leftovers


@pytest.mark.parametrize("status", [Status.SUBMITTED, Status.RUNNING])
def test_a_run_that_never_ends_is_stopped_and_fails_with_a_word(world: World, status: Status) -> None:
    training = submitted(world)
    if status is Status.RUNNING:
        world.fal.runs["r1"].state = RunState.IN_PROGRESS
        world.tick()
    world.tick(after_s=world.monitor_settings.deadlines.limit_s(status) + 1)
    failed = world.of(training)
    assert failed.error is not None
    assert failed.error.code == "timed_out"
    assert world.fal.runs["r1"].canceled
    assert world.zips() == []


def test_a_run_that_ended_at_its_deadline_is_kept_instead_of_failed(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1")
    world.tick(after_s=world.monitor_settings.deadline_submitted_s + 1)
    world.run()
    assert world.of(training).status is Status.SUCCEEDED


def test_a_mirror_that_died_is_woken_up(world: World) -> None:
    training = submitted(world)
    world.fal.end("r1")
    world.trainings.update(training.id, lambda t: t.advance(Status.MIRRORING, at=world.clock.now()))
    world.tick(after_s=world.monitor_settings.mirror_stalled_s + 1)
    world.run()
    assert world.of(training).status is Status.SUCCEEDED


def test_a_training_that_was_canceled_while_it_was_packaged_leaves_no_zip(world: World) -> None:
    world.shoot()
    training = world.start()

    def cancel() -> None:
        world.trainings.update(training.id, lambda t: t.advance(Status.CANCELED, at=world.clock.now()))

    world.pictures.faults.meanwhile("list", cancel)
    world.run()
    assert world.of(training).status is Status.CANCELED
    assert world.zips() == []
    assert world.fal.runs == {}


def test_a_training_canceled_during_the_submit_cancels_the_run(world: World) -> None:
    world.shoot()
    training = world.start()

    def cancel(_: object) -> None:
        world.trainings.update(training.id, lambda t: t.advance(Status.CANCELED, at=world.clock.now()))

    world.fal.before_answer = cancel
    world.run()
    assert world.of(training).status is Status.CANCELED
    assert world.fal.runs["r1"].canceled
    assert world.of(training).fal is not None


def test_zips_of_nobody_go_after_a_while_and_not_before(world: World) -> None:
    world.datasets.write("trainings/t_gone/x.zip", [b"PK"], content_type="application/zip")
    world.tick(after_s=1)
    assert world.zips() != []
    world.tick(after_s=world.monitor_settings.leftover_s + 1)
    assert world.zips() == []


def test_one_training_that_cannot_be_checked_does_not_stop_the_others(world: World) -> None:
    world.shoot()
    first, second = world.start(key="1"), world.start(key="2", force=True)
    world.run()
    world.fal.end("r1")
    world.fal.end("r2")
    world.fal.unreachable = [TrainerUnavailable(reason="timeout")]
    tick = world.tick()
    assert (tick.checked, tick.hindered) == (2, 1)
    world.run()
    assert {world.of(first).status, world.of(second).status} == {Status.SUCCEEDED, Status.SUBMITTED}


# --- messages


def test_a_message_for_an_unknown_training_is_acked(world: World) -> None:
    world.deliver(TrainingRequested(training_id="t_unknown"))


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"message": {}}', b'{"message": {"data": "%%%", "messageId": "1"}}', b"\xff"],
)
def test_what_is_no_envelope_goes_to_the_dead_letters(world: World, body: bytes) -> None:
    with pytest.raises(UndecodableMessage):
        world.consumer(Stage.PACKAGING).handle(body, TrainingRequested, world.package)


def test_the_time_in_every_stage_is_recorded(world: World) -> None:
    training = submitted(world)
    world.clock.advance(30)
    world.finish(training)
    done = world.of(training)
    assert list(done.stage_seconds(done.history[-1].at)) == [
        Stage.PACKAGING,
        Stage.SUBMITTING,
        Stage.QUEUED,
        Stage.MIRRORING,
    ]
    assert done.history[-1].at - done.created_at == timedelta(seconds=30)
