"""`lora doctor`, `lora open` and tab completion."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.console import Page, console_path
from tests.api_documents import a_check
from tests.fake_api import FakeApi, running_api
from tests.running_cli import run, run_on_a_terminal

WELL = a_check("database", True, "It answers.")
WRONG = a_check("webhook", False, "It answers 302.", "Set WEBHOOK_URL.")
UNKNOWN = a_check("fal.ai key", None, "The API holds no key.")


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with running_api() as api:
        yield api


def test_the_doctor_tells_what_is_well_what_is_not_and_what_to_do(api: FakeApi) -> None:
    api.doctor = {"ok": False, "checks": [WELL, WRONG, UNKNOWN]}
    outcome = run(api, "doctor")
    assert outcome.exit_code == 1
    assert outcome.stdout.splitlines() == [
        "✓ database    It answers.",
        "✗ webhook     It answers 302.",
        "              → Set WEBHOOK_URL.",
        "– fal.ai key  The API holds no key.",
    ]
    assert "1 of 3 are not well." in outcome.stderr


def test_what_cannot_be_told_is_no_failure(api: FakeApi) -> None:
    api.doctor = {"ok": True, "checks": [WELL, UNKNOWN]}
    outcome = run(api, "doctor")
    assert outcome.exit_code == 0
    assert "Nothing is known to be wrong." in outcome.stderr


def test_the_doctor_as_json_is_the_apis(api: FakeApi) -> None:
    api.doctor = {"ok": False, "checks": [WRONG]}
    outcome = run(api, "doctor", "--json")
    assert (outcome.exit_code, outcome.json, outcome.stderr) == (1, api.doctor, "")


def test_an_api_without_a_doctor_is_explained(api: FakeApi) -> None:
    outcome = run(api, "doctor")
    assert outcome.exit_code == 3
    assert "AUTH_MODE=local or iap only" in outcome.stderr


def test_the_doctor_on_a_terminal_gives_its_cursor_back(api: FakeApi) -> None:
    api.doctor = {"ok": True, "checks": [WELL, UNKNOWN]}
    shown = run_on_a_terminal(api, "doctor").stdout
    assert "It answers." in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h")


@pytest.mark.parametrize(
    ("page", "item_id", "path"),
    [
        (Page.SHOOTS, None, "/"),
        (Page.TRAININGS, None, "/trainings"),
        (Page.MODELS, None, "/models"),
        (Page.SHOOT, "s_1", "/shoots/s_1"),
        (Page.TRAINING, "t_1", "/trainings/t_1"),
        (Page.MODEL, "../m 1", "/models/..%2Fm%201"),
        (Page.GALLERY, None, "/gallery"),
        (Page.COMPARISON, "g_1", "/comparisons/g_1"),
        (Page.DATA, None, "/data"),
    ],
)
def test_every_page_of_the_console_has_its_path(page: Page, item_id: str | None, path: str) -> None:
    assert console_path(page, item_id) == path


def test_open_opens_the_page_in_the_browser_and_prints_its_url(api: FakeApi, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    outcome = run_lora(api, "open", "training", "t_1", BROWSER=f"{browser} %s")
    assert outcome.returncode == 0, outcome.stderr
    assert (outcome.stdout, outcome.stderr) == (f"{api.url}/trainings/t_1\n", "")
    assert (tmp_path / "opened").read_text() == f"{api.url}/trainings/t_1\n"


def test_without_a_browser_open_says_so(api: FakeApi) -> None:
    outcome = run_lora(api, "open", "--json", BROWSER="/nowhere/browser %s")
    assert outcome.returncode == 0
    assert '"opened": false' in outcome.stdout


@pytest.mark.parametrize("words", [["training"], ["shoots", "s_1"], ["nonsense"]])
def test_a_page_that_there_is_not_is_a_mistake_in_the_command(api: FakeApi, words: list[str]) -> None:
    assert run(api, "open", *words).exit_code == 2


def test_an_api_without_a_console_is_not_opened(api: FakeApi) -> None:
    api.console = False
    outcome = run(api, "open")
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "no console" in outcome.stderr


@pytest.mark.parametrize(("typed", "offered"), [("lora tr", "trainings"), ("lora trainings re", "retry")])
def test_the_shell_completes_commands(api: FakeApi, typed: str, offered: str) -> None:
    count = str(len(typed.split()) - 1)
    outcome = run_lora(api, _LORA_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=count)
    assert offered in outcome.stdout.split()


def test_the_help_names_the_way_to_install_the_completion(api: FakeApi) -> None:
    assert "lora --install-completion" in run(api, "--help").stdout


def run_lora(api: FakeApi, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The installed command in a process of its own: browsers and shells are looked for in its environment."""
    command = [str(Path(sys.executable).parent / "lora"), *words]
    # without a display only $BROWSER is a browser
    given = {"PATH": os.environ["PATH"], "LORA_API_URL": api.url, "LANG": "C.UTF-8", **environment}
    return subprocess.run(command, env=given, capture_output=True, text=True, timeout=30)
