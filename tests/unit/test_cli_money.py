"""`lora quote`, `lora train` and `lora trainings retry`: what costs money is priced, and asked where one can ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_documents import a_failure, a_model, a_problem, a_quote, a_success, a_training
from tests.fake_api import FakeApi, running_api
from tests.running_cli import run, run_on_a_terminal


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with running_api() as api:
        yield api


def test_a_quote_tells_price_expectation_and_budget_and_starts_nothing(api: FakeApi) -> None:
    outcome = run(api, "quote", "--steps", "1500", "--set", "is_style=true", "--trainer", "fal-ai/other")
    assert outcome.exit_code == 0
    assert api.quotes == [{"trainer": "fal-ai/other", "parameters": {"is_style": True, "steps": 1500}}]
    assert "$3.00  ($2.00 for 1000 steps, as of 2026-11-01)" in outcome.stdout
    assert "no estimate yet" in outcome.stdout
    assert "$48.00 of $50.00, $2.00 set aside for trainings under way" in outcome.stdout
    assert not api.orders


def test_a_quote_with_enough_experience_says_how_long_it_takes(api: FakeApi) -> None:
    api.expected_s = {"p50": 200.0, "p90": 300.0, "of": 12}
    assert "about 3 min 20 s, nine in ten within 5 min  (from the last 12" in run(api, "quote").stdout


SAMPLED = {"samples": 4, "samples_usd": 0.14, "total_usd": 2.14}


def test_samples_are_an_amount_of_their_own_and_in_the_sum(api: FakeApi) -> None:
    api.quote_changes = SAMPLED
    lines = run(api, "quote").stdout
    assert "$0.14  (4 pictures of the new model)" in lines
    assert "in all" in lines and "$2.14" in lines


def test_what_samples_cost_may_not_be_known_and_then_neither_is_the_sum(api: FakeApi) -> None:
    api.quote_changes = {**SAMPLED, "samples_usd": None, "total_usd": None}
    lines = run(api, "quote", "--samples", "4").stdout
    assert "a price not known before  (4 pictures" in lines and "not known" in lines
    assert "all that is left today is set aside" in lines.replace("All", "all")
    assert api.quotes[0]["samples"] == 4


def test_a_sum_with_samples_beyond_the_budget_says_so(api: FakeApi) -> None:
    api.quote_changes = {**SAMPLED, "total_usd": 48.1}
    assert "more than is left" in run(api, "quote").stdout


def test_train_passes_on_that_no_samples_are_wanted_and_asks_for_the_sum(api: FakeApi) -> None:
    api.quote_changes = SAMPLED
    outcome = run_on_a_terminal(api, "train", "s_1", "--trigger", "TOK", "--samples", "0", typed="y\n")
    assert "Train for $2.14?" in outcome.stdout
    assert (api.quotes[0]["samples"], api.orders[0]["samples"]) == (0, 0)


def test_a_quote_beyond_the_budget_says_so(api: FakeApi) -> None:
    assert "more than is left" in run(api, "quote", "--steps", "100000").stdout


def test_a_quote_as_json_is_the_apis(api: FakeApi) -> None:
    assert run(api, "quote", "--json").json == a_quote()


def test_train_shows_the_price_and_does_not_ask_a_script(api: FakeApi) -> None:
    outcome = run(api, "train", "s_1", "--trigger", "TOK", "--steps", "500")
    assert (outcome.exit_code, len(api.orders)) == (0, 1)
    assert "$1.00" in outcome.stderr
    assert "?" not in outcome.stderr


def test_train_as_json_asks_for_no_quote_at_all(api: FakeApi) -> None:
    assert run(api, "train", "s_1", "--trigger", "TOK", "--json").stderr == ""
    assert (api.quotes, len(api.orders)) == ([], 1)


def test_captions_come_from_a_file_and_the_command_line_wins(api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "captions.json"
    file.write_text(json.dumps({"01": "from the file", "02": "a [trigger] = b"}), "utf-8")
    words = ["--caption", "01=TOK, x=1", "--force"]
    assert run(api, "train", "s_1", "--trigger", "TOK", "--captions", file, *words).exit_code == 0
    assert api.orders[0]["captions"] == {"01": "TOK, x=1", "02": "a [trigger] = b"}
    assert api.orders[0]["force"] is True


@pytest.mark.parametrize("text", ["", "[]", '{"01": 1}', "\xff", "{"])
def test_a_file_that_has_no_captions_is_a_mistake_in_the_command(api: FakeApi, tmp_path: Path, text: str) -> None:
    (tmp_path / "captions.json").write_bytes(text.encode("latin-1"))
    assert run(api, "train", "s_1", "--trigger", "TOK", "--captions", tmp_path / "captions.json").exit_code == 2
    assert not api.orders


def test_a_caption_without_a_picture_is_a_mistake_in_the_command(api: FakeApi) -> None:
    assert run(api, "train", "s_1", "--trigger", "TOK", "--caption", "=text").exit_code == 2


def test_what_gave_a_model_already_names_it_and_how_to_train_all_the_same(api: FakeApi) -> None:
    problem = a_problem(409, "already_trained", "The same gave the model m_7.", model_id="m_7")
    api.slips["POST", "/v1/trainings"] = [(409, problem)]
    outcome = run(api, "train", "s_1", "--trigger", "TOK")
    assert outcome.exit_code == 3
    assert "lora models show m_7" in outcome.stderr
    assert "--force" in outcome.stderr


def test_what_is_being_trained_already_is_named_and_how_to_watch_it(api: FakeApi) -> None:
    problem = a_problem(409, "already_training", "The same is being trained.", training_id="t_7")
    api.slips["POST", "/v1/trainings"] = [(409, problem)]
    outcome = run(api, "train", "s_1", "--trigger", "TOK")
    assert outcome.exit_code == 3
    assert "lora trainings watch t_7" in outcome.stderr
    assert "--force" in outcome.stderr


def test_what_may_have_been_paid_for_is_named_and_how_to_fetch_it(api: FakeApi) -> None:
    problem = a_problem(409, "already_paid", "The same may have been paid for.", training_id="t_7")
    api.slips["POST", "/v1/trainings"] = [(409, problem)]
    outcome = run(api, "train", "s_1", "--trigger", "TOK")
    assert outcome.exit_code == 3
    assert "lora trainings retry t_7" in outcome.stderr


def test_what_the_quote_refuses_is_not_ordered(api: FakeApi) -> None:
    api.slips["POST", "/v1/quotes"] = [(422, a_problem(422, "invalid_request", "There is no stepz."))]
    assert run(api, "train", "s_1", "--trigger", "TOK").exit_code == 3
    assert not api.orders


@pytest.mark.parametrize(("typed", "exit_code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("\x04", 130)])
def test_on_a_terminal_the_price_has_to_be_agreed_to(api: FakeApi, typed: str, exit_code: int) -> None:
    outcome = run_on_a_terminal(api, "train", "s_1", "--trigger", "TOK", typed=typed)
    assert "Train for $2.00? [y/N]" in outcome.stdout
    assert (outcome.exit_code, len(api.orders)) == (exit_code, int(exit_code == 0))


def test_on_a_terminal_yes_is_said_in_advance(api: FakeApi) -> None:
    outcome = run_on_a_terminal(api, "train", "s_1", "--trigger", "TOK", "--yes")
    assert "?" not in outcome.stdout
    assert (outcome.exit_code, len(api.orders)) == (0, 1)


def test_retry_fetches_paid_weights_for_free_and_says_so(api: FakeApi) -> None:
    api.trainings["t_1"] = a_failure("artifact_corrupt", recoverable=True)
    outcome = run(api, "trainings", "retry", "t_1")
    assert outcome.exit_code == 0
    assert "That costs nothing." in outcome.stderr
    assert not api.quotes


def test_retry_of_anything_else_prices_its_successor(api: FakeApi) -> None:
    api.trainings["t_1"] = a_failure()
    outcome = run(api, "trainings", "retry", "t_1")
    asked = {"trainer": a_failure()["trainer"], "parameters": a_failure()["parameters"], "samples": 0}
    assert api.quotes == [asked], "it has as many samples as before"
    assert "A new training costs $2.00 and takes its place: t_1_2" in outcome.stderr
    assert "retry of    t_1" in outcome.stdout


def test_retry_watches_what_it_started(api: FakeApi) -> None:
    api.trainings = {"t_1": a_failure(), "t_1_2": a_success(id="t_1_2")}
    api.models["m_1"] = a_model()
    api.streams["t_1_2"] = [[("training", a_success(id="t_1_2")), ("end", {"status": "succeeded"})]]
    outcome = run(api, "trainings", "retry", "t_1", "--watch", "--json")
    assert (outcome.exit_code, outcome.json) == (0, a_success(id="t_1_2"))


def test_retrying_again_names_what_came_of_the_first_retry(api: FakeApi) -> None:
    api.trainings = {"t_1": a_failure(), "t_1_2": a_training(id="t_1_2", status="canceled", stage=None)}
    outcome = run(api, "trainings", "retry", "t_1")
    assert "It was retried before, as t_1_2, which was canceled." in outcome.stderr


def test_what_cannot_be_retried_is_not_priced(api: FakeApi) -> None:
    api.trainings["t_1"] = a_success()
    assert run(api, "trainings", "retry", "t_1").exit_code == 3
    assert not api.quotes


def test_on_a_terminal_a_retry_that_costs_money_is_asked_for(api: FakeApi) -> None:
    api.trainings["t_1"] = a_failure()
    assert run_on_a_terminal(api, "trainings", "retry", "t_1", typed="n\n").exit_code == 1
    assert set(api.trainings) == {"t_1"}


def test_a_comparison_of_one_set_is_refused_before_it_has_a_price(api: FakeApi) -> None:
    outcome = run(api, "images", "compare", "at sea", "m_1", "--scale", "0")
    assert outcome.exit_code == 2
    assert "nothing to stand beside" in " ".join(outcome.stderr.replace("│", " ").split())
