"""`make bench`: measures, compares within the same run, prints a table and writes `tests/bench/results.json`."""

from __future__ import annotations

import io
import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.bench.figures import Figure

RESULTS = Path(__file__).with_name("results.json")

console = Console(highlight=False, width=max(Console().width, 150))


def _benchmarks() -> dict[str, Callable[[], Iterator[Figure]]]:
    from tests.bench import counting, mirroring, packaging, pipelines, serving, starting, webhooks

    return {
        "package_throughput": packaging.package_throughput,
        "package_latency": packaging.package_latency,
        "package_memory": packaging.package_memory,
        "mirror_throughput": mirroring.mirror_throughput,
        "mirror_memory": mirroring.mirror_memory,
        "webhook": webhooks.webhook,
        "cold_start": starting.cold_start,
        "pipeline_overhead": pipelines.pipeline_overhead,
        "pipeline_throughput": pipelines.pipeline_throughput,
        "api_latency": serving.api_latency,
        "sse_clients": serving.sse_clients,
        "operations": counting.operations,
    }


def main(only: Annotated[str, typer.Option(help="Only benchmarks with this in their name")] = "") -> None:
    """Measure everything that a speed is claimed of; 0 also where a goal did not hold, because machines differ."""
    chosen = {name: run for name, run in _benchmarks().items() if only in name}
    if not chosen:
        console.print(f"There is no benchmark with {only!r} in its name: {', '.join(_benchmarks())}.")
        raise typer.Exit(2)
    figures = list(_measured(chosen))
    console.print(_table(figures))
    if not only:
        RESULTS.write_text(json.dumps(_document(figures), indent=2, ensure_ascii=False) + "\n")
        console.print(f"Written to {RESULTS.relative_to(Path.cwd())}.")


def _measured(chosen: dict[str, Callable[[], Iterator[Figure]]]) -> Iterator[Figure]:
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, redirect_stdout=False) as progress:
        for number, (name, run) in enumerate(chosen.items(), start=1):
            task = progress.add_task(f"{number}/{len(chosen)} {name}", total=None)
            # what the product logs on the way is not what somebody wants to read here
            with redirect_stdout(io.StringIO()):
                figures = list(run())
            yield from figures
            progress.update(task, total=1, completed=1)


def _table(figures: list[Figure]) -> Table:
    table = Table("name", "measured", "against", "ratio", "goal", "held", "note", title="Benchmarks")
    for figure in figures:
        against = f"{figure.peer} {figure.peer_value:.3g} {figure.unit}" if figure.peer_value is not None else ""
        held = {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[figure.held]
        ratio = f"{figure.ratio:.2f}" if figure.ratio is not None else ""
        table.add_row(figure.name, f"{figure.value:.3g} {figure.unit}", against, ratio, figure.goal, held, figure.note)
    return table


def _document(figures: list[Figure]) -> dict[str, object]:
    machine = {"processors": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    return {"machine": machine, "figures": [asdict(figure) for figure in figures]}


if __name__ == "__main__":
    typer.run(main)
