"""Each rule over a story that went well says nothing, and finds what is wrong with one that was spoilt by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.accounts import Account, Reservation
from shared.errors import StorageUnavailable, SubmissionUncertain, TimedOut, TrainingFailed
from shared.events import ImagesFinished, TrainingFinished
from shared.image_jobs import KeptPicture
from shared.models import Model, model_id
from shared.ports import ObjectInfo
from shared.quotes import Quote
from shared.stages import Stage, Status
from shared.training_records import Move, Progress
from shared.trainings import Training
from tests import rules
from tests.builders import AT, STEP, a_model, a_training, an_image_job
from tests.evidence import Evidence, FalRun
from tests.rules import broken

QUOTE = Quote(trainer="t", price_usd=2.0, unit_price_usd=2.0, unit="1000 steps", priced_at="2026-01-01")
SUCCEEDED = replace(a_training(status=Status.SUCCEEDED), id="t_1", quote=QUOTE, cost_usd=2.0)
SUCCEEDED = replace(SUCCEEDED, history=(*SUCCEEDED.history[:-1], replace(SUCCEEDED.history[-1], reason="version 1")))
FAILED = a_training(status=Status.RUNNING, id="t_2", quote=QUOTE).fail(
    TrainingFailed(reason="no face"), at=AT + 9 * STEP, charged=False
)
CANCELED = a_training(id="t_3", quote=QUOTE).canceled("by its user", at=AT + STEP, charged=False)
WAITING = a_training(status=Status.RUNNING, id="t_4", quote=QUOTE)
WAITING = replace(WAITING, progress=Progress(percent=40, updated_at=WAITING.since))
MODEL = a_model(lora_uri="gs://models/p/w.safetensors", config_uri="gs://models/p/config.json")
NOW = AT + 10 * STEP


def an_object(name: str, *, size: int = 10, crc32c: str = "yZRlqg==") -> ObjectInfo:
    return ObjectInfo(name=name, size=size, crc32c=crc32c, updated_at=AT)


def a_run(training: Training, *, request_id: str = "r-1", delivered: bool = False) -> FalRun:
    digest = MODEL.sha256 if delivered else None
    return FalRun(request_id=request_id, training_id=training.id, billed=delivered, delivered=delivered, sha256=digest)


GOOD = Evidence(
    now=NOW,
    trainings=(SUCCEEDED, FAILED, CANCELED, WAITING),
    models=(MODEL,),
    accounts=(
        Account(id="owner-1", day="2026-01-01", spent_usd=2.0, reservations={"t_4": Reservation(usd=2.0, at=AT)}),
    ),
    runs=(a_run(SUCCEEDED, delivered=True), a_run(FAILED), a_run(WAITING)),
    kept=(an_object("p/w.safetensors", size=MODEL.size), an_object("p/config.json")),
    archives=(an_object("trainings/t_4/n.zip"),),
    earlier=(a_training(status=Status.PACKAGED, id="t_1"), WAITING),
    announced=tuple(
        TrainingFinished(training_id=training.id, status=training.status) for training in (SUCCEEDED, FAILED, CANCELED)
    ),
)


def said(rule: Callable[[Evidence], object], **changes: object) -> str:
    """What this rule, and no other, says of the good story with `changes`."""
    sentences = broken(replace(GOOD, **changes))  # type: ignore[arg-type]
    assert {sentence.partition(":")[0] for sentence in sentences} == {rule.__name__}, sentences
    return " / ".join(sentences)


def with_(training: Training, **also: object) -> dict[str, object]:
    """The good story's changes that put `training` in the place of the one with its id."""
    trainings = tuple(training if known.id == training.id else known for known in GOOD.trainings)
    return {"trainings": trainings, **also}


def test_a_story_that_went_well_breaks_no_rule() -> None:
    assert broken(GOOD) == []


def test_a_training_past_its_deadline_is_found() -> None:
    assert "past its deadline" in said(rules.no_training_is_stuck, now=NOW + timedelta(hours=5))


def test_a_deadline_that_has_just_passed_is_the_monitors_to_see() -> None:
    assert broken(replace(GOOD, now=NOW + timedelta(hours=5), patience=timedelta(hours=2))) == []


def test_a_wait_without_a_word_is_found_and_one_with_a_word_is_not() -> None:
    silent = replace(WAITING, progress=None)
    assert "nobody says why" in said(rules.no_training_is_stuck, **with_(silent))
    told = silent.hindered(StorageUnavailable(reason="503"), at=NOW)
    assert broken(replace(GOOD, **with_(told))) == []  # type: ignore[arg-type]


def test_a_second_run_is_found_although_it_was_not_billed() -> None:
    again = a_run(FAILED, request_id="r-2")
    assert "2 runs of t_2" in said(rules.nothing_is_paid_twice_or_unseen, runs=(*GOOD.runs, again))


