"""`lora train` and `lora trainings`: asking for a training, listing, showing and watching."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api_documents import CREATED_AT, a_failure, a_log, a_model, a_problem, a_run, a_success, a_training
from tests.fake_api import FakeApi, running_api
from tests.running_cli import run

END: tuple[str, dict[str, Any]] = ("end", {"status": "succeeded"})


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with running_api() as api:
        yield api


def test_train_sends_what_was_asked_and_leaves_the_rest_to_the_api(api: FakeApi) -> None:
    outcome = run(api, "train", "s_1", "--trigger", "TOK")
    assert outcome.exit_code == 0
    assert api.orders == [{"shoot_id": "s_1", "trigger_word": "TOK", "parameters": {}}]
    assert "lora trainings watch t_1" in outcome.stderr


def test_train_passes_parameters_with_their_types(api: FakeApi) -> None:
    words = ["--steps", "500", "--not-preprocessed", "--set", "is_style=true", "--param", "rate=0.5"]
    words += ["--set", "mode=fast=er", "--name", "Cape", "--trainer", "fal-ai/other"]
    document = run(api, "train", "s_1", "--trigger", "TOK", *words, "--json").json
    assert document["id"] == "t_1"
    assert api.orders[0]["parameters"] == {
        "is_style": True,
        "rate": 0.5,
        "mode": "fast=er",
        "steps": 500,
        "is_input_format_already_preprocessed": False,
    }
    assert (api.orders[0]["model_name"], api.orders[0]["trainer"]) == ("Cape", "fal-ai/other")


def test_a_training_whose_answer_got_lost_is_asked_for_once(api: FakeApi) -> None:
    api.slips["POST", "/v1/trainings"] = [None, (503, a_problem(503, "database_unavailable", "Later."))]
    assert run(api, "train", "s_1", "--trigger", "TOK").exit_code == 0
    assert len(api.orders) == 1


def test_two_commands_are_two_trainings(api: FakeApi) -> None:
    run(api, "train", "s_1", "--trigger", "TOK")
    run(api, "train", "s_1", "--trigger", "TOK")
    assert len(api.orders) == 2


def test_a_parameter_without_a_value_is_a_mistake_in_the_command(api: FakeApi) -> None:
    outcome = run(api, "train", "s_1", "--trigger", "TOK", "--set", "is_style")
    assert outcome.exit_code == 2
    assert not api.orders


def test_train_and_watch_prints_the_finished_training_alone_as_json(api: FakeApi) -> None:
    api.trainings["t_1"] = a_success()
    api.models["m_1"] = a_model()
    api.streams["t_1"] = [[("training", a_run(50)), a_log(0, "50%"), ("training", a_success()), END]]
    outcome = run(api, "train", "s_1", "--trigger", "TOK", "--watch", "--json")
    assert (outcome.exit_code, outcome.json) == (0, a_success())
    assert "50%" in outcome.stderr


def test_a_stream_for_which_there_is_no_room_is_told_in_the_words_of_the_api(api: FakeApi) -> None:
    api.trainings["t_1"] = a_run(24)
    api.slips["GET", "/v1/trainings/t_1/events"] = [(429, a_problem(429, "too_many_streams", "You follow 20 already."))]
    outcome = run(api, "trainings", "watch", "t_1")
    assert outcome.exit_code == 3
    assert "You follow 20 already." in outcome.stderr


def test_the_list_can_be_narrowed_to_a_status(api: FakeApi) -> None:
    api.trainings = {"t_1": a_success(), "t_2": a_failure(id="t_2"), "t_3": a_run(24, id="t_3")}
    outcome = run(api, "trainings", "list")
    assert [line.split()[:2] for line in outcome.stdout.splitlines()[1:]] == [
        ["t_1", "succeeded"],
        ["t_2", "failed"],
        ["t_3", "running"],
    ]
    assert "step 240/1000, 24 %, about 38 s left" in outcome.stdout
    items = run(api, "trainings", "list", "--status", "failed", "--json").json["items"]
    assert [training["id"] for training in items] == ["t_2"]


def test_an_unknown_status_is_a_mistake_in_the_command(api: FakeApi) -> None:
    assert run(api, "trainings", "list", "--status", "lost").exit_code == 2


def test_show_tells_times_in_words_and_the_pictures_that_are_made_afterwards_with_their_price(api: FakeApi) -> None:
    training = a_training(samples=4, created_at="2026-07-30T12:00:00.123456Z")
    api.trainings["t_1"] = {**training, "quote": {**training["quote"], "samples_usd": 0.14}}
    shown = run(api, "trainings", "show", "t_1").stdout
    assert "4 sample pictures with the model, $0.14 quoted" in shown
    assert "2026-07-30 12:00:00 UTC (" in shown
    api.trainings["t_1"] = a_training(samples=0)
    assert "afterwards" not in run(api, "trainings", "show", "t_1").stdout


def test_show_of_a_failed_training_works_and_says_why_it_failed(api: FakeApi) -> None:
    api.trainings["t_1"] = a_failure()
    outcome = run(api, "trainings", "show", "t_1")
    assert outcome.exit_code == 0
    assert "✗ training" in outcome.stdout
    assert "out of memory" in outcome.stdout
    assert run(api, "trainings", "show", "t_1", "--json").json == a_failure()


def test_show_of_a_waiting_training_says_why_it_waits(api: FakeApi) -> None:
    api.trainings["t_1"] = a_training(hindrance={"message": "fal.ai cannot be reached (timeout): try again later."})
    outcome = run(api, "trainings", "show", "t_1")
    assert "waiting because  fal.ai cannot be reached" in outcome.stdout


def test_watch_tells_stages_progress_log_lines_and_the_model(api: FakeApi) -> None:
    api.trainings["t_1"] = a_success()
    api.models["m_1"] = a_model(b"weights")
    progress = {"queue_position": 2, "percent": 0.0}
    waiting = a_training(progress=progress, hindrance={"message": "fal.ai cannot be reached (timeout)."})
    events = [("training", waiting), ("training", a_run(24)), a_log(0, "24%"), ("training", a_success()), END]
    api.streams["t_1"] = [events]
    outcome = run(api, "trainings", "watch", "t_1")
    assert outcome.exit_code == 0
    said = outcome.stdout.splitlines()
    assert said[:7] == [
        "Training t_1: red-cape, trigger TOK",
        "3/5 queued",
        "    2 ahead in fal.ai's queue",
        "waiting because: fal.ai cannot be reached (timeout).",
        "4/5 training",
        "    step 240/1000, 24 %, about 38 s left",
        "  | 24%",
    ]
    assert "Download it: lora models download m_1" in said


def test_stages_that_went_by_between_two_looks_are_told_in_their_order(api: FakeApi) -> None:
    api.trainings["t_1"] = a_success()
    api.models["m_1"] = a_model()
    packaging = a_training(stage="packaging", status="requested", stages={"packaging": 1.0})
    api.streams["t_1"] = [[("training", packaging), ("training", a_run(90)), ("training", a_success()), END]]
    said = run(api, "trainings", "watch", "t_1").stdout.splitlines()
    stages = [line for line in said if line[1:2] == "/"]
    assert stages == ["1/5 packaging", "2/5 submitting", "3/5 queued", "4/5 training", "5/5 mirroring"]


def test_lines_of_the_log_stand_in_the_stage_that_they_are_of(api: FakeApi) -> None:
    api.trainings["t_1"] = a_success()
    api.models["m_1"] = a_model()
    mirroring = a_training(stage="mirroring", status="mirroring", stages=a_success()["stages"])
    first = [("training", a_training()), a_log(0, "begins"), ("training", a_run(90))]
    api.streams["t_1"] = [[*first, a_log(1, "ends"), ("training", mirroring), ("training", a_success()), END]]
    said = run(api, "trainings", "watch", "t_1").stdout.splitlines()
    told = [line for line in said if line[1:2] == "/" or line.startswith("  |")]
    assert told == ["3/5 queued", "4/5 training", "  | begins", "  | ends", "5/5 mirroring"]


def test_who_begins_to_watch_late_is_not_told_what_went_by_before(api: FakeApi) -> None:
    api.trainings["t_1"] = a_success()
    api.models["m_1"] = a_model()
    api.streams["t_1"] = [[("training", a_run(90)), END]]
    assert "3/5" not in run(api, "trainings", "watch", "t_1").stdout


def test_samples_that_are_made_besides_are_told_with_their_price_and_where_to_see_them(api: FakeApi) -> None:
    quote = {**a_training()["quote"], "samples": 4, "samples_usd": 0.14}
    api.trainings["t_1"] = a_success(samples=4, quote=quote)
    api.models["m_1"] = a_model()
    api.streams["t_1"] = [[("training", a_run(90)), END]]
    said = run(api, "trainings", "watch", "t_1").stdout
    assert "4 sample pictures with the model, $0.14 quoted. See them: lora images list --model m_1" in said


def test_watch_goes_on_after_a_lost_connection_without_repeating_or_losing_a_line(api: FakeApi) -> None:
    api.trainings["t_1"] = a_success()
    api.models["m_1"] = a_model()
    first = [("training", a_run(10)), a_log(0, "line zero"), a_log(1, "line one")]
    second = [("training", a_run(20)), a_log(1, "line one"), a_log(2, "line two")]
    third = [a_log(6, "line six"), ("training", a_success()), END]
    api.streams["t_1"] = [first, second, third]
    outcome = run(api, "trainings", "watch", "t_1")
    lines = [line for line in outcome.stdout.splitlines() if line.startswith("  | ")]
    assert lines == [
        "  | line zero",
        "  | line one",
        "  | line two",
        "  | (3 earlier lines are not kept)",
        "  | line six",
    ]
    assert api.resumed_after == [None, "1", "2"]
    assert "Trying again." in outcome.stdout


def test_log_lines_may_contain_what_other_readers_take_for_the_end_of_a_line(api: FakeApi) -> None:
    api.trainings["t_1"] = a_success()
    api.models["m_1"] = a_model()
    api.streams["t_1"] = [[a_log(0, "a\u2028b\u0085c\x0bd\x1b[31m red"), END]]
    outcome = run(api, "trainings", "watch", "t_1")
    assert "  | abcd red" in outcome.stdout


@pytest.mark.parametrize(("charged", "word"), [(True, "yes"), (False, "no"), (None, "not known")])
def test_a_failure_tells_code_sentence_stage_cost_and_what_to_do(api: FakeApi, charged: bool | None, word: str) -> None:
    api.trainings["t_1"] = a_failure(charged=charged)
    api.streams["t_1"] = [[("training", a_failure(charged=charged)), ("end", {"status": "failed"})]]
    outcome = run(api, "trainings", "watch", "t_1")
    assert outcome.exit_code == 1
    facts = dict(line.split("  ", 1) for line in outcome.stdout.splitlines() if "  " in line.strip())
    assert {name: value.strip() for name, value in facts.items()} == {
        "code": "training_failed",
        "reason": "fal.ai ran the training and it failed (out of memory).",
        "stage": "training",
        "cost money": word,
        "what to do": "Mend what the reason names, then: lora trainings retry t_1",
    }
    assert "lora train s_1 --trigger TOK --name red-cape" in outcome.stdout


@pytest.mark.parametrize(
    ("code", "more", "advice"),
    [
        ("submission_uncertain", {}, "request list first: training again may cost a second time"),
        ("artifact_corrupt", {"recoverable": True}, "at no further cost: lora trainings retry t_1"),
        ("training_failed", {}, "then: lora trainings retry t_1"),
        ("training_failed", {}, "With changes: lora train s_1 --trigger TOK"),
        ("model_erased", {}, "Choose another model: lora models list"),
        ("cannot_continue", {}, "Train it from the start: lora train s_1 --trigger TOK"),
        ("a_code_of_tomorrow", {}, "Do what the reason says."),
    ],
)
def test_what_to_do_depends_on_what_went_wrong(api: FakeApi, code: str, more: dict[str, Any], advice: str) -> None:
    api.trainings["t_1"] = a_failure(code, **more)
    assert advice in run(api, "trainings", "show", "t_1").stdout


@pytest.mark.parametrize("code", ["model_erased", "cannot_continue"])
def test_a_retry_that_fails_for_ever_is_not_advised(api: FakeApi, code: str) -> None:
    api.trainings["t_1"] = a_failure(code)
    assert "retry" not in run(api, "trainings", "show", "t_1").stdout


def test_of_a_shoot_that_was_changed_it_is_said_that_it_is_trained_as_it_is_then(api: FakeApi) -> None:
    api.trainings["t_1"] = a_failure("dataset_changed")
    api.trainings["t_1"]["error"] |= {"stage": "packaging"}
    advice = "Look the shoot over: lora shoots show s_1. To train it as it is then: lora trainings retry t_1"
    assert advice in run(api, "trainings", "show", "t_1").stdout


def test_a_failed_packaging_names_the_report_and_a_passing_trouble_only_the_retry(api: FakeApi) -> None:
    api.trainings["t_1"] = a_failure("invalid_caption")
    api.trainings["t_1"]["error"] |= {"stage": "packaging"}
    api.trainings["t_2"] = a_failure("trainer_unavailable", id="t_2")
    api.trainings["t_2"]["error"] |= {"retryable": True}
    assert "lora shoots report s_1. Mend it, then: lora tr" in run(api, "trainings", "show", "t_1").stdout
    assert "Nothing is wrong with the shoot" in run(api, "trainings", "show", "t_2").stdout


def test_what_is_paid_is_never_offered_to_be_paid_again(api: FakeApi) -> None:
    api.trainings["t_1"] = a_failure("artifact_corrupt", recoverable=True)
    assert "lora train " not in run(api, "trainings", "show", "t_1").stdout


def test_the_list_can_be_narrowed_to_a_shoot(api: FakeApi) -> None:
    api.trainings = {"t_1": a_success(), "t_2": a_failure(id="t_2", shoot_id="s_2")}
    items = run(api, "trainings", "list", "--shoot", "s_2", "--json").json["items"]
    assert [training["id"] for training in items] == ["t_2"]
    assert "lora trainings list" in run(api, "trainings", "list", "--shoot", "s_9").stderr


def test_show_tells_what_was_quoted_and_billed_and_what_it_repeats(api: FakeApi) -> None:
    api.trainings["t_1"] = a_success(cost_usd=1.98, predecessor_id="t_0")
    shown = run(api, "trainings", "show", "t_1").stdout
    assert "price       $2.00 quoted, $1.98 billed" in shown
    assert "retry of    t_0" in shown


def test_show_of_a_canceled_training_says_whether_it_cost_money(api: FakeApi) -> None:
    api.trainings["t_1"] = a_failure("canceled", charged=None, status="canceled")
    assert "Cost money: not known." in run(api, "trainings", "show", "t_1").stdout
    api.trainings["t_1"] = a_run(5, cancel_requested_at=CREATED_AT)
    assert "fal.ai may still bill" in run(api, "trainings", "show", "t_1").stdout


@pytest.mark.parametrize(("outcome", "exit_code"), [("canceled", 0), ("asked", 0), ("too_late", 1)])
def test_cancel_tells_what_it_came_to(api: FakeApi, outcome: str, exit_code: int) -> None:
    api.trainings["t_1"], api.cancel_outcome = a_run(5), outcome
    told = run(api, "trainings", "cancel", "t_1")
    assert (told.exit_code, told.stdout) == (exit_code, f"It is {outcome}.\n")
    assert ("lora trainings watch t_1" in told.stderr) == (outcome == "asked")
    document = run(api, "trainings", "cancel", "t_1", "--json")
    assert (document.exit_code, document.json["outcome"]) == (exit_code, outcome)


def test_canceling_what_was_canceled_already_is_no_failure(api: FakeApi) -> None:
    api.trainings["t_1"], api.cancel_outcome = a_training(status="canceled", stage=None), "too_late"
    told = run(api, "trainings", "cancel", "t_1")
    assert (told.exit_code, told.stdout) == (0, "It was canceled already.\n")


def test_check_has_a_training_looked_after(api: FakeApi) -> None:
    api.trainings = {"t_1": a_run(5), "t_2": a_success(id="t_2")}
    told = run(api, "trainings", "check", "t_1")
    assert (told.exit_code, api.checked) == (0, ["t_1"])
    assert "lora trainings watch t_1" in told.stderr
    assert run(api, "trainings", "check", "t_1", "--json").json == a_run(5)
    assert "It succeeded already" in run(api, "trainings", "check", "t_2").stdout


def test_log_prints_the_lines_and_nothing_that_a_terminal_would_obey(api: FakeApi) -> None:
    api.trainings["t_1"], api.logs["t_1"] = a_success(), "one\n\x1b[31mtwo\u2028\nthree\n"
    assert run(api, "trainings", "log", "t_1").stdout == "one\ntwo\nthree\n"
    document = run(api, "trainings", "log", "t_1", "--json").json
    assert document == {"training_id": "t_1", "status": "succeeded", "lines": ["one", "\x1b[31mtwo\u2028", "three"]}


def test_a_log_that_is_not_there_yet_says_so(api: FakeApi) -> None:
    api.trainings["t_1"] = a_training()
    told = run(api, "trainings", "log", "t_1")
    assert (told.exit_code, told.stdout) == (0, "")
    assert "There is no log yet" in told.stderr


@pytest.mark.parametrize("as_json", [False, True])
def test_a_log_is_followed_to_the_end_over_lost_connections(api: FakeApi, as_json: bool) -> None:
    def second() -> Iterator[tuple[str, dict[str, Any]]]:
        api.trainings["t_1"] = a_failure()
        yield from [a_log(1, "one"), a_log(2, "two"), ("end", {"status": "failed"})]

    api.trainings["t_1"] = a_run(5)
    api.streams["t_1"] = [[a_log(0, "zero"), a_log(1, "one")], second()]
    told = run(api, "trainings", "log", "t_1", "--follow", *(["--json"] if as_json else []))
    assert told.exit_code == 1
    assert (told.json["lines"] if as_json else told.stdout.splitlines()) == ["zero", "one", "two"]
    assert "The training t_1 failed." in told.stderr


def test_following_the_log_of_what_succeeded_prints_it_whole(api: FakeApi) -> None:
    api.trainings["t_1"], api.logs["t_1"] = a_success(), "one\n"
    told = run(api, "trainings", "log", "t_1", "--follow")
    assert (told.exit_code, told.stdout) == (0, "one\n")


def test_a_canceled_training_ends_the_watch_with_one(api: FakeApi) -> None:
    canceled = a_training(status="canceled", stage=None)
    api.trainings["t_1"] = canceled
    api.streams["t_1"] = [[("training", canceled), ("end", {"status": "canceled"})]]
    outcome = run(api, "trainings", "watch", "t_1", "--json")
    assert (outcome.exit_code, outcome.json) == (1, canceled)
    assert "was canceled" in outcome.stderr


def test_a_model_that_cannot_be_shown_does_not_spoil_a_success(api: FakeApi) -> None:
    api.trainings["t_1"] = a_success()
    api.streams["t_1"] = [[("training", a_success()), END]]
    outcome = run(api, "trainings", "watch", "t_1")
    assert outcome.exit_code == 0
    assert "The model is m_1" in outcome.stdout


def test_watching_a_training_that_does_not_exist_is_an_answer_of_the_api(api: FakeApi) -> None:
    outcome = run(api, "trainings", "watch", "t_9", "--json")
    assert outcome.exit_code == 3
    assert outcome.json["code"] == "training_not_found"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What is started can be interrupted, also where a script started the tests in its background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_leaving_a_watch_says_that_the_training_goes_on(api: FakeApi) -> None:
    leave = threading.Event()

    def quiet() -> Iterator[tuple[str, dict[str, Any]]]:
        yield "training", a_run(5)
        leave.wait(10)

    api.trainings["t_1"] = a_run(5)
    api.streams["t_1"] = [quiet()]
    command = [sys.executable, "-m", "cli.main", "--url", api.url, "trainings", "watch", "t_1"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True, env=environment) as process:
        assert process.stdout is not None
        assert CREATED_AT not in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    leave.set()
    assert process.returncode == 130
    assert "The training goes on. Watch it again: lora trainings watch t_1" in errors
