"""Where figures are written down: in `results.json`, and in the tables of docs/performance.md between two marks."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.bench.figures import Figure

RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"

COLUMNS = ("name", "measured", "against", "ratio", "goal", "held", "note")


def cells(figure: Figure) -> tuple[str, ...]:
    """A figure in words, by `COLUMNS`."""
    return (
        figure.name,
        f"{_short(figure.value)} {figure.unit}".strip(),
        f"{figure.peer}: {_short(figure.peer_value)} {figure.unit}".strip() if figure.peer_value is not None else "",
        f"{figure.ratio:.2f}" if figure.ratio is not None else "",
        figure.goal,
        {True: "yes", False: "no", None: ""}[figure.held],
        figure.note,
    )


def write_down(figures: Sequence[Figure], backend: str, *, results: Path = RESULTS, page: Path = PAGE) -> None:
    """Replace what was measured on `backend` before; what was measured on another stays."""
    known = json.loads(results.read_text()) if results.exists() else {}
    machine = {"processors": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    known[backend] = {"machine": machine, "figures": [asdict(figure) for figure in figures]}
    results.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n")
    if page.exists():
        page.write_text(with_table(page.read_text(), backend, table(figures)))


def with_table(text: str, backend: str, table: str) -> str:
    """The page with `table` between the marks of `backend`; ValueError where it has no such marks."""
    begin, end = f"<!-- measured: {backend} -->", "<!-- end -->"
    marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if len(marked.findall(text)) != 1:
        raise ValueError(f"docs/performance.md needs one pair of marks for {backend}")
    return marked.sub(lambda _: f"{begin}\n{table}\n{end}", text)


def table(figures: Sequence[Figure]) -> str:
    """The figures as a table in Markdown."""
    rows = [COLUMNS, tuple("---" for _ in COLUMNS), *(_coded(cells(figure)) for figure in figures)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _coded(row: tuple[str, ...]) -> tuple[str, ...]:
    name, *rest = row
    return f"`{name}`", *rest


def _short(value: float) -> str:
    """Three digits that count, and no exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
