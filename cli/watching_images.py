"""Following pictures while they are made: a bar for each set on a terminal, a line for each change elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from cli.client import ApiClient, ApiUnreachable, at
from cli.event_stream import EventStream
from cli.output import clean, is_lively, say

Document = dict[str, Any]


def follow_images(client: ApiClient, jobs: Sequence[Document], console: Console) -> list[Document]:
    """Show the sets on `console` until all have ended; as they are then. Survives lost connections."""
    ids = [job["id"] for job in jobs]
    if not is_lively(console):
        for images_id in ids:
            _follow(client, images_id, console, _lines(console))
    else:
        columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=None))
        with Progress(*columns, console=console, transient=True) as progress:
            tasks = {job["id"]: progress.add_task(_doing(job), total=100) for job in jobs}
            for images_id, task in tasks.items():
                _follow(client, images_id, console, _bar(progress, task))
    return [client.get(at("images", images_id)) for images_id in ids]


def _follow(client: ApiClient, images_id: str, console: Console, show: Callable[[Document], None]) -> None:
    def lost(error: ApiUnreachable) -> None:
        say(console, f"{clean(error.sentence)} Trying again.")

    for event in EventStream(client=client, training_id=images_id, on_lost=lost, kind="images"):
        if event.name == "images":
            show(event.data)


def _bar(progress: Progress, task: Any) -> Callable[[Document], None]:
    def show(job: Document) -> None:
        percent = 100 if job["status"] == "succeeded" else (job.get("progress") or {}).get("percent", 0)
        progress.update(task, completed=percent, description=_doing(job))

    return show


def _lines(console: Console) -> Callable[[Document], None]:
    said = ""

    def show(job: Document) -> None:
        nonlocal said
        if (line := _doing(job)) != said:
            said = line
            say(console, line)

    return show


def _doing(job: Document) -> str:
    """Which set it is, what is being done, and why it waits."""
    hindrance = (job.get("hindrance") or {}).get("message")
    doing = f"{job['status']} ({hindrance})" if hindrance else str(job["status"])
    return clean(f"{job['model_name']} v{job['version']}, scale {job['scale']:g} ({job['id']}): {doing}")
