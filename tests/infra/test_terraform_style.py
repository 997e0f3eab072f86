"""The Terraform is well-formed, formatted and described, and uses no argument that nobody looked up."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.infra.terraform import GCP, outputs, parsed, variables
from tests.infra.terraform_arguments import ARGUMENTS

FILES = sorted(GCP.rglob("*.tf"))
DIRECTORIES = sorted({path.parent for path in FILES})

# Terraform's own, of every resource.
META = {"for_each", "count", "depends_on", "lifecycle"}


def arguments(body: dict[str, Any], path: str = "") -> Iterator[str]:
    """The arguments of a resource, those of nested and dynamic blocks dotted."""
    for name, value in body.items():
        if name == "dynamic":
            for dynamic in value:
                for block, content in dynamic.items():
                    yield from arguments({block: content["content"]}, path)
        elif name not in META or path:
            nested = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
            if not any(nested):
                yield path + name
            for item in nested:
                yield from arguments(item, f"{path}{name}.")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(GCP)))
def test_every_argument_has_been_looked_up(path: Path) -> None:
    for block in parsed(path).get("resource", []):
        for kind, named in block.items():
            for name, body in named.items():
                assert kind in ARGUMENTS, f"{kind}: look its arguments up and name them in terraform_arguments.py"
                unknown = set(arguments(body)) - set(ARGUMENTS[kind].split())
                assert not unknown, f"{kind}.{name}: look these up and name them in terraform_arguments.py"


@pytest.mark.parametrize("directory", DIRECTORIES, ids=lambda path: str(path.relative_to(GCP)))
def test_every_variable_and_output_says_what_it_is(directory: Path) -> None:
    for name, declared in [*variables(directory).items(), *outputs(directory).items()]:
        assert len(declared["description"]) > 10, name
    for name, variable in variables(directory).items():
        assert "type" in variable, name


@pytest.mark.parametrize("directory", DIRECTORIES, ids=lambda path: str(path.relative_to(GCP)))
def test_every_directory_names_the_same_versions(directory: Path) -> None:
    (settings,) = [block for path in sorted(directory.glob("*.tf")) for block in parsed(path).get("terraform", [])]
    assert settings["required_version"] == ">= 1.9"
    assert settings["required_providers"] == [{"google": {"source": "hashicorp/google", "version": ">= 6.50, < 8.0"}}]


def test_every_variable_of_the_module_that_has_no_default_is_given_by_each_environment() -> None:
    needed = {name for name, variable in variables(GCP).items() if "default" not in variable}
    for environment in ("dev", "prod"):
        (module,) = parsed(GCP / "envs" / environment / "main.tf")["module"]
        given = set(module["lora"]) - {"source"}
        assert needed <= given <= set(variables(GCP))


def test_the_terraform_is_formatted() -> None:
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("`terraform fmt` needs Terraform 1.9 or later: https://developer.hashicorp.com/terraform/install")
    # no file of the surroundings decides about it, and nobody is asked for a newer version
    environment = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"}
    command = (terraform, "fmt", "-check", "-diff", "-recursive", str(GCP))
    told = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def test_every_exception_from_checkov_has_its_reason_beside_it() -> None:
    skips = [line.strip() for path in FILES for line in path.read_text().splitlines() if "checkov:" in line]
    assert skips
    for skip in skips:
        assert re.fullmatch(r"#checkov:skip=CKV2?_GCP_\d+:\w.{30,}", skip), skip
