"""What a training or a set of pictures will cost and take, before it is started. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import quantiles

# Below this many finished trainings there is no honest estimate.
ENOUGH_TO_ESTIMATE = 5


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """How long trainings with a trainer took, in seconds: half of them within `p50`, nine in ten within `p90`."""

    p50: float
    p90: float
    of: int


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A price in US dollars with the unit price and the date it is from, all None where nobody tells it before.

    `note` is what else there is to know about the price; `expected_s` is None without an estimate.
    `samples_usd` is what the `samples` cost, the pictures that are made by themselves afterwards; None where there are
    none or nobody knows.
    """

    trainer: str
    price_usd: float | None = None
    unit_price_usd: float | None = None
    unit: str | None = None
    priced_at: str | None = None
    note: str = ""
    expected_s: Expectation | None = None
    samples: int = 0
    samples_usd: float | None = None

    @property
    def total_usd(self) -> float | None:
        """What all of it costs, which is set aside for it; None where a part of it is not known."""
        if self.price_usd is None or (self.samples and self.samples_usd is None):
            return None
        return round(self.price_usd + (self.samples_usd or 0.0), 6)


def expectation(seconds: Iterable[float]) -> Expectation | None:
    """What earlier durations let one expect; None below `ENOUGH_TO_ESTIMATE` of them."""
    known = sorted(seconds)
    if len(known) < ENOUGH_TO_ESTIMATE:
        return None
    tenths = quantiles(known, n=10, method="inclusive")
    return Expectation(p50=round(tenths[4], 1), p90=round(tenths[8], 1), of=len(known))
