"""The simulation itself is tried: it has to notice when the product is broken on purpose, in one place at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.mutations import MUTATIONS, Mutation

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What became of every mutation; they run in processes that import the product with the fault in it."""
    command = [sys.executable, "-m", "tests.simulation.mutants"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return {line["name"]: line for line in map(json.loads, run.stdout.splitlines())}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_simulation_notices_that(mutation: Mutation, found: dict[str, Any]) -> None:
    assert found[mutation.name]["says"], f"300 schedules went well although {mutation.name}"


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_code_can_still_be_broken_so_that(mutation: Mutation) -> None:
    source = (ROOT / mutation.module.replace(".", "/")).with_suffix(".py").read_text()
    assert mutation.applied(source) != source


def test_there_are_enough_mutations_in_enough_places() -> None:
    assert len(MUTATIONS) >= 15
    assert len({mutation.module for mutation in MUTATIONS}) >= 8