def test_an_archive_of_another_dataset_than_was_ordered_is_found() -> None:
    assert WAITING.dataset is not None
    ordered = replace(WAITING, recipe=WAITING.recipe_of(WAITING.dataset.fingerprint))
    assert broken(replace(GOOD, **with_(ordered))) == []  # type: ignore[arg-type]
    other = replace(ordered, dataset=replace(WAITING.dataset, fingerprint="another"))
    assert "packed with other pictures" in said(rules.what_is_packed_is_what_was_ordered, **with_(other))


@pytest.mark.parametrize("of", ["t_3", "t_unknown"])
def test_a_bill_that_nobody_knows_of_is_found(of: str) -> None:
    unseen = FalRun(request_id="r-9", training_id=of, billed=True, delivered=False)
    sentences = broken(replace(GOOD, runs=(*GOOD.runs, unseen)))
    assert any("neither recorded nor reported" in sentence for sentence in sentences)


def test_a_bill_whose_submission_is_still_looked_for_is_no_surprise() -> None:
    submitting = replace(a_training(status=Status.SUBMITTING, id="t_4"), quote=QUOTE, progress=WAITING.progress)
    assert submitting.fal is None
    runs = (*GOOD.runs[:2], a_run(submitting, delivered=True))
    assert broken(replace(GOOD, runs=runs, earlier=(), **with_(submitting))) == []  # type: ignore[arg-type]


def test_a_success_without_its_model_is_found() -> None:
    assert "without a model" in " ".join(broken(replace(GOOD, models=())))
    sentences = said(rules.success_is_a_whole_model, **with_(replace(SUCCEEDED, model_id="m_other")))
    assert "t_1 succeeded without a model: m_other" in sentences


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        ((GOOD.kept[1],), "other weights"),
        ((an_object("p/w.safetensors", size=5), GOOD.kept[1]), "other weights"),
        ((an_object("p/w.safetensors", size=MODEL.size, crc32c="AAAAAA=="), GOOD.kept[1]), "other weights"),
        ((GOOD.kept[0],), "no configuration"),
        ((GOOD.kept[0], an_object("p/config.json", size=0)), "no configuration"),
    ],
)
def test_files_that_are_not_what_the_model_says_are_found(kept: tuple[ObjectInfo, ...], sentence: str) -> None:
    assert sentence in said(rules.success_is_a_whole_model, kept=kept)


def test_a_model_of_a_training_that_failed_is_found() -> None:
    failed = replace(MODEL, id=model_id("t_2"), training_id="t_2", version=2)
    sentences = " ".join(broken(replace(GOOD, models=(MODEL, failed))))
    assert "a model of t_2, which is failed" in sentences
    assert "never delivered" in sentences


def test_weights_of_another_run_are_found() -> None:
    other = replace(GOOD.runs[0], sha256="00" * 32)
    assert "never delivered" in " ".join(broken(replace(GOOD, runs=(other, *GOOD.runs[1:]))))


@pytest.mark.parametrize(("version", "sentence"), [(1, "more than once: [1]"), (3, "lacks these versions: [2]")])
def test_versions_that_are_not_dense_and_unique_are_found(version: int, sentence: str) -> None:
    second = replace(SUCCEEDED, id="t_5", model_id=model_id("t_5"))
    model = replace(MODEL, id=model_id("t_5"), training_id="t_5", version=version)
    sentences = broken(
        replace(
            GOOD,
            trainings=(*GOOD.trainings, second),
            models=(MODEL, model),
            runs=(*GOOD.runs, replace(GOOD.runs[0], request_id="r-5", training_id="t_5")),
        )
    )
    assert any(sentence in found for found in sentences), sentences


def test_a_number_that_a_training_under_way_may_have_is_no_gap() -> None:
    mirroring = replace(WAITING.advance(Status.MIRRORING, at=NOW), hindrance=FAILED.error)
    third: Model = replace(MODEL, version=2)
    runs = (*GOOD.runs[:2], replace(GOOD.runs[2], delivered=True))
    assert broken(replace(GOOD, models=(third,), runs=runs, **with_(mirroring))) == []  # type: ignore[arg-type]


def test_archives_that_stay_are_found() -> None:
    left = (an_object("trainings/t_1/n.zip"), an_object("trainings/t_0/n.zip"))
    sentences = said(rules.no_archive_stays, archives=left)
    assert "left of t_1, which is succeeded" in sentences
    assert "archive of nobody" in sentences


