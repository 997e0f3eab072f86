"""Schedules of everything that can go wrong, and the promises after each of them; `make simulate` plays more."""

from __future__ import annotations

import pytest

from tests.simulation.rules import violations
from tests.simulation.shrinking import shrink, smallest
from tests.simulation.simulation import simulate

SEEDS = 160
BATCH = 20


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_every_promise_holds_whatever_goes_wrong(first: int) -> None:
    broken = {seed: found for seed in range(first, first + BATCH) if (found := violations(simulate(seed)))}
    if broken:
        seed = min(broken)
        faults = shrink(seed)
        story = "\n".join(simulate(seed, faults).story)
        pytest.fail(f"{broken}\nThe shortest story of seed {seed}, with {faults}:\n{story}", pytrace=False)


def test_a_seed_is_the_same_story_every_time() -> None:
    assert simulate(7).story == simulate(7).story
    assert simulate(7).story != simulate(8).story


def test_without_its_faults_a_schedule_is_calm() -> None:
    outcome = simulate(1, only=())
    assert (outcome.struck, {str(training.status) for training in outcome.trainings}) == ([], {"succeeded"})


def test_a_schedule_shrinks_to_the_faults_that_it_takes() -> None:
    faults = [f"fault {number}" for number in range(40)]
    needed = {"fault 3", "fault 17", "fault 38"}
    assert set(smallest(faults, lambda kept: needed <= set(kept))) == needed
