"""Pictures go the same road as trainings, under the same promises: every use case with its consumer, on fakes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from functions.api.compare_models import Comparison, compare_models
from functions.api.end_images import more_like, retry_images
from functions.api.end_training import CancelOutcome, cancel_job
from functions.api.request_erasure import request_erasure
from shared.accounts import Limits
from shared.erasing.things import Subject
from shared.errors import (
    ArtifactUnavailable,
    BudgetExceeded,
    Conflict,
    DatabaseUnavailable,
    InvalidRequest,
    ModelErased,
    ModelNotFound,
    ProductError,
    SubmissionUncertain,
    TooManyImageJobs,
    TrainerUnavailable,
    TrainingFailed,
)
from shared.events import ImagesFinished, ImagesPrepared, ImagesRequested, ResultReported
from shared.image_jobs import ImageJob, Origin
from shared.models import Model
from shared.ports import RunState
from shared.samples import samples_of, with_samples
from shared.stages import Attention, Status
from shared.trainers import trainer
from tests.fakes import small_jpeg
from tests.world import OWNER, World

A_COMPARISON = Comparison(prompt="in the rain", scales=(0, 1), count=1, size="square", seed=None)


@pytest.fixture
def world() -> World:
    return World()


def asked(world: World, job: ImageJob) -> dict[str, Any]:
    """What fal.ai was sent for the pictures."""
    return dict(world.fal.runs[world.request_of(job)].submission.arguments)


def test_pictures_are_made_kept_and_announced_once(world: World) -> None:
    model = world.model()
    job = world.draw(model, count=2, seed=7)
    world.run()
    done = world.finish_images(job)
    assert (done.status, len(done.pictures), done.cost_usd) == (Status.SUCCEEDED, 2, 0.02)
    for number, picture in enumerate(done.pictures, start=1):
        assert picture.name == f"images/p1/red-riding-hood/v1/{job.id}/{number}.jpg"
        assert b"".join(world.kept.read(picture.name))[:2] == b"\xff\xd8"
        assert (picture.width, picture.height, picture.nsfw) == (64, 64, False)
    told = [event for event in world.publisher.published if isinstance(event, ImagesFinished)]
    assert told == [ImagesFinished(training_id=job.id, status="succeeded", model_id=model.id)]
    assert done.attention is Attention.NONE
    assert world.accounts.get(OWNER).reservations == {}
    assert world.accounts.get(OWNER).spent_usd == pytest.approx(0.04)


def test_fal_ai_is_asked_with_the_weights_the_scale_and_the_trigger_word(world: World) -> None:
    job = world.draw(world.model(), prompt="in the rain", count=3, size="square_hd", seed=11, scale=0.5)
    world.run()
    sent = asked(world, job)
    (lora,) = sent.pop("loras")
    assert lora["scale"] == 0.5
    assert "red-riding-hood-v1.safetensors" in lora["path"]
    assert sent == {
        "prompt": "TOK, in the rain",
        "image_size": "square_hd",
        "seed": 11,
        "num_images": 3,
        "enable_safety_checker": True,
    }
    kept = world.images.get(job.id).sent
    assert kept is not None and "http" not in str(kept.fields)


def test_the_url_of_the_weights_has_the_nonce_by_which_the_request_is_found_again(world: World) -> None:
    job = world.draw(world.model(), scale=0)
    world.run()
    (lora,) = asked(world, job)["loras"]
    nonce = world.images.get(job.id).nonce
    assert nonce and nonce in lora["path"]


def test_a_trainer_with_two_files_of_weights_sends_both_and_takes_its_one_picture(world: World) -> None:
    model = world.model(trainer="fal-ai/wan-22-image-trainer", parameters={})
    with pytest.raises(InvalidRequest, match="one picture at a time, not 2"):
        world.draw(model, count=2)
    job = world.draw(model)
    world.run()
    sent = asked(world, job)
    assert [lora.get("transformer") for lora in sent["loras"]] == ["low", "high"]
    assert "num_images" not in sent
    # there, the first looks at the prompt and only the second at the picture
    assert (sent["enable_safety_checker"], sent["enable_output_safety_checker"]) == (True, True)
    assert len(world.finish_images(job).pictures) == 1


def test_the_same_key_is_the_same_pictures_and_another_wish_under_it_a_conflict(world: World) -> None:
    model = world.model()
    job = world.draw(model, key="k")
    assert world.draw(model, key="k") == job
    with pytest.raises(Conflict, match="used for another set of pictures"):
        world.draw(model, key="k", prompt="in the sun")
    world.run()
    assert len(world.fal.runs) == 2


def test_a_prepared_message_that_comes_twice_is_paid_once(world: World) -> None:
    job = world.draw(world.model())
    world.run()
    for event in [e for e in world.publisher.published if isinstance(e, ImagesPrepared | ImagesRequested)]:
        world.deliver(event, attempt=2)
    assert len([run for run in world.fal.runs.values() if job.id in run.submission.webhook_url]) == 1


def test_an_answer_that_was_lost_is_found_by_the_nonce_and_never_paid_again(world: World) -> None:
    model = world.model()
    world.fal.lose_answer = [SubmissionUncertain(reason="the connection was lost")]
    job = world.draw(model)
    world.run()
    now = world.images.get(job.id)
    assert (now.status, now.hindrance and now.hindrance.code) == (Status.SUBMITTING, "submission_unconfirmed")
    assert now.hindrance is not None and "train" not in now.hindrance.message
    world.tick(after_s=600)
    assert world.images.get(job.id).status is Status.SUBMITTED
    assert world.finish_images(job).status is Status.SUCCEEDED
    assert len(world.fal.runs) == 2


def test_pictures_whose_webhook_was_lost_are_found_by_the_monitor(world: World) -> None:
    job = world.draw(world.model())
    world.run()
    world.fal.runs[world.request_of(job)].state = RunState.IN_PROGRESS
    world.tick()
    running = world.images.get(job.id)
    assert running.status is Status.RUNNING
    assert running.progress is not None and "pictures" in running.progress.message
    world.fal.end(world.request_of(job))
    world.tick()
    world.run()
    assert world.images.get(job.id).status is Status.SUCCEEDED


def test_a_truncated_picture_is_fetched_again(world: World) -> None:
    job = world.draw(world.model())
    world.run()
    world.media.broken = [small_jpeg(size=256)[:-400], b"<html>"]
    assert world.finish_images(job).status is Status.SUCCEEDED


def test_pictures_that_never_verify_fail_in_their_own_words_and_can_be_fetched_again_for_nothing(world: World) -> None:
    job = world.draw(world.model())
    world.run()
    world.media.broken = [b"<html>"] * 3
    failed = world.finish_images(job)
    assert failed.error is not None and failed.error.code == "artifact_corrupt"
    assert "pictures" in failed.error.message and "train" not in failed.error.message
    assert failed.error.charged is True and failed.is_recoverable
    again = retry_images(failed, models=world.models, desk=world.image_desk)
    assert retry_images(world.images.get(job.id), models=world.models, desk=world.image_desk) == again, "pressed twice"
    world.run()
    assert again.id == job.id
    assert world.images.get(job.id).status is Status.SUCCEEDED
    assert len(world.fal.runs) == 2


def test_pictures_that_fal_ai_cannot_make_fail_and_a_retry_is_one_successor(world: World) -> None:
    model = world.model()
    job = world.draw(model, seed=5)
    world.run()
    world.fal.end(world.request_of(job), TrainingFailed(reason="out of memory", charged=False))
    world.call_back(job)
    failed = world.images.get(job.id)
    assert failed.error is not None and failed.error.message.startswith("fal.ai could not make the pictures")
    successor = retry_images(failed, models=world.models, desk=world.image_desk)
    assert retry_images(failed, models=world.models, desk=world.image_desk) == successor
    assert (successor.predecessor_id, successor.seed, successor.prompt) == (job.id, 5, job.prompt)


def test_pictures_whose_retry_was_deleted_are_asked_for_anew_once_however_often_it_is_pressed(world: World) -> None:
    job = world.draw(world.model())
    world.run()
    world.fal.end(world.request_of(job), TrainingFailed(reason="out of memory", charged=False))
    world.call_back(job)
    gone = []
    for _ in range(2):
        first, second = (
            retry_images(world.images.get(job.id), models=world.models, desk=world.image_desk) for _ in range(2)
        )
        assert (first == second, first.predecessor_id, first.id in gone) == (True, job.id, False)
        cancel_job(first, jobs=world.jobs, publisher=world.publisher, clock=world.clock)
        world.run()
        request_erasure(OWNER, Subject.IMAGES, first.id, "", world.erasing())
        world.run()
        gone.append(first.id)


def test_what_the_safety_checker_says_is_kept_with_each_picture(world: World) -> None:
    world.fal.flags = (False, True)
    job = world.draw(world.model(), count=2)
    world.run()
    assert [picture.nsfw for picture in world.finish_images(job).pictures] == [False, True]


def test_pictures_can_be_canceled_before_and_after_fal_ai_has_them(world: World) -> None:
    model = world.model()
    job = world.draw(model)
    done = cancel_job(job, jobs=world.jobs, publisher=world.publisher, clock=world.clock)
    assert (done.outcome, done.job.status) == (CancelOutcome.CANCELED, Status.CANCELED)
    assert "set of pictures" in done.message
    world.run()
    assert world.accounts.get(OWNER).reservations == {}
    other = world.draw(model, key="other")
    world.run()
    asked_to_stop = cancel_job(
        world.images.get(other.id), jobs=world.jobs, publisher=world.publisher, clock=world.clock
    )
    assert asked_to_stop.outcome is CancelOutcome.ASKED
    world.run()
    assert world.images.get(other.id).status is Status.CANCELED
    assert world.fal.runs[world.request_of(other)].canceled


def test_pictures_outlive_no_deadline_of_their_own(world: World) -> None:
    job = world.draw(world.model())
    world.run()
    world.fal.runs[world.request_of(job)].state = RunState.IN_PROGRESS
    world.tick()
    world.tick(after_s=world.monitor_settings.deadlines.images_running_s + 60)
    expired = world.images.get(job.id)
    assert expired.error is not None
    assert (expired.status, expired.error.code) == (Status.FAILED, "timed_out")


def test_a_set_of_which_fal_delivered_fewer_succeeds_and_says_so(world: World) -> None:
    world.fal.delivers = 3
    job = world.draw(world.model(), count=4)
    world.run()
    made = world.finish_images(job)
    assert (made.status, len(made.pictures), made.charged) == (Status.SUCCEEDED, 3, True)
    assert made.shortfall == "3 of 4: fal.ai delivered no more"
    assert made.history[-1].reason == "pictures: 3 of 4: fal.ai delivered no more"
    assert job.shortfall is None, "it has none before it has ended"


def test_a_set_of_which_fal_delivered_nothing_fails_and_can_be_fetched_again(world: World) -> None:
    world.fal.delivers = 0
    job = world.draw(world.model(), count=4)
    world.run()
    failed = world.finish_images(job)
    assert failed.error is not None
    assert (failed.error.code, failed.is_recoverable, failed.shortfall) == ("artifact_corrupt", True, None)


def test_pictures_of_a_model_that_was_deleted_fail_before_anything_is_paid(world: World) -> None:
    model = world.model()
    job = world.draw(model)
    world.models.delete(model.id)
    world.run()
    failed = world.images.get(job.id)
    assert failed.error is not None
    assert (failed.error.code, failed.error.charged) == ("model_erased", False)
    assert len(world.fal.runs) == 1


def test_the_budget_holds_for_pictures_too_and_so_does_how_many_at_once(world: World) -> None:
    model = world.model()
    world.limits = Limits(trainings_at_once=1, usd_per_day=0.10, image_jobs_at_once=2)
    with pytest.raises(BudgetExceeded, match=r"\$0.14"):
        world.draw(model, count=4)
    world.draw(model, key="a")
    world.draw(model, key="b")
    with pytest.raises(TooManyImageJobs, match="2 sets of pictures"):
        world.draw(model, key="c")


def test_more_like_this_has_the_prompt_and_another_seed(world: World) -> None:
    job = world.draw(world.model(), prompt="in the snow", scale=0.7, count=2)
    more = more_like(job, "more", models=world.models, desk=world.image_desk)
    assert (more.prompt, more.scale, more.count, more.like_id, more.origin) == (
        job.prompt,
        0.7,
        2,
        job.id,
        Origin.MORE,
    )
    assert more.seed != job.seed
    assert more_like(job, "more", models=world.models, desk=world.image_desk) == more


def test_a_comparison_is_one_set_for_every_model_at_every_scale_with_one_seed(world: World) -> None:
    models = [world.model("one"), world.model("two")]
    wanted = Comparison(prompt="in the rain", scales=(0, 1), count=1, size="square", seed=None)
    jobs = compare_models(OWNER, "k", models, wanted, world.image_desk)
    assert compare_models(OWNER, "k", models, wanted, world.image_desk) == jobs
    assert [(job.version, job.scale) for job in jobs] == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert len({job.group_id for job in jobs}) == len({job.seed for job in jobs}) == 1
    group = world.images.list_for_owner(OWNER, limit=10, group_id=jobs[0].group_id).items
    assert {job.id for job in group} == {job.id for job in jobs}
    world.run()
    assert all(world.finish_images(job).status is Status.SUCCEEDED for job in jobs)


def test_a_comparison_that_cannot_be_made_asks_for_nothing(world: World) -> None:
    model = world.model()
    for scales in ((0.5, 9), (1, 1), tuple(i / 10 for i in range(13))):
        with pytest.raises(InvalidRequest):
            wanted = Comparison(prompt="x", scales=scales, count=1, size="square", seed=1)
            compare_models(OWNER, "k", [model], wanted, world.image_desk)
    assert world.images.list_for_owner(OWNER, limit=10).items == ()


def test_a_comparison_with_a_model_that_is_being_deleted_asks_for_nothing(world: World) -> None:
    one, two = world.model("one"), world.model("two")
    erased = world.models.update(two.id, lambda model: replace(model, erasure_id="e_1"))
    with pytest.raises(ModelErased):
        compare_models(OWNER, "k", [one, erased], A_COMPARISON, world.image_desk)
    assert world.images.list_for_owner(OWNER, limit=10).items == ()
    assert not world.accounts.get(OWNER).reservations


@pytest.mark.parametrize(
    ("limits", "refusal"),
    [
        (Limits(trainings_at_once=None, usd_per_day=0.1), BudgetExceeded),
        (Limits(trainings_at_once=None, usd_per_day=None, image_jobs_at_once=3), TooManyImageJobs),
    ],
    ids=["budget", "at once"],
)
def test_a_comparison_that_does_not_fit_as_a_whole_asks_for_nothing(
    world: World, limits: Limits, refusal: type[ProductError]
) -> None:
    models = [world.model("one"), world.model("two")]
    desk = replace(world.image_desk, limits=limits)
    # a fresh account, whatever the models cost
    world.accounts.update(OWNER, lambda account: replace(account, spent_usd=0.0))
    wanted = Comparison(prompt="in the rain", scales=(0, 1), count=1, size="square", seed=None)
    with pytest.raises(refusal) as refused:
        compare_models(OWNER, "k", models, wanted, desk)
    if refusal is BudgetExceeded:
        assert "$0.14" in refused.value.message, "what all of it costs, not one set"
    assert world.images.list_for_owner(OWNER, limit=10).items == ()
    fits = replace(wanted, scales=(1,))
    assert len(compare_models(OWNER, "k2", models, fits, desk)) == 2
    assert compare_models(OWNER, "k2", models, fits, desk), "what is there already needs no more"


def of_unknown_price(world: World) -> Model:
    """A model of whose pictures nobody knows before what they cost; nothing is spent yet."""
    model = world.model(trainer="fal-ai/qwen-image-2512-trainer", parameters={"steps": 100})
    world.accounts.update(OWNER, lambda account: replace(account, spent_usd=0.0))
    return model


def test_a_comparison_whose_price_nobody_knows_is_made_with_one_press_and_sets_all_that_is_left_aside(
    world: World,
) -> None:
    model = of_unknown_price(world)
    desk = replace(world.image_desk, limits=Limits(trainings_at_once=None, usd_per_day=5.0))
    first, second = compare_models(OWNER, "k", [model], A_COMPARISON, desk)
    assert {job: held.usd for job, held in world.accounts.get(OWNER).reservations.items()} == {
        first.id: 2.5,
        second.id: 2.5,
    }
    with pytest.raises(BudgetExceeded):
        compare_models(OWNER, "another", [model], A_COMPARISON, desk)
    world.run()
    assert all(world.finish_images(job).status is Status.SUCCEEDED for job in (first, second))


def test_a_comparison_whose_price_nobody_knows_is_refused_before_anything_where_nothing_is_left(world: World) -> None:
    model = of_unknown_price(world)
    desk = replace(world.image_desk, limits=Limits(trainings_at_once=None, usd_per_day=0.0))
    with pytest.raises(BudgetExceeded, match="not known before"):
        compare_models(OWNER, "k", [model], A_COMPARISON, desk)
    assert world.images.list_for_owner(OWNER, limit=10).items == ()
    assert not world.accounts.get(OWNER).reservations


def test_a_comparison_that_a_crash_cut_off_goes_on_with_the_money_that_was_set_aside(world: World) -> None:
    model = of_unknown_price(world)
    desk = replace(world.image_desk, limits=Limits(trainings_at_once=None, usd_per_day=5.0))
    world.images.faults.meanwhile("create", lambda: None)
    world.images.faults.fail("create", DatabaseUnavailable(reason="503"))
    with pytest.raises(DatabaseUnavailable):
        compare_models(OWNER, "k", [model], A_COMPARISON, desk)
    (first,) = world.images.list_for_owner(OWNER, limit=10).items
    again = compare_models(OWNER, "k", [model], A_COMPARISON, desk)
    assert [job.id for job in again] == [first.id, again[1].id]
    assert world.accounts.get(OWNER).reserved_usd == 5.0


@pytest.mark.parametrize("key", ["retry:{job}", "retry\0{job}"])
def test_pictures_under_a_users_own_key_are_never_taken_for_a_retry(world: World, key: str) -> None:
    model = world.model()
    job = world.draw(model)
    own = world.draw(model, key=key.format(job=job.id), prompt="something else")
    world.run()
    world.fal.end(world.request_of(job), TrainingFailed(reason="out of memory", charged=False))
    world.call_back(job)
    successor = retry_images(world.images.get(job.id), models=world.models, desk=world.image_desk)
    assert (successor.predecessor_id, successor.id != own.id) == (job.id, True)


def test_pictures_under_a_users_own_key_are_never_taken_for_samples(world: World) -> None:
    world.shoot()
    training = world.start(samples=2)
    own = world.draw(world.model(key="before"), key=f"samples:{training.id}", prompt="something else")
    world.run()
    world.finish(training)
    found = world.images.list_for_owner(OWNER, limit=10).items
    assert [job.origin for job in found if job.id != own.id] == [Origin.SAMPLES]


def test_pictures_under_a_users_own_key_are_never_taken_for_those_of_a_comparison(world: World) -> None:
    model = world.model()
    own = world.draw(model, key=f"compare:k:{model.id}:1", prompt="something else")
    compared = compare_models(OWNER, "k", [model], A_COMPARISON, world.image_desk)
    assert own.id not in {job.id for job in compared}


def test_another_comparison_under_the_same_key_is_a_conflict(world: World) -> None:
    one, two = world.model("one"), world.model("two")
    compare_models(OWNER, "k", [one], A_COMPARISON, world.image_desk)
    for models, wanted in (
        ([one], replace(A_COMPARISON, scales=(0, 1, 2))),
        ([two], A_COMPARISON),
        ([one, two], A_COMPARISON),
        ([one], replace(A_COMPARISON, seed=5)),
    ):
        with pytest.raises(Conflict, match="used for another set of pictures"):
            compare_models(OWNER, "k", models, wanted, world.image_desk)
    assert len(world.images.list_for_owner(OWNER, limit=10).items) == 2


def test_a_model_has_its_samples_by_themselves_once_and_their_money_was_set_aside(world: World) -> None:
    world.shoot()
    training = world.start(samples=4)
    assert training.quote is not None and training.quote.samples_usd == pytest.approx(0.14)
    aside = world.accounts.get(OWNER).reservations[training.id].usd
    assert aside == pytest.approx((training.quote.price_usd or 0) + 0.14)
    world.run()
    done = world.finish(training)
    (samples,) = world.images.list_for_owner(OWNER, limit=10).items
    assert (samples.origin, samples.count, samples.model_id) == (Origin.SAMPLES, 4, done.model_id)
    assert "TOK" in samples.prompt
    world.publisher.publish(world.report(training))
    world.run()
    assert len(world.images.list_for_owner(OWNER, limit=10).items) == 1
    assert world.finish_images(samples).status is Status.SUCCEEDED


def test_where_nothing_is_said_samples_are_made_as_it_is_set_up_and_the_quote_says_so(world: World) -> None:
    world.shoot()
    world.samples = 3
    training = world.start()
    quote = training.quote
    assert quote is not None and (training.samples, quote.samples) == (3, 3)
    assert quote.samples_usd == pytest.approx(0.105)
    assert quote.total_usd == pytest.approx((quote.price_usd or 0) + 0.105)
    world.run()
    world.finish(training)
    (samples,) = world.images.list_for_owner(OWNER, limit=10).items
    assert samples.count == 3


def test_who_says_none_has_none_and_pays_none(world: World) -> None:
    world.shoot()
    world.samples = 4
    training = world.start(samples=0)
    assert training.quote is not None and training.quote.total_usd == training.quote.price_usd
    world.run()
    world.finish(training)
    assert world.images.list_for_owner(OWNER, limit=10).items == ()


def test_another_number_of_samples_under_the_same_key_is_a_conflict(world: World) -> None:
    world.shoot()
    world.start(samples=4)
    with pytest.raises(Conflict):
        world.start(samples=0)


@pytest.mark.parametrize("name", ["qwen-image-2512-trainer", "wan-22-image-trainer"])
def test_unasked_nothing_is_made_whose_price_nobody_knows_before(name: str) -> None:
    assert samples_of(trainer(name), None, by_default=4) == 0
    quote = with_samples(trainer(name).quote({"steps": 100}), trainer(name), 1)
    assert (quote.samples, quote.samples_usd, quote.total_usd) == (1, None, None)


def test_more_samples_than_fal_ai_makes_at_a_time_are_refused_before_anything_is_paid(world: World) -> None:
    world.shoot()
    with pytest.raises(InvalidRequest, match="one picture at a time, not 4"):
        world.start(trainer="fal-ai/wan-22-image-trainer", samples=4)
    assert world.trainings.list_for_owner(OWNER, limit=1).items == ()


@pytest.mark.parametrize("broken", [b"<html>", b""])
def test_samples_that_cannot_be_kept_leave_the_model_as_it_is(world: World, broken: bytes) -> None:
    world.shoot()
    training = world.start(samples=1)
    world.run()
    done = world.finish(training)
    model, (samples,) = world.models.get(str(done.model_id)), world.images.list_for_owner(OWNER, limit=10).items
    world.media.broken = [broken] * 9
    assert world.finish_images(samples).status is Status.FAILED
    assert (world.of(training), world.models.get(model.id)) == (done, model)


def test_a_model_that_is_gone_when_its_samples_are_due_is_no_failure_of_its_training(world: World) -> None:
    world.shoot()
    training = world.start(samples=1)
    world.run()
    world.models.faults.fail("get", ModelNotFound(id="gone"))
    assert world.finish(training).status is Status.SUCCEEDED
    assert world.images.list_for_owner(OWNER, limit=10).items == ()


def test_samples_that_fail_leave_the_training_and_its_model_as_they_are(world: World) -> None:
    world.shoot()
    world.fal.refuse = []
    training = world.start(samples=2)
    world.run()
    done = world.finish(training)
    (samples,) = world.images.list_for_owner(OWNER, limit=10).items
    world.fal.end(world.request_of(samples), TrainingFailed(reason="out of memory", charged=False))
    world.call_back(samples)
    assert world.images.get(samples.id).status is Status.FAILED
    assert world.of(training) == done and done.status is Status.SUCCEEDED
    assert world.models.get(str(done.model_id)).training_id == training.id


def test_a_late_result_of_pictures_that_were_given_up_can_be_fetched(world: World) -> None:
    job = world.draw(world.model())
    world.run()
    world.fal.unreachable = [TrainerUnavailable(reason="down")] * 3
    world.tick(after_s=world.monitor_settings.deadlines.images_submitted_s + 60)
    world.fal.unreachable = []
    world.tick(after_s=3 * 60 * 60)
    assert world.images.get(job.id).status is Status.FAILED
    world.fal.end(world.request_of(job))
    world.call_back(job)
    late = world.images.get(job.id)
    assert late.is_recoverable and late.error is not None and late.error.code == ArtifactUnavailable.code
    retry_images(late, models=world.models, desk=world.image_desk)
    world.run()
    assert world.images.get(job.id).status is Status.SUCCEEDED


def test_a_strangers_report_about_pictures_is_not_believed(world: World) -> None:
    job = world.draw(world.model())
    world.run()
    before = world.images.get(job.id)
    world.deliver(ResultReported(training_id=job.id, nonce="guess", request_id=world.request_of(job)))
    assert world.images.get(job.id) == before
