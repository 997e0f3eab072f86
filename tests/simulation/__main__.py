"""`make simulate`: plays schedules, and tells the short story of the first that breaks a rule."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from shared.jobs import Job
from tests.simulation.rules import violations
from tests.simulation.shrinking import shrink
from tests.simulation.simulation import simulate

BATCH = 25

console = Console(soft_wrap=True, highlight=False)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What some schedules came to."""

    broken: dict[int, list[str]]
    endings: Counter[str]
    faults: Counter[str]
    runs: int


def play(seeds: range) -> Batch:
    """Play the schedules of `seeds`."""
    broken: dict[int, list[str]] = {}
    endings: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    runs = 0
    for seed in seeds:
        outcome = simulate(seed)
        runs += len(outcome.runs)
        faults.update(kind_of(fault) for fault in outcome.struck)
        endings.update(map(ending_of, (*outcome.trainings, *outcome.images)))
        endings.update(f"erased: {_NAMES[deletion.gone.id[0]]}" for deletion in outcome.deletions)
        if sentences := violations(outcome):
            broken[seed] = sentences
    return Batch(broken=broken, endings=endings, faults=faults, runs=runs)


_NAMES = {"t": "a training", "i": "pictures", "m": "a model"}
_ID = re.compile(r"[timp]_\w+|\d+")


def ending_of(job: Job) -> str:
    """How a job ended, in the words of the table."""
    return f"{job.kind}: {job.status} {job.error.code if job.error else ''}".strip()


_IN_A_CALL = {"killed": "killed {when} a call's effect", "fails": "call fails {when} its effect", "slow": "slow {when}"}


def kind_of(fault: str) -> str:
    """What kind of fault it was, in the words of the table."""
    place, _, what = fault.rpartition(": ")
    where = place.rsplit(" ", 1)[-1]
    if what in _IN_A_CALL and where in ("before", "after"):
        return _IN_A_CALL[what].format(when=where)
    if what in _IN_A_CALL and place:
        return (
            "killed in a stream" if "stream#" in place else "read fails" if what == "fails" and "(" in place else what
        )
    if what.endswith("arrives late"):
        return "message late"
    if not place and _ID.search(what):
        return f"user: {' '.join(_ID.sub('', what).split())}"
    return f"fal.ai or Pub/Sub: {what}" if place else what


def main(
    seeds: Annotated[int, typer.Option(min=1, help="How many schedules to play")] = 300,
    first: Annotated[int, typer.Option(min=0, help="The seed of the first one")] = 0,
    seed: Annotated[int | None, typer.Option(help="Play this one alone and print its whole story")] = None,
) -> None:
    """Play the functions under everything that can go wrong, in virtual time, and hold them to their promises."""
    if seed is not None:
        raise typer.Exit(_tell(seed))
    batches = list(_played(range(first, first + seeds)))
    broken = {seed: sentences for batch in batches for seed, sentences in batch.broken.items()}
    _print_counts(seeds, batches)
    if not broken:
        console.print(f"[green]Every promise held in {seeds:,} schedules.[/]")
        return
    console.print(f"[red]{len(broken):,} of {seeds:,} schedules broke a promise:[/] {sorted(broken)[:20]}")
    raise typer.Exit(_explain(min(broken)))


def _played(seeds: range) -> Iterator[Batch]:
    parts = [seeds[start : start + BATCH] for start in range(0, len(seeds), BATCH)]
    with (
        ProcessPoolExecutor(max_workers=os.cpu_count()) as pool,
        Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()) as progress,
    ):
        task = progress.add_task("Schedules", total=len(seeds))
        for part, batch in zip(parts, pool.map(play, parts), strict=True):
            progress.advance(task, len(part))
            yield batch


def _print_counts(seeds: int, batches: list[Batch]) -> None:
    faults = sum((batch.faults for batch in batches), Counter[str]())
    endings = sum((batch.endings for batch in batches), Counter[str]())
    table = Table("fault", "times", "ending", "jobs", title=f"{seeds:,} schedules")
    rows = max(len(faults), len(endings))
    left = [*faults.most_common(), *[("", 0)] * rows]
    right = [*endings.most_common(), *[("", 0)] * rows]
    for (fault, times), (ending, count) in zip(left[:rows], right[:rows], strict=True):
        table.add_row(fault, f"{times:,}" if fault else "", ending, f"{count:,}" if ending else "")
    console.print(table)
    jobs = sum(count for ending, count in endings.items() if not ending.startswith("erased"))
    console.print(f"{jobs:,} jobs, {sum(batch.runs for batch in batches):,} runs at fal.ai.")


def _tell(seed: int) -> int:
    """The whole story of one schedule; 1 where it breaks a rule."""
    outcome = simulate(seed)
    console.print("\n".join(outcome.story), markup=False)
    for job in (*outcome.trainings, *outcome.images):
        console.print(f"{job.id}: {job.status} {job.error or ''}", markup=False)
    sentences = violations(outcome)
    for sentence in sentences:
        console.print(f"[red]{sentence}[/]")
    return 1 if sentences else 0


def _explain(seed: int) -> int:
    """The shortest story that still breaks a rule."""
    console.print(f"The shortest story of seed {seed} (the whole one: make simulate SEED={seed}):")
    faults = shrink(seed)
    outcome = simulate(seed, faults)
    console.print("\n".join(outcome.story), markup=False)
    console.print(f"It takes {len(faults)} faults: {faults}", markup=False)
    for sentence in violations(outcome):
        console.print(f"[red]{sentence}[/]")
    return 1


if __name__ == "__main__":
    typer.run(main)
