"""Ends of trainings are told once, whatever becomes of messages, receiver and record."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from functions.api.end_training import cancel_job
from functions.notifier.notice_of import SENTENCE_CHARACTERS, SUBJECTS
from functions.notifier.notify import notify
from shared.errors import (
    DatabaseUnavailable,
    MessagingUnavailable,
    NotificationRefused,
    NotificationUndelivered,
    NotificationWaits,
    ProductError,
    SubmissionUncertain,
    TrainingFailed,
    TrainingNotFound,
)
from shared.events import EVENTS, SUBSCRIPTIONS, TrainingFinished
from shared.image_jobs import ImageJob
from shared.stages import Attention, Status
from shared.trainings import Training
from tests.wiring import CONSOLE_URL, MAX_ATTEMPTS, NOTICE_LEASE_S
from tests.world import World

SILENT = NotificationUndelivered(reason="HTTP 503")
GONE = NotificationRefused(reason="HTTP 410")


@pytest.fixture
def world() -> World:
    return World()


def submitted(world: World) -> Training:
    world.shoot()
    training = world.start()
    world.run()
    return training


def succeeded(world: World) -> Training:
    return world.finish(submitted(world))


def failed(world: World, failure: ProductError) -> Training:
    training = submitted(world)
    world.fal.end("r1", failure)
    world.publisher.publish(world.report(training))
    world.run()
    return world.of(training)


def told(world: World) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in world.receiver.received]


def finished(world: World, *, attempt: int = 1) -> None:
    """The message about the end, once more."""
    world.deliver(world.finished()[0], attempt=attempt)


def hindered(world: World, *, attempt: int = 1, error: type[ProductError] = NotificationUndelivered) -> None:
    """The same, in vain."""
    with pytest.raises(error):
        finished(world, attempt=attempt)


def test_a_success_is_told_with_its_model_its_cost_and_where_to_look(world: World) -> None:
    training = succeeded(world)
    (notice,) = told(world)
    assert notice["type"] == "training.succeeded"
    assert notice["timestamp"] == training.since.isoformat().replace("+00:00", "Z")
    assert notice["data"] == {
        "training_id": training.id,
        "status": "succeeded",
        "owner_id": training.owner_id,
        "model_id": training.model_id,
        "model_name": training.model_name,
        "version": 1,
        "code": None,
        "sentence": f"The training succeeded: the model {training.model_name}, version 1, is ready.",
        "charged": True,
        "cost_usd": 0.02,
        "link": f"{CONSOLE_URL}/trainings/{training.id}",
    }


def test_a_success_whose_model_was_deleted_before_it_could_be_told_does_not_promise_the_model(world: World) -> None:
    world.notices.faults.fail("get", DatabaseUnavailable(reason="away"))
    with pytest.raises(DatabaseUnavailable):
        succeeded(world)
    world.models.delete(next(iter(world.models._models)))
    finished(world, attempt=2)
    (notice,) = told(world)
    name = notice["data"]["model_name"]
    assert notice["data"]["sentence"] == f"The training succeeded, and its model {name} was deleted since."


def test_a_failure_is_told_with_its_code_its_sentence_and_whether_it_cost_money(world: World) -> None:
    training = failed(world, TrainingFailed(reason="out of memory", charged=False))
    (notice,) = told(world)
    assert training.error
    assert notice["type"] == "training.failed"
    assert notice["data"] | {"code": "training_failed", "charged": False, "cost_usd": 0.0} == notice["data"]
    assert notice["data"]["sentence"] == training.error.message
    assert (notice["data"]["model_id"], notice["data"]["version"]) == (None, None)


def test_what_was_quoted_is_not_told_as_a_cost_where_nobody_knows_of_one(world: World) -> None:
    failed(world, TrainingFailed(reason="gone", charged=None))
    (notice,) = told(world)
    assert (notice["data"]["charged"], notice["data"]["cost_usd"]) == (None, None)


def test_a_success_of_which_nobody_knows_what_it_cost_is_told_without_a_cost(world: World) -> None:
    world.fal.price_usd = None
    world.shoot()
    training = world.start(trainer="fal-ai/qwen-image-2512-trainer", parameters={"steps": 100})
    world.run()
    world.finish(training)
    (notice,) = told(world)
    assert (notice["type"], notice["data"]["charged"], notice["data"]["cost_usd"]) == ("training.succeeded", True, None)


def test_a_body_is_small_whatever_fal_says(world: World) -> None:
    failed(world, TrainingFailed(reason="x" * 100_000))
    ((_, body),) = world.receiver.received
    assert len(body) < SENTENCE_CHARACTERS + 1000


def given_up(world: World) -> Training:
    """A training that fal.ai runs and nobody knows of, given up; its end is announced and not told yet."""
    world.fal.lose_answer = [SubmissionUncertain(reason="the connection was lost")]
    training = submitted(world)
    world.fal.hides_list = True
    world.tick(after_s=world.monitor_settings.deadline_submitting_s + 1)
    world.fal.hides_list = False
    return training


def test_a_result_that_came_late_is_an_end_of_its_own(world: World) -> None:
    training = given_up(world)
    world.run()
    world.fal.end("r1")
    world.publisher.publish(world.report(training))
    world.run()
    world.publisher.publish(world.report(training))
    world.run()
    world.tick()
    first, second = told(world)
    assert [notice["data"]["code"] for notice in (first, second)] == ["submission_uncertain", "artifact_unavailable"]
    assert [notice["data"]["charged"] for notice in (first, second)] == [None, True]
    assert second["timestamp"] == world.of(training).since.isoformat().replace("+00:00", "Z")
    assert len({notice_id for notice_id, _ in world.receiver.received}) == 2
    assert world.of(training).attention is Attention.NONE


def test_a_late_result_whose_finder_died_is_told_by_the_monitor(world: World) -> None:
    training = given_up(world)
    world.run()
    world.fal.end("r1")
    world.publisher.faults.fail("publish", MessagingUnavailable(reason="down"))
    with pytest.raises(MessagingUnavailable):
        world.deliver(world.report(training))
    assert world.of(training).is_recoverable
    world.tick()
    world.run()
    assert [notice["data"]["code"] for notice in told(world)] == ["submission_uncertain", "artifact_unavailable"]


def test_an_end_that_a_late_result_overtook_is_told_as_it_was_then(world: World) -> None:
    training = given_up(world)
    world.fal.end("r1")
    world.publisher.publish(world.report(training))
    world.run()
    assert [notice["data"]["code"] for notice in told(world)] == ["submission_uncertain", "artifact_unavailable"]


def test_a_cancellation_is_an_end_as_well(world: World) -> None:
    world.shoot()
    cancel_job(world.start(), jobs=world.jobs, publisher=world.publisher, clock=world.clock)
    world.run()
    assert [notice["type"] for notice in told(world)] == ["training.canceled"]


def drawn(world: World, **wish: Any) -> ImageJob:
    """Pictures that were made, and nothing told before."""
    job = world.draw(world.model(), **wish)
    world.receiver.received.clear()
    world.run()
    return world.finish_images(job)


@pytest.mark.parametrize(("count", "words"), [(1, "1 picture is ready"), (2, "2 pictures are ready")])
def test_pictures_that_are_ready_are_told_without_their_prompt(world: World, count: int, words: str) -> None:
    job = drawn(world, prompt="something private", count=count)
    ((_, body),) = world.receiver.received
    notice = json.loads(body)
    assert notice["type"] == "images.succeeded"
    assert notice["data"] == {
        "images_id": job.id,
        "status": "succeeded",
        "owner_id": job.owner_id,
        "model_id": job.model_id,
        "model_name": job.model_name,
        "version": 1,
        "count": count,
        "asked": count,
        "origin": "asked",
        "group_id": None,
        "code": None,
        "sentence": f"{words}, made with {job.model_name}, version 1.",
        "charged": True,
        "cost_usd": 0.02,
        "link": f"{CONSOLE_URL}/models/{job.model_id}",
    }
    assert "private" not in body and "fal.media" not in body


def test_that_fal_delivered_fewer_pictures_is_told(world: World) -> None:
    world.fal.delivers = 3
    job = drawn(world, count=4)
    ((_, body),) = world.receiver.received
    told_of = json.loads(body)["data"]
    assert (told_of["count"], told_of["asked"]) == (3, 4)
    sentence = f"3 of 4 pictures are ready, made with {job.model_name}, version 1: fal.ai delivered no more."
    assert told_of["sentence"] == sentence


def test_pictures_that_failed_are_told_in_words_about_pictures(world: World) -> None:
    job = world.draw(world.model())
    world.receiver.received.clear()
    world.run()
    world.fal.end(world.request_of(job), TrainingFailed(reason="out of memory", charged=False))
    world.call_back(job)
    (notice,) = told(world)
    assert (notice["type"], notice["data"]["code"], notice["data"]["version"]) == (
        "images.failed",
        "training_failed",
        1,
    )
    assert notice["data"]["sentence"].startswith("fal.ai could not make the pictures")


def test_pictures_whose_model_is_deleted_since_are_told_with_its_name_and_version(world: World) -> None:
    job = world.draw(world.model())
    world.receiver.received.clear()
    world.run()
    world.models.delete(job.model_id)
    world.finish_images(job)
    assert told(world)[0]["data"]["sentence"] == f"1 picture is ready, made with {job.model_name}, version 1."


def test_samples_come_with_their_model_and_are_told_where_they_fail_only(world: World) -> None:
    world.shoot()
    training = world.start(samples=2)
    world.run()
    world.finish(training)
    (samples,) = world.images.list_for_owner(training.owner_id, limit=9).items
    assert world.finish_images(samples).status is Status.SUCCEEDED
    assert [notice["type"] for notice in told(world)] == ["training.succeeded"]

    second = world.start(key="second", samples=2, force=True)
    world.run()
    world.fal.end(world.request_of(second))
    world.publisher.publish(world.report(second, world.request_of(second)))
    world.run()
    (samples,) = [s for s in world.images.list_for_owner(training.owner_id, limit=9).items if s.id != samples.id]
    world.fal.end(world.request_of(samples), TrainingFailed(reason="out of memory", charged=False))
    world.call_back(samples)
    assert [notice["type"] for notice in told(world)][1:] == ["training.succeeded", "images.failed"]


def test_a_message_that_comes_again_tells_nothing_again(world: World) -> None:
    succeeded(world)
    for attempt in (1, 2):
        finished(world, attempt=attempt)
    assert len(world.receiver.received) == 1


def test_a_receiver_that_fails_twice_is_told_the_same_under_the_same_id(world: World) -> None:
    world.receiver.faults.fail("post", SILENT, times=2, after=True)
    with pytest.raises(NotificationUndelivered):
        succeeded(world)
    hindered(world, attempt=2)
    finished(world, attempt=3)
    finished(world)
    assert len(world.receiver.received) == 3
    assert len(set(world.receiver.received)) == 1


def test_what_is_told_is_as_it_was_at_first_although_more_is_known_since(world: World) -> None:
    world.receiver.faults.fail("post", SILENT, after=True)
    with pytest.raises(NotificationUndelivered):
        succeeded(world)
    training_id = world.finished()[0].training_id
    world.trainings.update(training_id, lambda t: replace(t, cost_usd=7.0))
    finished(world, attempt=2)
    assert len(set(world.receiver.received)) == 1


def test_a_recovered_success_is_an_end_of_its_own(world: World) -> None:
    world.media.broken = [b"\x00" * 40] * 3
    training = succeeded(world)
    assert [notice["type"] for notice in told(world)] == ["training.failed"]
    world.recover(training)
    assert [notice["type"] for notice in told(world)] == ["training.failed", "training.succeeded"]
    assert len({notice_id for notice_id, _ in world.receiver.received}) == 2


def test_a_failure_whose_message_comes_after_the_recovery_is_told_first(world: World) -> None:
    world.media.broken = [b"\x00" * 40] * 3
    world.receiver.faults.fail("post", GONE)
    with pytest.raises(NotificationRefused):
        succeeded(world)
    training = world.trainings.get(world.finished()[0].training_id)
    world.recover(training)
    assert [notice["type"] for notice in told(world)] == ["training.failed", "training.succeeded"]
    assert [notice["data"]["code"] for notice in told(world)] == ["artifact_corrupt", None]


def test_an_end_that_nobody_could_tell_before_it_was_taken_up_again_is_told_by_time_and_code(world: World) -> None:
    world.media.broken = [b"\x00" * 40] * 3
    world.notices.faults.fail("get", DatabaseUnavailable(reason="away"))
    with pytest.raises(DatabaseUnavailable):
        succeeded(world)
    world.clock.advance(60)
    world.recover(world.trainings.get(world.finished()[0].training_id))
    earlier, last = told(world)
    assert (earlier["type"], earlier["data"]["code"]) == ("training.failed", "artifact_corrupt")
    assert earlier["data"]["sentence"] == "It failed at that time, and that was not the end of it."
    assert earlier["timestamp"] < last["timestamp"]


def test_one_end_that_is_refused_does_not_hold_up_the_next(world: World) -> None:
    world.media.broken = [b"\x00" * 40] * 3
    world.receiver.faults.fail("post", GONE, times=2)
    with pytest.raises(NotificationRefused):
        succeeded(world)
    with pytest.raises(NotificationRefused):
        world.recover(world.trainings.get(world.finished()[0].training_id))
    assert [notice["type"] for notice in told(world)] == ["training.succeeded"]


def test_a_receiver_that_refuses_is_not_called_again_until_the_message_is_redriven(world: World) -> None:
    world.receiver.faults.fail("post", GONE)
    with pytest.raises(NotificationRefused):
        succeeded(world)
    for attempt in range(2, MAX_ATTEMPTS + 1):
        hindered(world, attempt=attempt, error=NotificationRefused)
    assert world.receiver.received == []
    finished(world, attempt=1)
    assert len(world.receiver.received) == 1


def test_the_last_delivery_says_that_it_was_given_up(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.receiver.faults.fail("post", SILENT, times=2)
    with pytest.raises(NotificationUndelivered):
        succeeded(world)
    assert "notification_given_up" not in capsys.readouterr().out
    hindered(world, attempt=MAX_ATTEMPTS)
    assert "notification_given_up" in capsys.readouterr().out
    assert world.trainings.get(world.finished()[0].training_id).error is None, "the training itself is as it was"


def test_while_one_delivery_sends_another_waits_its_turn_and_sends_nothing(world: World) -> None:
    waited: list[str] = []

    def another_delivery() -> None:
        hindered(world, attempt=1)
        waited.append("its turn")

    world.receiver.faults.meanwhile("post", another_delivery)
    succeeded(world)
    finished(world, attempt=2)
    assert (len(told(world)), waited) == (1, ["its turn"])


def test_a_crash_between_sending_and_noting_it_sends_again_with_the_same_id_and_no_sooner_than_the_claim_lapses(
    world: World,
) -> None:
    class Dies(BaseException):
        pass

    world.receiver.faults.fail("post", Dies(), after=True)  # type: ignore[arg-type]
    with pytest.raises(Dies):
        succeeded(world)
    hindered(world, attempt=2)
    assert len(world.receiver.received) == 1
    world.clock.advance(NOTICE_LEASE_S)
    finished(world, attempt=3)
    assert len(world.receiver.received) == 2
    assert len(set(world.receiver.received)) == 1


def test_a_record_that_cannot_be_written_sends_nothing(world: World) -> None:
    world.notices.faults.fail("update", DatabaseUnavailable(reason="away"))
    with pytest.raises(DatabaseUnavailable):
        succeeded(world)
    assert world.receiver.received == []
    finished(world, attempt=2)
    assert len(world.receiver.received) == 1


def test_a_message_about_a_training_that_was_erased_is_acked(world: World) -> None:
    world.deliver(TrainingFinished(training_id="t_erased", status="failed"))
    assert world.receiver.received == []


@pytest.mark.parametrize("meanwhile", [NotificationWaits, TrainingNotFound])
def test_what_an_erasure_takes_while_it_is_to_be_told_is_not_told(world: World, meanwhile: type[ProductError]) -> None:
    """With it goes the record of what was told: a delivery that was held up meanwhile would tell it a second time."""
    training = succeeded(world)
    world.notices.delete(training.id)
    world.receiver.received.clear()
    looks = iter([world.of(training), world.of(training).given_to("e_1")])

    def taken_meanwhile() -> Training:
        job = next(looks)
        if job.erasure_id and meanwhile is TrainingNotFound:
            raise TrainingNotFound(id=training.id)
        return job

    with pytest.raises(meanwhile):
        notify(taken_meanwhile, SUBJECTS[TrainingFinished], attempt=1, notifier=world.notifier)
    assert world.receiver.received == []


def being_erased(world: World) -> Training:
    """A training whose end is not told yet, and which an erasure has taken."""
    training = succeeded(world)
    world.notices.delete(training.id)
    world.receiver.received.clear()
    return world.trainings.update(training.id, lambda t: t.given_to("e_1"))


def test_of_what_is_being_erased_nothing_is_told_until_it_is_gone(world: World) -> None:
    training = being_erased(world)
    hindered(world, error=NotificationWaits)
    world.trainings.delete(training.id)
    finished(world, attempt=2)
    assert world.receiver.received == []


def test_what_an_erasure_leaves_is_told_when_it_has_given_it_back(world: World) -> None:
    training = being_erased(world)
    hindered(world, error=NotificationWaits)
    world.trainings.update(training.id, lambda t: t.given_back("e_1"))
    finished(world, attempt=2)
    assert [notice["type"] for notice in told(world)] == ["training.succeeded"]


def test_a_late_copy_about_what_was_told_is_acked_while_it_is_being_erased(world: World) -> None:
    training = succeeded(world)
    world.trainings.update(training.id, lambda t: t.given_to("e_1"))
    finished(world)
    assert len(world.receiver.received) == 1


def test_no_caption_nonce_or_signed_address_is_in_a_notification(world: World) -> None:
    training = succeeded(world)
    ((notice_id, body),) = world.receiver.received
    assert training.claim and training.dataset
    for secret in (training.claim.nonce, training.dataset.nonce, "in picture", "fal.media", "queue.fal.run"):
        assert f'"{secret}"' not in body and f"/{secret}" not in body
    assert "." not in notice_id, "the signed text is id.timestamp.body"


def test_its_story_says_that_the_end_was_told(world: World) -> None:
    training = succeeded(world)
    told_by = [e for e in world.stories.list_for_training(training.id, limit=100) if e.function == "notifier"]
    assert [event.name for entry in told_by for event in entry.events] == ["notification_sent"]


def test_everything_that_the_notifier_hears_it_can_tell_of() -> None:
    heard = {EVENTS[topic] for topic, functions in SUBSCRIPTIONS.items() if "notifier" in functions}
    assert heard == set(SUBJECTS)
