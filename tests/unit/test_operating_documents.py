"""The documents for operators name only what there is: events and their fields, settings, codes, commands, pages."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.main import app
from shared.errors import catalogue
from shared.events import SUBSCRIPTIONS, dead_letter_name, subscription_name
from shared.settings import GROUPS
from tests.unit.test_log_events import described as described_events

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("runbook", "scale", "security")
TEXTS = {name: (ROOT / "docs" / f"{name}.md").read_text() for name in NAMES}

EVENT_COMMAND = re.compile(r"(?:^ *|`)events ([a-z_]+)(?: '([^']+)')?", re.MULTILINE)
SETTING = re.compile(r"`([A-Z][A-Z0-9_]+)(?:=([\d.]+))?`")
LINK = re.compile(r"\]\(([^)\s]+)\)")

each_document = pytest.mark.parametrize("name", NAMES)


def commands(text: str, program: str) -> Iterator[list[str]]:
    """What of the program is to be typed, as words, in blocks of code and in sentences."""
    blocks = re.findall(r"^ *```\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    typed = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    sentences = re.sub(r"^ *```\n.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    for command in [*typed, *re.findall(r"`([^`]+)`", sentences)]:
        words = shlex.split(command, comments=True)
        if words[:1] == [program]:
            yield words


def known_settings() -> dict[str, object]:
    """Every setting by the name of its variable, with its default."""
    found: dict[str, object] = {}
    for group in GROUPS:
        for name, field in group.model_fields.items():
            found[str(field.validation_alias or name).upper()] = field.default
    return found


@each_document
def test_events_that_are_looked_for_are_logged_with_the_fields_that_are_asked_for(name: str) -> None:
    events = {
        event.name: {field for e in described_events() if e.name == event.name for field in e.fields}
        for event in described_events()
    }
    for event, condition in EVENT_COMMAND.findall(TEXTS[name]):
        assert event in events, f"nobody logs {event}"
        asked = set(re.findall(r"jsonPayload\.(\w+)", condition))
        assert asked <= events[event], f"{event} has no {asked - events[event]}"


def test_the_runbook_looks_at_events() -> None:
    assert len(EVENT_COMMAND.findall(TEXTS["runbook"])) > 20


@each_document
def test_settings_that_are_named_are_there_and_have_the_defaults_that_are_told(name: str) -> None:
    known = {**known_settings(), "LORA_API_URL": None, "LORA_API_TOKEN": None}
    for setting, value in SETTING.findall(TEXTS[name]):
        assert setting in known, setting
        if value:
            assert known[setting] == pytest.approx(float(value)), setting


def test_codes_that_the_runbook_explains_are_in_the_catalogue() -> None:
    known = {error.code for error in catalogue()}
    tables = re.findall(r"^\| code \| so \|\n(.*?)\n\n", TEXTS["runbook"], re.MULTILINE | re.DOTALL)
    told = {
        code
        for table in tables
        for row in table.splitlines()[1:]
        for code in re.findall(r"`([a-z_]+)`", row.split("|")[1])
    }
    assert len(told) > 10
    assert told <= known


def require_command(words: list[str]) -> None:
    """An error of usage where nobody could type this; a group of commands may be named alone. Nothing is done."""
    command: Any = typer.main.get_command(app)
    parent, rest = None, words[1:]
    while hasattr(command, "commands") and rest:
        parent = command.make_context(command.name, rest, parent=parent)
        _, found, rest = command.resolve_command(parent, rest)
        assert found is not None
        command = found
    if not hasattr(command, "commands"):
        command.make_context(command.name, rest, parent=parent)


@each_document
def test_every_lora_command_can_be_typed_as_it_stands(name: str) -> None:
    for words in commands(TEXTS[name], "lora"):
        require_command(words)


def test_the_runbook_has_lora_commands() -> None:
    assert len(list(commands(TEXTS["runbook"], "lora"))) > 10


def test_subscriptions_that_are_named_are_there() -> None:
    made = {subscription_name(topic, function) for topic, functions in SUBSCRIPTIONS.items() for function in functions}
    known = made | {dead_letter_name(subscription) for subscription in made}
    named = re.findall(r"\b(?:modify-push-config|seek|subscription in) ((?:[a-z]+-[a-z-]+ ?)+)", TEXTS["runbook"])
    assert named
    for subscriptions in named:
        assert set(subscriptions.split()) <= known


def held_in(chapter: str) -> set[str]:
    """The subscriptions that a chapter of the runbook takes the address from."""
    text = TEXTS["runbook"].split(f"\n### {chapter}\n")[1].split("\n### ")[0]
    loops = {name for names in re.findall(r"for subscription in ([^;]+);", text) for name in names.split()} - {"\\"}
    return loops | set(re.findall(r"modify-push-config ([a-z-]+)", text))


@pytest.mark.parametrize(
    ("chapter", "functions"),
    [
        ("Hold the submitter", {"submitter"}),
        ("Restore the database", {"packager", "submitter", "mirror", "monitor", "eraser"}),
    ],
)
def test_who_is_held_hears_nothing_of_either_kind_of_job(chapter: str, functions: set[str]) -> None:
    heard = {subscription_name(topic, name) for topic, names in SUBSCRIPTIONS.items() for name in names}
    assert held_in(chapter) == {name for name in heard if name.rpartition("-")[2] in functions}


@each_document
def test_links_lead_somewhere(name: str) -> None:
    for link in LINK.findall(TEXTS[name]):
        path, _, anchor = link.partition("#")
        target = (ROOT / "docs" / path) if path else ROOT / "docs" / f"{name}.md"
        assert link.startswith("https://") or target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text()), link


def anchors(text: str) -> set[str]:
    """Where links into a page may lead, as GitHub makes them of its headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_document
def test_the_readme_leads_there(name: str) -> None:
    assert f"(docs/{name}.md)" in (ROOT / "README.md").read_text()
