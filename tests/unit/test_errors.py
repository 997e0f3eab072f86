"""The catalogue of errors."""

from __future__ import annotations

import re
import string

import pytest

from shared.errors import ProductError, catalogue
from shared.problems import problem

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
    assert {"type", "title", "status", "detail", "code", "retryable", "instance"} <= set(document)
    assert document["status"] == kind.status


def test_what_an_error_knows_of_cost_is_no_part_of_its_sentence() -> None:
    kind = next(kind for kind in CATALOGUE if kind.code == "training_failed")
    error = kind(reason="x", charged=False)
    assert error.charged is False
    assert "charged" not in error.facts
