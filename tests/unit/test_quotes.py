"""Quotes: the price by the trainer's rule, and how long our own trainings took."""

from __future__ import annotations

import pytest

from shared.errors import InvalidRequest
from shared.quotes import ENOUGH_TO_ESTIMATE, expectation
from shared.trainers import DEFAULT_TRAINER, TRAINERS, trainer

SPEC = trainer(DEFAULT_TRAINER)


@pytest.mark.parametrize(("steps", "usd"), [(1000, 2.0), (500, 1.0), (1, 0.002), (10_000, 20.0)])
def test_the_price_is_linear_in_the_steps(steps: int, usd: float) -> None:
    quote = SPEC.quote(SPEC.checked({"steps": steps}))
    assert (quote.price_usd, quote.unit_price_usd, quote.unit) == (usd, 2.0, "1000 steps")


def test_there_is_no_estimate_before_there_is_experience() -> None:
    assert expectation([60.0] * (ENOUGH_TO_ESTIMATE - 1)) is None


def test_half_and_nine_in_ten_of_the_durations_are_told() -> None:
    told = expectation(float(n) for n in range(1, 12))
    assert told is not None
    assert (told.p50, told.p90, told.of) == (6.0, 10.0, 11)


@pytest.mark.parametrize("endpoint", TRAINERS)
def test_every_trainer_has_sound_defaults_and_a_dated_price(endpoint: str) -> None:
    spec = trainer(endpoint)
    parameters = spec.checked({})
    assert spec.quote(parameters).price_usd > 0
    assert len(spec.price.at) == len("2026-01-01")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"learning_rate": 1e-4}, "has no learning_rate"),
        ({"step": 10}, "steps may be meant"),
        ({"steps": 0}, "from 1 to 10000"),
        ({"steps": 10_001}, "from 1 to 10000"),
        ({"steps": "10"}, "of type int"),
        ({"steps": True}, "of type int"),
        ({"is_style": 1}, "of type bool"),
    ],
)
def test_what_a_trainer_does_not_take_is_refused_with_a_hint(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        SPEC.checked(given)


def test_a_trainer_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidRequest, match=DEFAULT_TRAINER):
        trainer("fal-ai/no-such-trainer")
