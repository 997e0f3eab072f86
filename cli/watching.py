"""Watching a training: live on a terminal, line by line elsewhere, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cli import stages
from cli.client import ApiClient, ApiUnreachable, CommandError, at
from cli.event_stream import Event, EventStream
from cli.models import model_facts
from cli.output import clean, is_lively, say, show_facts
from cli.remedies import advice, train_again
from shared.stages import Stage

Document = dict[str, Any]

# from this many characters on, the words stand beside the bar
WIDE = 80


def watch_training(client: ApiClient, training_id: str, console: Console) -> Document:
    """Show the training on `console` until it ends, then how it ended; returns it as it is then.

    Survives lost connections. Raises `ApiProblem` and `ApiUnreachable` as the client does.
    """
    training = show_until_end(client, training_id, console)
    show_end(client, training, console)
    return training


def show_until_end(client: ApiClient, training_id: str, console: Console) -> Document:
    """The same without a word about how it ended."""
    with _view_for(console) as view:
        for event in EventStream(client=client, training_id=training_id, on_lost=view.lost):
            view.hear(event)
    return client.get(at("trainings", training_id))


def follow_log(client: ApiClient, training_id: str, *, on_lost: Callable[[ApiUnreachable], None]) -> Iterator[str]:
    """The lines of fal.ai's log, each once, as they come, until the training ends; survives lost connections."""
    lines = LogLines()
    for event in EventStream(client=client, training_id=training_id, on_lost=on_lost):
        if event.name == "log":
            yield from lines.new_lines(event.data)


def show_end(client: ApiClient, training: Document, console: Console) -> None:
    """The model where there is one, and otherwise why not."""
    if training["status"] == "succeeded":
        _show_success(client, training, console)
    elif training["status"] == "canceled":
        say(console, f"The training {clean(training['id'])} was canceled. {_why_canceled(training)}", style="yellow")
    else:
        show_failure(training, console)


def _show_success(client: ApiClient, training: Document, console: Console) -> None:
    say(console, f"{stages.DONE} Trained in {stages.took(training)}.", style="green")
    try:
        model = client.get(at("models", training["model_id"]))
    except CommandError as error:
        # the training did succeed, whatever hinders the look at its model
        say(
            console,
            f"The model is {clean(training['model_id'])}; it cannot be shown now: {clean(error.sentence)}",
        )
        return
    show_facts(console, "Model", model_facts(model), style="green")
    say(console, f"Download it: lora models download {clean(model['id'])}")
    if samples := stages.samples_line(training):
        say(console, f"Besides: {samples}. See them: lora images list --model {clean(model['id'])}")


def _why_canceled(training: Document) -> str:
    error = training.get("error") or {}
    return f"Did it cost money? {stages.cost_line(error.get('charged')).capitalize()}."


def show_failure(training: Document, console: Console) -> None:
    """Why it failed: the code, the sentence, the stage, whether it cost money, and what to do."""
    error, told, again = training.get("error") or {}, advice(training), train_again(training)
    facts = {
        "code": error.get("code"),
        "reason": error.get("message"),
        "stage": error.get("stage"),
        "cost money": stages.cost_line(error.get("charged")),
        "what to do": told,
    }
    show_facts(console, f"The training {training['id']} failed", facts, style="red")
    if not training.get("recoverable") and again not in told:
        say(console, f"With changes: {again}")


