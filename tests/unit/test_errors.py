"""The catalogue of errors."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from pathlib import Path

import pytest

from cli.remedies import OF_PICTURES, OF_TRAINING
from shared.errors import ProductError, catalogue, remedy_of
from shared.problems import problem
from shared.remedies import Remedy

CONSOLE = Path(__file__).parents[2] / "functions/api/console/lib/remedies.js"
CATALOGUE = sorted(catalogue(), key=lambda kind: kind.code)


def facts_of(kind: type[ProductError]) -> dict[str, float]:
    fields = [name for _, name, _, _ in string.Formatter().parse(kind.__doc__ or "") if name]
    return {name: 7 for name in fields}


def test_every_code_is_used_once() -> None:
    codes = [kind.code for kind in CATALOGUE]
    assert len(codes) == len(set(codes))
    assert "internal" not in codes


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.code)
def test_every_error_has_a_sentence_that_says_what_happened_and_a_status(kind: type[ProductError]) -> None:
    error = kind(**facts_of(kind))
    assert re.fullmatch(r"[a-z_]+", error.code)
    assert error.message.endswith(".")
    assert "{" not in error.message
    assert 400 <= error.status < 600


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.code)
def test_every_error_becomes_a_problem_document(kind: type[ProductError]) -> None:
    document = problem(kind(**facts_of(kind)), instance="/v1/x")
    assert {"type", "title", "status", "detail", "code", "retryable", "remedy", "instance"} <= set(document)
    assert document["status"] == kind.status


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.code)
def test_every_error_has_a_remedy_that_somebody_chose(kind: type[ProductError]) -> None:
    chosen = [parent for parent in kind.__mro__ if "remedy" in vars(parent)]
    assert chosen[0] is not ProductError, f"say with `remedy` what helps against {kind.code} (shared/remedies.py)"
    assert problem(kind(**facts_of(kind)))["remedy"] == kind.remedy == remedy_of(kind.code)


def test_of_a_code_that_is_not_known_nothing_is_promised() -> None:
    assert remedy_of("a_code_of_tomorrow") is Remedy.NONE


@pytest.mark.parametrize(("in_cli", "in_console"), [(OF_TRAINING, "OF_TRAINING"), (OF_PICTURES, "OF_PICTURES")])
def test_the_console_and_the_cli_know_what_to_do_about_the_same_remedies(
    in_cli: Mapping[str, str], in_console: str
) -> None:
    table = CONSOLE.read_text("utf-8").split(f"const {in_console} = {{")[1].split("\n};")[0]
    assert set(re.findall(r"^  (\w+):", table, re.MULTILINE)) == set(in_cli)
    no_end_of_a_job = {Remedy.WAIT, Remedy.USE_EXISTING, Remedy.SIGN_IN, Remedy.NONE}
    of_trainings_alone = {Remedy.EDIT_SHOOT, Remedy.LOOK_AT_SHOOT, Remedy.BEGIN_ANEW}
    missing = set(Remedy) - set(in_cli) - no_end_of_a_job
    assert missing <= (of_trainings_alone if in_cli is OF_PICTURES else set())


@pytest.mark.parametrize("kind", [kind for kind in CATALOGUE if kind.of_pictures], ids=lambda kind: kind.code)
def test_a_sentence_about_pictures_knows_the_same_facts(kind: type[ProductError]) -> None:
    error = kind(**facts_of(kind))
    assert error.message_of_pictures.endswith(".")
    assert error.message_of_pictures != error.message


def test_what_an_error_knows_of_cost_is_no_part_of_its_sentence() -> None:
    kind = next(kind for kind in CATALOGUE if kind.code == "training_failed")
    error = kind(reason="x", charged=False)
    assert error.charged is False
    assert "charged" not in error.facts
