"""`lora erase`: nothing goes that was not shown, and what went has a receipt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_documents import an_erasure_line
from tests.fake_api import FakeApi, running_api
from tests.running_cli import run, run_on_a_terminal


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with running_api() as api:
        api.keep_model(b"weights")
        yield api


def test_a_dry_run_shows_what_goes_and_what_stays_and_deletes_nothing(api: FakeApi) -> None:
    outcome = run(api, "erase", "model", "m_1", "--dry-run")
    assert outcome.exit_code == 0
    assert [line.split()[0] for line in outcome.stdout.splitlines()[1:]] == ["goes", "stays"]
    assert "money" in outcome.stdout
    assert "Nothing was deleted" in outcome.stderr
    assert run(api, "erase", "model", "m_1", "--dry-run", "--json").json["name"] == "red-cape"
    assert api.models and not api.erasures


def test_a_receipt_that_cannot_be_written_is_a_sentence(api: FakeApi, tmp_path: Path) -> None:
    run(api, "erase", "person", "ada", "--yes")
    outcome = run(api, "erase", "receipt", "e_1", "--to", tmp_path / "nowhere" / "receipt.json")
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "cannot be written to (No such file or directory): name another file." in outcome.stderr


def test_on_a_narrow_terminal_no_word_of_what_goes_and_stays_is_cut(api: FakeApi) -> None:
    outcome = run_on_a_terminal(api, "erase", "model", "m_1", "--dry-run", environment={"COLUMNS": "40"})
    shown = " ".join(outcome.stdout.split())
    assert "model files" in shown
    assert "– money" in shown
    assert "…" not in shown


def test_with_yes_it_is_deleted_and_the_receipt_is_shown(api: FakeApi) -> None:
    outcome = run(api, "erase", "model", "m_1", "--yes", "--json")
    assert (outcome.exit_code, outcome.json["state"], outcome.json["subject_id"]) == (0, "done", "m_1")
    assert not api.models


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_script_deletes_nothing_without_yes(api: FakeApi, more: list[str]) -> None:
    outcome = run(api, "erase", "model", "m_1", *more)
    assert outcome.exit_code == 2
    assert "lora erase model m_1 --yes" in outcome.stderr
    assert api.models


def test_what_is_not_there_is_an_answer_of_the_api(api: FakeApi) -> None:
    assert run(api, "erase", "model", "m_9", "--yes").exit_code == 3


@pytest.mark.parametrize(("typed", "exit_code"), [("red-cape\n", 0), ("red\n", 1), ("\n", 1), ("\x04", 130)])
def test_on_a_terminal_the_name_has_to_be_typed(api: FakeApi, typed: str, exit_code: int) -> None:
    outcome = run_on_a_terminal(api, "erase", "model", "m_1", typed=typed)
    assert "Type its name, red-cape, to delete it" in outcome.stdout
    assert outcome.exit_code == exit_code
    assert bool(api.models) == (exit_code != 0)


@pytest.mark.parametrize("command", ["erase images", "images delete"])
@pytest.mark.parametrize(("typed", "exit_code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_pictures_have_no_name_and_are_deleted_at_a_yes(api: FakeApi, command: str, typed: str, exit_code: int) -> None:
    outcome = run_on_a_terminal(api, *command.split(), "i_1", typed=typed)
    assert "model files" in outcome.stdout and "Delete them for good?" in outcome.stdout
    assert outcome.exit_code == exit_code
    assert [erasure["subject_id"] for erasure in api.erasures.values()] == ["i_1"] * (exit_code == 0)


def test_a_dry_run_of_pictures_deletes_nothing_and_a_script_has_to_say_yes(api: FakeApi) -> None:
    assert run(api, "images", "delete", "i_1", "--dry-run", "--json").json["subject"] == "images"
    refused = run(api, "images", "delete", "i_1")
    assert (refused.exit_code, "lora erase images i_1 --yes" in refused.stderr) == (2, True)
    assert not api.erasures
    assert run(api, "images", "delete", "i_1", "--yes", "--json").json["state"] == "done"


def test_a_receipt_tells_what_was_gone_already_apart_from_what_it_deleted(api: FakeApi) -> None:
    run(api, "erase", "person", "ada", "--yes")
    api.erasures["e_1"]["gone"] = [{**an_erasure_line("images", 1), "reason": "another erasure deleted it"}]
    lines = run(api, "erase", "receipt", "e_1").stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["deleted", "gone", "stays"]
    assert lines[1].endswith("another erasure deleted it")


def test_receipts_are_listed_shown_and_written(api: FakeApi, tmp_path: Path) -> None:
    assert "Nothing was deleted yet" in run(api, "erase", "receipts").stderr
    run(api, "erase", "person", "ada", "--yes")
    assert run(api, "erase", "receipts").stdout.splitlines()[1].startswith("e_1  person")
    assert "model files" in run(api, "erase", "receipt", "e_1").stdout
    run(api, "erase", "receipt", "e_1", "--to", tmp_path / "receipt.json")
    assert json.loads((tmp_path / "receipt.json").read_text()) == api.erasures["e_1"]