class View(Protocol):
    """Shows what is heard of a training while it is watched."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(self, *error: object) -> None:
        """Stop, and leave the terminal as it was."""

    def hear(self, event: Event) -> None:
        """Take in an event."""

    def lost(self, error: ApiUnreachable) -> None:
        """The connection is lost; it is being made again."""


def _view_for(console: Console) -> View:
    return LiveView(console) if is_lively(console) else LineView(console)


class LogLines:
    """The log lines of a training, each once, however often the connection begins again."""

    def __init__(self) -> None:
        self._next = 0

    def new_lines(self, data: Document) -> list[str]:
        """What to print for a log event: nothing for one that was heard before."""
        index = int(data["index"])
        if index < self._next:
            return []
        missed, self._next = index - self._next, index + 1
        gap = [f"({missed} earlier lines are not kept)"] if missed else []
        return [*gap, clean(data["line"])]


class LineView:
    """What changed, a line each: for pipes, files and the logs of other machines."""

    def __init__(self, console: Console) -> None:
        """Print on `console`."""
        self._console = console
        self._log = LogLines()
        self._said: dict[str, object] = {}
        self._seen: str | None = None
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        """Nothing has to be begun."""
        return self

    def __exit__(self, *error: object) -> None:
        """Print what is left of the log."""
        self._say_log()

    def hear(self, event: Event) -> None:
        """Print what is new in the event; lines of the log with the state that they come with, in their stage."""
        if event.name == "log":
            self._lines += self._log.new_lines(event.data)
        elif event.name == "training":
            self._hear_training(event.data)

    def lost(self, error: ApiUnreachable) -> None:
        """Say that the connection is made again."""
        self._say_log()
        say(self._console, f"{clean(error.sentence)} Trying again.")

    def _hear_training(self, training: Document) -> None:
        self._say_changed("title", stages.title_line(training))
        for stage in (*stages.passed_unseen(training, self._seen), training.get("stage")):
            if stage == Stage.MIRRORING:
                self._say_log()
            self._say_changed("stage", stages.stage_line({"stage": stage}))
        self._say_log()
        self._seen = training.get("stage") or self._seen
        # a line for every tenth of the run is enough
        tenth = (stages.percent(training) or 0) // 10
        doing = stages.progress_line(training)
        self._say_changed("doing", f"    {doing}" if doing else "", unless_same=(training.get("stage"), tenth))
        self._say_changed("hindrance", stages.hindrance_line(training))

    def _say_log(self) -> None:
        for line in self._lines:
            say(self._console, f"  | {line}")
        self._lines = []

    def _say_changed(self, what: str, line: str, *, unless_same: object = None) -> None:
        state = unless_same or line
        if line and state != self._said.get(what):
            say(self._console, line)
        self._said[what] = state


class LiveView:
    """Stages, progress bar and hindrance at the foot of the terminal, log lines scrolling above them."""

    def __init__(self, console: Console) -> None:
        """Draw on `console`, which is a terminal."""
        self._console = console
        self._log = LogLines()
        self._training: Document | None = None
        self._heard_at = time.monotonic()
        self._lost: ApiUnreachable | None = None
        self._live = Live(
            console=console,
            get_renderable=self._picture,
            refresh_per_second=5,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """Draw the last state and leave it standing."""
        self._live.stop()

    def hear(self, event: Event) -> None:
        """Draw what the event says."""
        self._lost = None
        if event.name == "log":
            for line in self._log.new_lines(event.data):
                self._console.print(Text(line, style="dim"))
        elif event.name == "training":
            self._training, self._heard_at = event.data, time.monotonic()

    def lost(self, error: ApiUnreachable) -> None:
        """Draw that the connection is made again."""
        self._lost = error

    def _picture(self) -> RenderableType:
        if self._training is None:
            return Text("connecting to the API", style="dim")
        passed_s = time.monotonic() - self._heard_at
        training, width = self._training, self._console.width
        parts: list[RenderableType] = [
            Text(stages.title_line(training), style="bold", overflow="ellipsis", no_wrap=True),
            stages.stepper(training, width, passed_s=passed_s),
        ]
        if not stages.is_ended(training):
            parts.append(self._bar(training, stages.progress_line(training, passed_s=passed_s)))
        if hindrance := stages.hindrance_line(training):
            parts.append(Text(hindrance, style="yellow"))
        if self._lost is not None:
            parts.append(Text(f"{clean(self._lost.sentence)} Trying again.", style="yellow"))
        return Group(*parts)

    def _bar(self, training: Document, words: str) -> Table:
        percent = stages.percent(training)
        bar = ProgressBar(total=100, completed=percent or 0, pulse=percent is None)
        grid = Table.grid(padding=(0, 1), expand=True)
        if self._console.width < WIDE:
            grid.add_row(bar)
            grid.add_row(words)
        else:
            grid.add_column(ratio=1)
            grid.add_column(no_wrap=True)
            grid.add_row(bar, words)
        return grid
