"""Every event that is logged is described, with its fields, and every event that is described is logged."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "observability.md").read_text()
SOURCES = sorted(path for folder in ("shared", "functions", "infra") for path in (ROOT / folder).rglob("*.py"))
ROW = re.compile(r"^\| `(?P<name>[a-z_]+)` \| (?P<severity>INFO|WARNING|ERROR) \| (?P<fields>[^|]*) \|", re.MULTILINE)


@dataclass(frozen=True, order=True)
class LogEvent:
    name: str
    severity: str
    fields: tuple[str, ...]


def logged_in(path: Path) -> Iterator[LogEvent]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="logs"), attr="info" | "warning" | "error" as severity),
                args=args,
                keywords=keywords,
            ):
                name = args[0]
                assert isinstance(name, ast.Constant), f"{path}:{node.lineno}: an event's name is written out"
                fields = [keyword.arg for keyword in keywords if keyword.arg is not None]
                assert len(fields) == len(keywords), f"{path}:{node.lineno}: an event's fields are written out"
                yield LogEvent(str(name.value), severity.upper(), tuple(sorted(fields)))


def described() -> list[LogEvent]:
    return [
        LogEvent(row["name"], row["severity"], tuple(sorted(re.findall(r"`(\w+)`", row["fields"]))))
        for row in ROW.finditer(DOCUMENT)
    ]


def test_the_list_of_events_is_what_the_code_logs() -> None:
    assert sorted(described()) == sorted({event for path in SOURCES for event in logged_in(path)})


FIGURE = re.compile(r"^\| `(?P<metric>[a-z_]+)` \| `(?P<event>\w+)` \| (?P<value>[^|]*) \| (?P<labels>[^|]*) \|", re.M)


@pytest.mark.parametrize("figure", list(FIGURE.finditer(DOCUMENT)), ids=lambda figure: figure["metric"])
def test_a_figure_is_made_of_fields_that_its_event_has(figure: re.Match[str]) -> None:
    fields = {field for event in described() if event.name == figure["event"] for field in event.fields}
    assert fields, f"nobody logs {figure['event']}"
    used = re.findall(r"`(\w+)[.\w]*`", figure["value"] + figure["labels"])
    assert set(used) <= fields


def test_there_are_figures() -> None:
    assert len(list(FIGURE.finditer(DOCUMENT))) >= 10
