"""`lora trainings story` and `lora images story`: everything that happened to a job, as a timeline."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.client import at
from cli.context import client_of
from cli.images import ImagesId
from cli.output import AsJson, clean, duration, is_decorated, print_json, say, stderr, stdout
from cli.trainings import TrainingId

Document = dict[str, Any]

_MARKS = {"move": "●", "message": "→"}
_STYLES = {"WARNING": "yellow", "ERROR": "bold red"}
_KINDS = {"move": "bold", "message": "dim", "ending": "dim"}


def tell_story(context: typer.Context, training_id: TrainingId, as_json: AsJson = False) -> None:
    """Tell everything that happened to a training: every move, message, exchange with fal.ai and decision, in order.

    There are no secrets in it. --json has the fields of every event, too.
    Operators may see the stories of others.
    """
    _tell(context, "trainings", training_id, "The training", as_json=as_json)


def tell_images_story(context: typer.Context, images_id: ImagesId, as_json: AsJson = False) -> None:
    """Tell everything that happened to a set of pictures, as of a training."""
    _tell(context, "images", images_id, "The set of pictures", as_json=as_json)


def _tell(context: typer.Context, kind: str, job_id: str, noun: str, *, as_json: bool) -> None:
    story = client_of(context).get(at(kind, job_id, "story"))
    if as_json:
        print_json(story)
        return
    if not story["whole"]:
        say(stderr(), "It is long: its beginning is left out, but for the moves.")
    show_timeline(story["lines"], stdout())
    say(stderr(), f"{noun} {clean(story['training_id'])} has the status {clean(story['status'])}.")


def show_timeline(lines: list[Document], console: Console) -> None:
    """A line for each thing that happened; on a terminal with the time since the first one."""
    if not is_decorated(console):
        width = max((len(clean(line["source"])) for line in lines), default=0)
        for line in lines:
            say(
                console,
                f"{_moment(line):%Y-%m-%dT%H:%M:%SZ}  {clean(line['source']).ljust(width)}  {clean(line['text'])}",
            )
        return
    grid = Table.grid(padding=(0, 1, 0, 0))
    for _ in range(4):
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    began = _moment(lines[0]) if lines else None
    for line in lines:
        passed = (_moment(line) - began).total_seconds() if began else 0.0
        style = _STYLES.get(str(line.get("severity")), _KINDS.get(line["kind"], ""))
        grid.add_row(
            Text(f"{_moment(line):%H:%M:%S}", style="dim"),
            Text(f"+{_since(passed)}", style="dim"),
            Text(clean(line["source"]), style="cyan" if line["kind"] != "move" else "dim"),
            Text(_mark(line), style=style),
            Text(clean(line["text"]), style=style),
        )
    console.print(grid)


def _since(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)


def _mark(line: Document) -> str:
    if (severity := line.get("severity")) in _STYLES:
        return "✗" if severity == "ERROR" else "!"
    return _MARKS.get(line["kind"], " ")


def _moment(line: Document) -> datetime:
    return datetime.fromisoformat(line["at"])
