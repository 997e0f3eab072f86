"""What the shape of the code promises."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ("api", "packager", "submitter", "webhook", "mirror", "monitor", "eraser", "notifier")
SOURCES = sorted(path for folder in ("shared", "functions", "cli", "infra") for path in (ROOT / folder).rglob("*.py"))


def test_imports_keep_their_directions() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_entry_point_only_translates(name: str) -> None:
    tree = ast.parse((ROOT / "functions" / name / "main.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 30, f"{node.name} does more than translate"


# What each event function may load when it is imported; the clients come on first use (docs/adr/0004).
SDKS = (
    "google.cloud.storage",
    "google.cloud.firestore",
    "google.cloud.pubsub",
    "grpc",
    "fal_client",
    "fastapi",
    "opentelemetry.sdk",
    "opentelemetry.exporter",
)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_importing_a_function_builds_no_client_and_loads_no_sdk(name: str) -> None:
    forbidden = tuple(m for m in SDKS if not (name == "api" and m == "fastapi"))
    code = f"import sys, functions.{name}.main\nprint([m for m in sys.modules if m.startswith({forbidden!r})])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_everything_public_is_documented(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "the module has no docstring"
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_":
            assert ast.get_docstring(node), f"{node.name} has no docstring"
