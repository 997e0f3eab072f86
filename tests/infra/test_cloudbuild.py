"""Cloud Build runs what a developer runs, in an order that can be trusted."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.infra.image import ROOT, Dockerfile

FILES = sorted(ROOT.glob("cloudbuild*.yaml"))
GIVEN = {"PROJECT_ID", "COMMIT_SHA"}
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe").load(path)
    return document


def made(path: Path) -> list[str]:
    """The make targets of a file's steps, in order."""
    return [step["args"][1] for step in read(path)["steps"] if step["args"][0] == "make"]


def named(name: str) -> list[str]:
    return made(ROOT / name)


def test_there_is_one_for_pull_requests_main_the_plan_and_production() -> None:
    assert [path.name for path in FILES] == [
        "cloudbuild.plan.yaml",
        "cloudbuild.pr.yaml",
        "cloudbuild.prod.yaml",
        "cloudbuild.yaml",
    ]


def test_they_are_what_cloud_build_reads() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run([checker, "--builtin-schema", "vendor.cloudbuild", *FILES], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@each_file
def test_every_step_is_a_target_that_a_developer_has(path: Path) -> None:
    targets = set(re.findall(r"^\.PHONY: ([a-z-]+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    builder, *steps = read(path)["steps"]
    assert builder["args"] == ["build", "--tag", "builder", "infra/delivery/builder"]
    assert [step for step in steps if step["name"] != "builder" or step["args"][0] != "make"] == []
    assert set(made(path)) <= targets
    assert [step["id"] for step in steps] == made(path), "a step is named as what it makes"


@each_file
def test_every_variable_is_declared_and_every_declared_one_is_used(path: Path) -> None:
    text, document = path.read_text(), read(path)
    used = set(re.findall(r"\$([A-Z_]+)\b", text))
    assert used - GIVEN == set(document.get("substitutions", {}))
    secrets = {secret["env"] for secret in document.get("availableSecrets", {}).get("secretManager", [])}
    assert {name for step in document["steps"] for name in step.get("secretEnv", [])} == secrets


def test_a_pull_request_changes_nothing() -> None:
    assert named("cloudbuild.pr.yaml") == ["check", "chaos", "simulate", "infra-check", "image"]


def test_main_releases_what_was_checked_and_looked_at() -> None:
    steps = ["check", "infra-check", "image", "push", "simulator-image", "plan", "apply"]
    assert named("cloudbuild.yaml") == [*steps, "deploy", "smoke", "promote", "ask-for-plan"]


def test_production_carries_out_the_plan_that_was_approved_and_builds_nothing() -> None:
    assert named("cloudbuild.plan.yaml") == ["plan", "keep-plan", "ask-for-release"]
    assert named("cloudbuild.prod.yaml") == ["fetch-plan", "apply", "deploy", "smoke", "promote"]


def test_the_builder_has_the_python_of_the_image() -> None:
    builder = Dockerfile(ROOT / "infra/delivery/builder/Dockerfile")
    assert builder.python_version == Dockerfile().python_version
