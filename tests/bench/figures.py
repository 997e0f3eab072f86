"""What a benchmark tells: a measured value beside its peer's of the same run, and whether the goal held."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table. `value` and `peer_value` are in `unit`; `held` is None where nothing is asked of it."""

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    ratio: float | None = None
    goal: str = ""
    held: bool | None = None
    note: str = ""


def at_most(
    name: str, value: float, unit: str, *, peer: str, peer_value: float, times: float, note: str = ""
) -> Figure:
    """A value that may be up to `times` its peer's."""
    ratio = value / peer_value
    return Figure(
        name=name,
        value=value,
        unit=unit,
        peer=peer,
        peer_value=peer_value,
        ratio=ratio,
        goal=f"≤ {times:g} ×",
        held=ratio <= times,
        note=note,
    )


def at_least(
    name: str, value: float, unit: str, *, peer: str, peer_value: float, times: float, note: str = ""
) -> Figure:
    """A value that has to be at least `times` its peer's."""
    ratio = value / peer_value
    return Figure(
        name=name,
        value=value,
        unit=unit,
        peer=peer,
        peer_value=peer_value,
        ratio=ratio,
        goal=f"≥ {times:g} ×",
        held=ratio >= times,
        note=note,
    )


def within(name: str, value: float, unit: str, limit: float, note: str = "") -> Figure:
    """A value with an absolute limit."""
    return Figure(name=name, value=value, unit=unit, goal=f"≤ {limit:g} {unit}", held=value <= limit, note=note)


def printed(name: str, value: float, unit: str, note: str = "") -> Figure:
    """A value of which nothing is asked."""
    return Figure(name=name, value=value, unit=unit, note=note)


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes, on the wall."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def settle() -> None:
    """Wait until the disk has what was written before: one work must not pay for what another one left behind."""
    os.sync()


def side_by_side(runs: int, *works: Callable[[], object]) -> list[float]:
    """The median seconds of each, after a run that does not count; in turns, so that what slows one slows all."""
    for work in works:
        work()
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(runs):
        for times, work in zip(taken, works, strict=True):
            settle()
            times.append(seconds(work))
    return [median(times) for times in taken]


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
