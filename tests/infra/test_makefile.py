"""What `make` passes on, and what it says of itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.processes import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^\.PHONY: ([a-z-]+)$", MAKEFILE, re.MULTILINE)
PYTHON = f"""#!{sys.executable}
import json, os, sys
names = ("IMAGES", "TRIGGER", "PORT", "DATA_DIR", "ONLY", "FUNCTION")
print(json.dumps([sys.argv[1:], {{name: os.environ[name] for name in names if name in os.environ}}]))
"""
STRANGE = ["it's", 'a "quoted" word', "two words", "~/pictures/anna", "`date`; echo \\ & | > <", "Rotkäppchen"]


@pytest.fixture(scope="module", autouse=True)
def make() -> str:
    """The command, where there is one."""
    found = shutil.which("make")
    if found is None:
        pytest.skip("make is not here: install it (Debian: apt-get install make)")
    return found


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A folder that make takes for its environment, with a python that says what it was told."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text(PYTHON)
    (tmp_path / "bin" / "python").chmod(0o700)
    (tmp_path / ".ready").touch()
    return tmp_path


def told(make: str, *words: str) -> str:
    # not what the make that runs these tests was told: it would name folders, and hand its own variables on
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run([make, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("word", STRANGE)
@pytest.mark.parametrize(("target", "name"), [("demo", "IMAGES"), ("demo", "TRIGGER"), ("up", "DATA_DIR")])
def test_what_is_given_arrives_as_it_is(make: str, environment: Path, target: str, name: str, word: str) -> None:
    _, given = json.loads(told(make, target, f"VENV={environment}", f"{name}={word}"))
    assert given[name] == word


@pytest.mark.parametrize("word", STRANGE)
@pytest.mark.parametrize(("target", "name"), [("bench", "ONLY"), ("stage", "FUNCTION")])
def test_what_is_given_is_one_word_of_a_command(
    make: str, environment: Path, target: str, name: str, word: str
) -> None:
    words, _ = json.loads(told(make, target, f"VENV={environment}", f"{name}={word}"))
    assert word in words


def test_the_help_tells_every_target_and_every_variable_that_one_takes(make: str) -> None:
    said = told(make, "help")
    assert [line.split()[0] for line in said.splitlines() if re.match(r"  [a-z]", line)] == sorted(
        TARGETS, key=lambda target: MAKEFILE.index(f".PHONY: {target}\n")
    )
    defined = {
        *re.findall(r"^(?:export )?([A-Z_]+) *[:?]?=", MAKEFILE, re.MULTILINE),
        "MAKE",
        "CURDIR",
        "MAKEFILE_LIST",
    }
    taken = set(re.findall(r"\$[($]+([A-Z][A-Z_]+)", MAKEFILE)) - defined
    assert {name for name in taken if f"{name}=" not in said} == set()
