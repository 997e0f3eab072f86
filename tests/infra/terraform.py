"""The Terraform of `infra/gcp` as plain values, for the tests that hold it and the code to each other."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import hcl2
from hcl2.utils import SerializationOptions

ROOT = Path(__file__).resolve().parents[2]
GCP = ROOT / "infra" / "gcp"

_PLAIN = SerializationOptions(with_comments=False, explicit_blocks=False, strip_string_quotes=True)


@cache
def parsed(path: Path) -> dict[str, Any]:
    """A file's blocks by their kind; an expression is its text between `${` and `}`."""
    return hcl2.loads(path.read_text(), serialization_options=_PLAIN)


def local_value(name: str, *, directory: Path = GCP) -> Any:
    """The local value of that name."""
    found = [block[name] for path in sorted(directory.glob("*.tf")) for block in _locals(path) if name in block]
    assert len(found) == 1, f"{directory} declares local.{name} {len(found)} times"
    return found[0]


def text(path: Path) -> str:
    """A file as it is written."""
    return path.read_text()


def blocks(kind: str, directory: Path = GCP) -> dict[str, Any]:
    """The resources of that kind in a directory, by their names."""
    return {
        name: resource
        for path in sorted(directory.glob("*.tf"))
        for block in parsed(path).get("resource", [])
        for name, resource in block.get(kind, {}).items()
    }


def variables(directory: Path) -> dict[str, Any]:
    """The variables that a directory declares, by their names."""
    return _named("variable", directory)


def outputs(directory: Path) -> dict[str, Any]:
    """The outputs of a directory, by their names."""
    return _named("output", directory)


def functions() -> dict[str, dict[str, Any]]:
    """`local.functions`: what each service is started with, and what it may do."""
    named: dict[str, dict[str, Any]] = local_value("functions")
    return named


def _locals(path: Path) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = parsed(path).get("locals", [])
    return blocks


def _named(kind: str, directory: Path) -> dict[str, Any]:
    found = [block for path in sorted(directory.glob("*.tf")) for block in parsed(path).get(kind, [])]
    return {name: value for block in found for name, value in block.items()}
