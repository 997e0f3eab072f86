"""Quotes: the price by the trainer's rule, and how long our own trainings took."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.quotes import ENOUGH_TO_ESTIMATE, expectation
from shared.trainers import DEFAULT_TRAINER, checked, trainer

SPEC = trainer(DEFAULT_TRAINER)


@pytest.mark.parametrize(("steps", "usd"), [(1000, 2.0), (500, 1.0), (1, 0.002), (10_000, 20.0)])
def test_the_price_is_linear_in_the_steps(steps: int, usd: float) -> None:
    quote = SPEC.quote(checked(SPEC, {"steps": steps}))
    assert (quote.price_usd, quote.unit_price_usd, quote.unit) == (usd, 2.0, "1000 steps")


# what fal.md §3 says that 1000 steps cost, and fal.ai's own page for what wan bills at least
PRICES = [
    ("flux-lora-portrait-trainer", 1000, 2.4),
    ("turbo-flux-trainer", 1000, 2.4),
    ("flux-2-trainer", 1000, 6.4),
    ("z-image-trainer", 1000, 2.26),
    ("wan-22-image-trainer", 1000, 4.5),
    ("wan-22-image-trainer", 10, 0.45),
]


@pytest.mark.parametrize(("name", "steps", "usd"), PRICES)
def test_each_trainer_costs_what_its_own_rule_says(name: str, steps: int, usd: float) -> None:
    spec = trainer(name)
    assert spec.quote(checked(spec, {"steps": steps})).price_usd == usd


def test_a_price_that_nobody_tells_stays_unknown_and_says_so() -> None:
    quote = trainer("qwen-image-2512-trainer").quote({"steps": 1000})
    assert (quote.price_usd, quote.unit_price_usd, quote.unit, quote.priced_at) == (None, None, None, None)
    assert "pricing API" in quote.note


def test_what_is_billed_at_least_is_told_with_the_price() -> None:
    assert trainer("wan-22-image-trainer").quote({"steps": 10}).note == "At least 100 steps are billed."
    assert SPEC.quote({"steps": 10}).note == ""


def test_an_invented_price_of_nothing_is_no_unknown_one() -> None:
    assert SPEC.price is not None
    free = replace(SPEC, price=replace(SPEC.price, usd=0.0))
    assert free.quote({"steps": 10}).price_usd == 0.0


def test_there_is_no_estimate_before_there_is_experience() -> None:
    assert expectation([60.0] * (ENOUGH_TO_ESTIMATE - 1)) is None


def test_half_and_nine_in_ten_of_the_durations_are_told() -> None:
    told = expectation(float(n) for n in range(1, 12))
    assert told is not None
    assert (told.p50, told.p90, told.of) == (6.0, 10.0, 11)
