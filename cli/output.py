"""How results reach the terminal, a pipe or a script: tables, facts, problems and JSON.

Decoration is for terminals. Elsewhere the same words come as plain lines, whole, without control characters.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol

import typer
from rich.console import Console
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from cli.client import CommandError

AS_JSON = "lora.json"

# the last column of a table is not worth showing with fewer characters
LEAST_WIDTH = 8
LEAST_SENTENCE = 20

_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]"
)


def _remember(context: typer.Context, given: bool) -> bool:
    context.meta[AS_JSON] = given
    return given


AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print exactly one JSON document on stdout.", callback=_remember, is_eager=True),
]


def stdout() -> Console:
    """The console for results."""
    return Console(highlight=False, markup=False, emoji=False)


def stderr() -> Console:
    """The console for everything that decorates or explains."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def is_decorated(console: Console) -> bool:
    """Whether the console is a terminal on which frames, colours and symbols can be seen."""
    return console.is_terminal and _is_unicode(console.encoding)


def is_lively(console: Console) -> bool:
    """Whether the console is, beyond that, a terminal that can move its cursor."""
    return is_decorated(console) and not console.is_dumb_terminal


def print_json(document: Any) -> None:
    """The one JSON document that a command prints with --json."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=not _is_unicode(sys.stdout.encoding)) + "\n")


def clean(text: object) -> str:
    """`text` on one line and without anything that a terminal would obey; others wrote it."""
    return _CONTROL.sub(lambda found: " " if found[0] in "\t\n\r" else "", str(text)).rstrip()


def show_table(
    console: Console, header: Sequence[str], rows: Sequence[Sequence[object]], *, wrap: bool = False
) -> None:
    """Rows under a header, the most important columns first: a narrow terminal cuts or leaves out the last.

    With `wrap` the last column, a sentence, goes on in the next line instead of being cut.
    """
    lines = [list(header), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(header))]
    if not is_decorated(console):
        for line in lines:
            say(console, "  ".join(map(str.ljust, line, widths)).rstrip())
        return
    least = LEAST_SENTENCE if wrap else LEAST_WIDTH
    while len(widths) > 1 and sum(widths[:-1]) + 2 * len(widths) + min(least, widths[-1]) > console.width:
        widths.pop()
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title, width in zip(header, widths[:-1], strict=False):
        table.add_column(title, no_wrap=True, min_width=width)
    table.add_column(header[len(widths) - 1], no_wrap=not wrap, overflow="fold" if wrap else "ellipsis")
    for line in lines[1:]:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in line[: len(widths)]))
    console.print(table)


def show_facts(console: Console, title: str, facts: Mapping[str, object], *, style: str = "") -> None:
    """Names and values under a title; facts that are None are left out."""
    known = {name: _cell(value) for name, value in facts.items() if value is not None}
    width = max(len(name) for name in known)
    if not is_decorated(console):
        say(console, clean(title))
        for name, value in known.items():
            say(console, f"{name.ljust(width)}  {value}")
        return
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, value in known.items():
        grid.add_row(name, Text(value, style=_STYLES.get(value, "")))
    console.print(Panel(grid, title=Text(clean(title)), title_align="left", border_style=style or "dim", expand=False))


def show_problem(error: CommandError, console: Console) -> None:
    """An error as people read it: the code, the sentence and what can be done."""
    say(console, f"{clean(error.code)}: {clean(error.sentence)}", style="red")
    if error.hint:
        say(console, error.hint)


def say(console: Console, line: str, *, style: str = "") -> None:
    """A line that wraps on a terminal and is left whole elsewhere."""
    console.print(Text(_fit(console, line), style=style), soft_wrap=not console.is_terminal)


def size(count: int) -> str:
    """A number of bytes as people read it."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.2f} GB"


def duration(seconds: float) -> str:
    """Seconds as people read them: `8 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min" if whole % 3600 >= 60 else f"{whole // 3600} h"


def usd(amount: float) -> str:
    """US dollars as people read them, to the cent, and finer for what costs cents."""
    if 0 < amount < 0.01:
        return f"${amount:.4f}"
    return f"${amount:.3f}".removesuffix("0") if amount < 1 else f"${amount:.2f}"


def ago(moment: str) -> str:
    """How long ago an ISO 8601 time was."""
    passed = datetime.now(UTC) - datetime.fromisoformat(moment)
    return f"{passed.days} d ago" if passed.days > 1 else f"{duration(passed.total_seconds())} ago"


def in_utc(moment: str) -> str:
    """An ISO 8601 time as people read it, to the second."""
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def when(moment: str) -> str:
    """The same, and how long ago it was."""
    return f"{in_utc(moment)} ({ago(moment)})"


class OnBytes(Protocol):
    """Hears how many bytes have been transferred altogether."""

    def __call__(self, done: int, /) -> None:
        """`done` bytes so far."""


@contextmanager
def transfer(console: Console, title: str, total: int) -> Iterator[OnBytes]:
    """A progress bar for `total` bytes while the block runs; one plain line where there is no terminal."""
    if not is_lively(console):
        say(console, f"{clean(title)} ({size(total)})")
        yield lambda done: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(clean(title), total=total)
        yield lambda done: progress.update(task, completed=done)


_STYLES = {
    "succeeded": "green",
    "failed": "red",
    "error": "red",
    "warning": "yellow",
    "canceled": "yellow",
    "running": "cyan",
    "mirroring": "cyan",
}


def _cell(value: object) -> str:
    return "-" if value is None or value == "" else clean(value).strip()


def _is_unicode(encoding: str | None) -> bool:
    return (encoding or "").lower().replace("-", "").startswith("utf")


_IN_ASCII = str.maketrans(
    {
        "✓": "+",
        "●": "*",
        "○": ".",
        "✗": "x",
        "…": "...",
        "–": "-",
        "→": ">",
        "×": "x",
        "“": '"',
        "”": '"',
        "│": "|",
        "└": "`",
    }
)


def _fit(console: Console, line: str) -> str:
    return line if _is_unicode(console.encoding) else line.translate(_IN_ASCII).encode("ascii", "replace").decode()