@pytest.mark.parametrize(
    "change", [{"code": "oops"}, {"message": "no full stop"}, {"stage": ""}], ids=["code", "message", "stage"]
)
def test_an_ending_that_does_not_say_why_is_found(change: dict[str, str]) -> None:
    assert FAILED.error is not None
    mute = replace(FAILED, error=replace(FAILED.error, **change))  # type: ignore[arg-type]
    assert "does not say why" in said(rules.endings_say_what_happened, **with_(mute))


def test_an_ending_without_a_word_is_found() -> None:
    mute = replace(CANCELED, error=None)
    assert "t_3 is canceled and does not say why" in " ".join(broken(replace(GOOD, **with_(mute))))  # type: ignore[arg-type]


def test_what_is_left_in_staging_is_found_unless_nobody_was_told_again_to_look() -> None:
    kept = (*GOOD.kept, an_object("incoming/t_1/n/weights.safetensors"))
    assert "t_1 succeeded and its artifacts still lie in staging" in said(rules.nothing_stays_in_staging, kept=kept)
    assert broken(replace(GOOD, kept=kept, messages_were_lost=True)) == []


def test_an_ending_that_is_wrong_about_the_money_is_found() -> None:
    assert FAILED.error is not None
    lie = replace(FAILED, error=replace(FAILED.error, charged=True))
    spent = (replace(GOOD.accounts[0], spent_usd=4.0),)
    assert "cost money, and that is not so" in said(rules.endings_say_what_happened, **with_(lie, accounts=spent))
    billed = (*GOOD.runs[:1], replace(GOOD.runs[1], billed=True), GOOD.runs[2])
    assert "did not cost money" in said(rules.endings_say_what_happened, runs=billed)


def test_an_undeclared_move_is_found() -> None:
    risen = replace(CANCELED, status=Status.REQUESTED, progress=WAITING.progress)
    risen = replace(risen, history=(*CANCELED.history, Move(status=Status.REQUESTED, at=NOW, reason="again")))
    assert "from canceled to requested" in " ".join(broken(replace(GOOD, **with_(risen))))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        ((*CANCELED.history[:-1], replace(CANCELED.history[-1], reason="")), "does not say why"),
        ((*CANCELED.history[:-1], replace(CANCELED.history[-1], at=AT - STEP)), "before it was"),
        (CANCELED.history[:-1], "is canceled and tells requested"),
        ((), "is canceled and tells"),
    ],
)
def test_a_history_that_does_not_explain_the_status_is_found(history: tuple[Move, ...], sentence: str) -> None:
    sentences = " ".join(rules.histories_are_true(replace(GOOD, **with_(replace(CANCELED, history=history)))))  # type: ignore[arg-type]
    assert sentence in sentences


def test_a_history_that_was_rewritten_or_forgotten_is_found() -> None:
    before = replace(FAILED, history=(*FAILED.history[:-1], replace(FAILED.history[-1], status=Status.CANCELED)))
    assert "and now tells" in said(rules.histories_are_true, earlier=(before,))
    assert "t_9 is gone" in said(rules.histories_are_true, earlier=(replace(FAILED, id="t_9"),))


def test_weights_that_nobody_has_and_nobody_was_told_of_are_found() -> None:
    runs = (*GOOD.runs[:1], replace(GOOD.runs[1], delivered=True), GOOD.runs[2])
    assert "fal.ai has what it made for t_2" in said(rules.paid_weights_are_not_lost, runs=runs)


def test_telling_a_user_to_pay_again_for_weights_that_are_there_is_found() -> None:
    failed = a_training(status=Status.MIRRORING, id="t_2", quote=QUOTE).fail(
        TimedOut(stage=Stage.MIRRORING, limit_s=60), at=AT + 9 * STEP, charged=True
    )
    assert failed.is_recoverable
    runs = (*GOOD.runs[:1], replace(GOOD.runs[1], delivered=True, billed=True), GOOD.runs[2])
    accounts = (replace(GOOD.accounts[0], spent_usd=4.0),)
    told = said(rules.paid_weights_are_not_lost, runs=runs, accounts=accounts, **with_(failed))
    assert "nobody was told" in told


