"""The Dockerfile and what it lets in; the services that start from it are in test_services.py."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from infra.local.stack import ONE_HEAP
from tests.infra.image import ROOT, Dockerfile, context

TOOLS = Path(sys.executable).parent
DOCKERFILES = [ROOT / "Dockerfile", *sorted(ROOT.glob("infra/delivery/*/Dockerfile"))]


def locked(name: str) -> str:
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    return next(str(package["version"]) for package in packages if package["name"] == name)


@pytest.mark.parametrize("name", [str(path.relative_to(ROOT)) for path in DOCKERFILES])
def test_the_linter_finds_nothing_to_say(name: str) -> None:
    done = subprocess.run([TOOLS / "hadolint", "--no-color", name], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_uv_is_the_one_that_made_the_lock_file() -> None:
    making, _ = Dockerfile().stages
    (installed,) = [step.value for step in making if step.value.startswith("pip install")]
    assert installed.split()[-1] == f"uv=={locked('uv')}"


def test_no_right_and_no_tool_is_left_for_who_gets_in() -> None:
    _, last = Dockerfile().stages
    runs = [step.value for step in last if step.instruction == "RUN"]
    assert [step.value for step in last if step.instruction == "USER"] == ["10001"]
    assert runs[0].startswith("pip uninstall") and "--uid 10001" in runs[0]
    assert not any(tool in run for run in runs for tool in ("apt-get", "gcc", "uv ", "pip install"))


def test_sources_go_in_and_nothing_else_does() -> None:
    let_in = {name for name in context() if name not in (".dockerignore", "Dockerfile")}
    folders = {name.split("/")[0] for name in let_in}
    assert folders == {"cli", "functions", "shared", "pyproject.toml", "uv.lock"}
    assert "functions/api/console/index.html" in let_in
    assert [name for name in let_in if name.endswith((".pyc", ".env", "requirements.txt"))] == []


@pytest.mark.parametrize("name", [".env", ".data/documents.sqlite3", "shared/__pycache__/logs.pyc", "tests/x.py"])
def test_what_must_not_go_in_does_not(name: str, tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text((ROOT / ".dockerignore").read_text())
    for file in (name, "shared/logs.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert context(tmp_path) - {".dockerignore"} == {"shared/logs.py"}


def test_the_command_is_one_process_that_gets_the_signals() -> None:
    dockerfile = Dockerfile()
    assert dockerfile.command == ["python", "-m", "shared.serving"], (
        "without a shell, which would keep SIGTERM to itself"
    )


def test_memory_is_kept_in_one_heap_as_on_one_machine() -> None:
    assert ONE_HEAP.items() <= Dockerfile().environment.items()
