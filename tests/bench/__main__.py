"""`make bench`: measures, compares within the same run, prints a table and writes `tests/bench/results.json`."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from infra.local.emulators import missing_emulators
from infra.local.settings import LocalBackend
from tests.bench.figures import Figure
from tests.bench.written import COLUMNS, PAGE, RESULTS, cells, write_down

console = Console(highlight=False, width=max(Console().width, 150))


Benchmarks = Mapping[str, Callable[[], Iterator[Figure]]]


def _benchmarks(backend: LocalBackend) -> Benchmarks:
    """Those of one machine, or those that go over the wire, to the emulators."""
    return _embedded() if backend is LocalBackend.EMBEDDED else _wire()


def _wire() -> Benchmarks:
    from tests.bench import wire

    return {
        "wire_package": wire.package_on_the_wire,
        "wire_mirror": wire.mirror_on_the_wire,
        "wire_webhook": wire.webhook_on_the_wire,
        "wire_pipeline_overhead": wire.pipeline_on_the_wire,
    }


def _embedded() -> Benchmarks:
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


def main(
    only: Annotated[str, typer.Option(help="Only benchmarks with this in their name")] = "",
    backend: Annotated[LocalBackend, typer.Option(help="What to measure on")] = LocalBackend.EMBEDDED,
) -> None:
    """Measure everything that a speed is claimed of; 0 also where a goal did not hold, because machines differ.

    All of them together are written down, in `results.json` and in docs/performance.md.
    """
    benchmarks = _benchmarks(backend)
    chosen = {name: run for name, run in benchmarks.items() if only in name}
    if not chosen:
        console.print(f"There is no benchmark with {only!r} in its name: {', '.join(benchmarks)}.")
        raise typer.Exit(2)
    if backend is LocalBackend.EMULATORS and (missing := missing_emulators()):
        console.print(missing)
        raise typer.Exit(2)
    figures = list(_measured(chosen))
    console.print(_table(figures))
    if not only:
        write_down(figures, backend.value)
        console.print(f"Written to {RESULTS.name} and {PAGE.name}.")


def _measured(chosen: Benchmarks) -> Iterator[Figure]:
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, redirect_stdout=False) as progress:
        for number, (name, run) in enumerate(chosen.items(), start=1):
            task = progress.add_task(f"{number}/{len(chosen)} {name}", total=None)
            began = time.monotonic()
            # what the product logs on the way is not what somebody wants to read here
            with redirect_stdout(io.StringIO()):
                figures = list(run())
            yield from figures
            progress.remove_task(task)
            console.print(f"{number}/{len(chosen)} {name}, {time.monotonic() - began:.0f} s: {_in_short(figures)}")


def _in_short(figures: list[Figure]) -> str:
    """What came of it, in the shortest way: the ratios, else the values."""
    return ", ".join(f"{ratio} ×" if ratio else measured for _, measured, _, ratio, *_ in map(cells, figures))


def _table(figures: list[Figure]) -> Table:
    table = Table(*COLUMNS, title="Benchmarks")
    for figure in figures:
        name, measured, against, ratio, goal, held, note = cells(figure)
        color = {True: f"[green]{held}[/]", False: f"[red]{held}[/]", None: ""}[figure.held]
        table.add_row(name, measured, against, ratio, goal, color, note)
    return table


if __name__ == "__main__":
    typer.run(main)