def test_weights_whose_user_was_told_how_to_get_them_are_not_lost() -> None:
    uncertain = a_training(status=Status.SUBMITTING, id="t_2", quote=QUOTE).fail(
        SubmissionUncertain(reason="timeout"), at=AT + 4 * STEP, charged=None
    )
    recoverable = a_training(status=Status.FAILED, ended_in=Status.MIRRORING, id="t_2", quote=QUOTE)
    assert recoverable.error is not None
    assert recoverable.error.stage is Stage.MIRRORING
    runs = (*GOOD.runs[:1], replace(GOOD.runs[1], delivered=True, billed=True), GOOD.runs[2])
    accounts = (replace(GOOD.accounts[0], spent_usd=4.0),)
    for told in (uncertain, recoverable):
        assert broken(replace(GOOD, runs=runs, accounts=accounts, **with_(told))) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"spent_usd": 0.0}, "spent $0.00 where jobs cost $2.00"),
        ({"spent_usd": 4.0}, "spent $4.00"),
        ({"reservations": {}}, "no money reserved for t_4, which is running"),
        (
            {"reservations": {name: Reservation(usd=2.0, at=AT) for name in ("t_2", "t_4")}},
            "money reserved for t_2, which ended",
        ),
        (
            {
                "reservations": {
                    "t_4": Reservation(usd=2.0, at=AT),
                    "t_0": Reservation(usd=2.0, at=AT - timedelta(days=3)),
                }
            },
            "t_0, which was never recorded",
        ),
    ],
)
def test_a_budget_that_does_not_add_up_is_found(change: dict[str, object], sentence: str) -> None:
    account = replace(GOOD.accounts[0], **change)  # type: ignore[arg-type]
    assert sentence in said(rules.budgets_add_up, accounts=(account,))


def test_what_was_settled_yesterday_is_not_spent_today() -> None:
    account = replace(GOOD.accounts[0], day="2026-01-02", spent_usd=0.0)
    assert broken(replace(GOOD, accounts=(account,))) == []


def test_an_end_that_was_not_told_and_one_that_never_was_are_found() -> None:
    assert GOOD.announced is not None
    assert "t_1 is succeeded and the app was not told" in said(
        rules.every_end_was_announced, announced=GOOD.announced[1:]
    )
    false = TrainingFinished(training_id="t_4", status="failed")
    assert "never were" in said(rules.every_end_was_announced, announced=(*GOOD.announced, false))
    assert broken(replace(GOOD, announced=None)) == []


MADE = KeptPicture(name="images/p/n/v1/i_1/1.jpg", width=8, height=8, size=10, sha256="ab" * 32, crc32c="yZRlqg==")
DRAWN = an_image_job(status=Status.SUCCEEDED, pictures=(MADE,), quote=QUOTE, cost_usd=0.1)
DRAWN = replace(DRAWN, history=(*DRAWN.history[:-1], replace(DRAWN.history[-1], reason="pictures: 1")))
WITH_PICTURES = replace(
    GOOD,
    images=(DRAWN,),
    accounts=(replace(GOOD.accounts[0], spent_usd=2.1),),
    runs=(*GOOD.runs, FalRun(request_id="r-1", training_id=DRAWN.id, billed=True, delivered=True)),
    kept=(*GOOD.kept, an_object(MADE.name)),
    announced=(
        *(GOOD.announced or ()),
        ImagesFinished(training_id=DRAWN.id, status="succeeded", model_id=DRAWN.model_id),
    ),
)


def said_of_pictures(**changes: object) -> str:
    """What the rules say of the good story with pictures, with `changes`."""
    return " / ".join(broken(replace(WITH_PICTURES, **changes)))  # type: ignore[arg-type]


def test_pictures_that_went_well_break_no_rule() -> None:
    assert broken(WITH_PICTURES) == []


def test_pictures_are_judged_as_trainings_are() -> None:
    twice = (*WITH_PICTURES.runs, FalRun(request_id="p-2", training_id=DRAWN.id, billed=False, delivered=False))
    assert said_of_pictures(runs=twice) == "nothing_is_paid_twice_or_unseen: fal.ai accepted 2 runs of i_1"
    assert "i_1 is succeeded and the app was not told" in said_of_pictures(announced=GOOD.announced)
    assert "jobs cost $2.10" in said_of_pictures(accounts=GOOD.accounts)


def test_a_picture_that_is_not_there_or_not_the_verified_one_is_found() -> None:
    for kept in (GOOD.kept, (*GOOD.kept, an_object(MADE.name, crc32c="AAAAAA=="))):
        assert said_of_pictures(kept=kept).startswith("success_is_kept_pictures: i_1 has another picture")


def test_success_without_pictures_and_pictures_without_success_are_found() -> None:
    assert "i_1 is succeeded with 0 of 1 pictures" in said_of_pictures(images=(replace(DRAWN, pictures=()),))
    left = (*WITH_PICTURES.kept, an_object("images/p/n/v1/i_9/1.jpg"))
    assert "i_9/1.jpg is the picture of nobody" in said_of_pictures(kept=left)


def test_what_was_erased_on_request_is_missed_nowhere_and_was_still_paid_once() -> None:
    gone = replace(GOOD, trainings=GOOD.trainings[1:], models=(), erased=(SUCCEEDED,), erased_models=(MODEL,), kept=())
    assert broken(gone) == []
    again = (*gone.runs, a_run(SUCCEEDED, request_id="r-2"))
    assert broken(replace(gone, runs=again)) == ["nothing_is_paid_twice_or_unseen: fal.ai accepted 2 runs of t_1"]
