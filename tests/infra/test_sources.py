"""Each function deployed from its source alone: a folder of its own, and only what its requirements.txt names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from infra.delivery.sources import FUNCTIONS, ROOT, requirements, stage
from tests.infra.image import UV, Dockerfile

# Clients are built, but nothing is there to answer.
NOWHERE = {
    "GOOGLE_CLOUD_PROJECT": "nobodys",
    "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1",
    "PUBSUB_EMULATOR_HOST": "127.0.0.1:1",
    "STORAGE_EMULATOR_HOST": "http://127.0.0.1:1",
    "AUTH_MODE": "local",
    "TRACING": "otlp",
}
START = """
import sys, functions_framework
functions_framework.create_app(target={name!r})
from shared import bootstrap
from shared.stages import Stage
for port in {ports!r}:
    getattr(bootstrap, port)(*{{"consumer": [Stage.PACKAGING], "edge": ["any"], "narrator": ["any"]}}.get(port, []))
"""


def ports(name: str) -> list[str]:
    """What the function asks the composition root for."""
    sources = "".join(path.read_text() for path in (ROOT / "functions" / name).glob("*.py"))
    return sorted(set(re.findall(r"\bbootstrap\.([a-z_]+)\b", sources)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_requirements_are_those_of_the_lock_file(name: str) -> None:
    assert (ROOT / "functions" / name / "requirements.txt").read_text() == requirements(name), "make requirements"


def test_the_groups_of_the_functions_name_what_the_image_has() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = {name: items for name, items in project["dependency-groups"].items() if name != "dev"}
    named = {item for items in groups.values() for item in items if isinstance(item, str)}
    product = {re.split(r"[<>=]", item)[0] for item in project["project"]["dependencies"]}
    assert set(FUNCTIONS) < set(groups)
    assert product - named == {"rich", "typer"}, "the command line's own"
    assert named <= product


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own, which each function's requirements are installed into in turn."""
    venv = tmp_path_factory.mktemp("alone") / "venv"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, venv], check=True)
    return venv / "bin" / "python"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_staged_alone_starts_and_builds_all_that_it_asks_for(
    name: str, python: Path, tmp_path: Path
) -> None:
    stage(name, tmp_path / name)
    wanted = tmp_path / name / "requirements.txt"
    # what is asked is whether everything is there: linked from the cache and without bytecode that is quickest
    quickly = {**os.environ, "UV_LINK_MODE": "hardlink", "UV_COMPILE_BYTECODE": "0"}
    command: list[str | Path] = [UV, "pip", "sync", "--quiet", "--require-hashes", "--python", python, wanted]
    subprocess.run(command, check=True, env=quickly)
    environment = {"PATH": os.environ["PATH"], **NOWHERE}
    code = START.format(name=name, ports=ports(name))
    done = subprocess.run([python, "-c", code], cwd=tmp_path / name, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_staged_function_has_nothing_of_the_others(tmp_path: Path) -> None:
    stage("webhook", tmp_path / "webhook")
    found = {str(path.relative_to(tmp_path / "webhook")) for path in (tmp_path / "webhook").rglob("*.py")}
    assert {"main.py", "functions/webhook/main.py", "shared/bootstrap.py"} <= found
    assert not any(path.startswith(("functions/api", "functions/mirror", "infra", "tests")) for path in found)


def test_a_deployment_from_source_is_told_to_use_the_python_of_the_image() -> None:
    told = (ROOT / "docs" / "delivery.md").read_text()
    assert f"--runtime python{Dockerfile().python_version.replace('.', '')}" in told
