"""What each function reaches of `shared/bootstrap.py`, read from the code: what its account has to be allowed, and its
settings have to be told."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from shared.announcing import requested_event
from tests.builders import an_image_job
from tests.infra.terraform import ROOT

BOOTSTRAP = ROOT / "shared" / "bootstrap.py"

# What only the embedded backend builds, and what the submitter's consumer never calls: it has neither bucket nor topic.
NOT_ON_GOOGLE = frozenset({"queue", "_database", "url_signer"})
SPARED = {"submitter": frozenset({"_finish"})}


@cache
def reached(function: str) -> frozenset[str]:
    """The names in `shared.bootstrap` that the function's code uses, directly or through each other."""
    calls, seen = _calls(), set[str]()
    waiting = list(_used(ROOT / "functions" / function))
    while waiting:
        name = waiting.pop()
        if name in calls and name not in seen | NOT_ON_GOOGLE | SPARED.get(function, frozenset()):
            seen.add(name)
            waiting += calls[name]
    return frozenset(seen)


@cache
def published(function: str) -> frozenset[str]:
    """The classes of events that the function makes to publish them, itself or by finishing a training."""
    folder = ROOT / "functions" / function
    sources, made = [*folder.rglob("*.py")], set[str]()
    if "_finish" in reached(function) or "finish_job" in _words(folder):
        sources.append(ROOT / "shared" / "finishing.py")
        # the samples of a new model
        made.add(type(requested_event(an_image_job())).__name__)
    if _words(folder) & {"announce", "requested_event"}:
        sources.append(ROOT / "shared" / "announcing.py")
    return frozenset(made.union(*map(_made, sources)))


@cache
def calls_method(function: str, method: str) -> bool:
    """Whether code of the function calls a method of that name on anything."""
    return any(
        isinstance(node, ast.Attribute) and node.attr == method
        for path in (ROOT / "functions" / function).rglob("*.py")
        for node in ast.walk(_tree(path))
    )


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _calls() -> Mapping[str, frozenset[str]]:
    """Every name that bootstrap defines, with the names that its definition mentions."""
    calls: dict[str, frozenset[str]] = {}
    for node in _tree(BOOTSTRAP).body:
        if isinstance(node, ast.FunctionDef):
            calls[node.name] = frozenset(_names(node))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            calls[node.targets[0].id] = frozenset()
    return calls


def _names(node: ast.AST) -> Iterator[str]:
    return (child.id for child in ast.walk(node) if isinstance(child, ast.Name))


def _used(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.py"):
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "bootstrap":
                yield node.attr


def _words(folder: Path) -> set[str]:
    return {name for path in folder.rglob("*.py") for name in _names(_tree(path))}


def _made(path: Path) -> Iterator[str]:
    """The classes whose instances are made where `publish` or `_publish…` is called with them, or named before."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id
