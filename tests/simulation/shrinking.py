"""Which few faults of a schedule it takes to break a rule: the short story of a long one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.simulation.rules import violations
from tests.simulation.simulation import simulate


def broken_rules(seed: int, only: Sequence[str] | None = None) -> frozenset[str]:
    """The names of the rules that the schedule breaks, with no faults but those."""
    return frozenset(sentence.split(":")[0] for sentence in violations(simulate(seed, only)))


def shrink(seed: int) -> list[str]:
    """A smallest set of the schedule's faults that still breaks one of its rules: without any of them it does not."""
    rules = broken_rules(seed)
    assert rules, "there is nothing to shrink: every rule holds"
    return smallest(simulate(seed).struck, lambda faults: bool(broken_rules(seed, faults) & rules))


def smallest(faults: Sequence[str], fails: Callable[[Sequence[str]], bool]) -> list[str]:
    """`faults` without everything that `fails` does not need; halves first, then ever smaller parts."""
    kept = list(faults)
    size = len(kept)
    while size:
        start = 0
        while start < len(kept):
            fewer = kept[:start] + kept[start + size :]
            if fails(fewer):
                kept = fewer
            else:
                start += size
        size //= 2
    return kept
