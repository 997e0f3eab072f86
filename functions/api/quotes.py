"""Route of what a training costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from functions.api.auth import User
from functions.api.bodies import Body
from functions.api.views import Samples, View
from shared import bootstrap
from shared.quotes import Expectation, expectation
from shared.samples import samples_of, with_samples
from shared.trainers import DEFAULT_TRAINER, checked
from shared.trainers import trainer as spec_of
from shared.trainings import Training

router = APIRouter(prefix="/v1", tags=["quotes"])

# How many of our own finished trainings an estimate is made from.
SAMPLE = 50


class WantedQuote(Body):
    """What would be trained with."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"preset": "person", "parameters": {"steps": 1500}}]})

    trainer: str = Field(default=DEFAULT_TRAINER, max_length=200)
    preset: str | None = Field(default=None, max_length=40)
    parameters: Mapping[str, Any] = Field(default_factory=dict, max_length=100)
    samples: Samples = None


class ExpectationView(View):
    """Seconds that half (`p50`) and nine in ten (`p90`) of our last `of` trainings with this trainer stayed within."""

    p50: float
    p90: float
    of: int


class BudgetView(View):
    """What you may spend a day and what is left of it, in US dollars."""

    limit_usd: float
    left_usd: float
    reserved_usd: float


class PriceView(View):
    """A price in US dollars, null where nobody tells it before, with the parameters that it is for.

    Of a budget, all that is left of the day is then set aside. `expected_s` is null below five finished trainings:
    there is no estimate yet.
    """

    trainer: str
    parameters: dict[str, Any] = Field(description="Every parameter: given, by the preset, or by default")
    price_usd: float | None = Field(examples=[3.0])
    unit_price_usd: float | None
    unit: str | None = Field(examples=["1000 steps"])
    priced_at: str | None = Field(examples=["2026-11-01"])
    note: str = Field(description="What else there is to know about the price; may be empty")
    samples: int = Field(description="How many pictures are made with the model by themselves")
    samples_usd: float | None = Field(description="What they cost besides; null where nobody tells", examples=[0.14])
    total_usd: float | None = Field(description="All of it, which is set aside; null where a part is not known")
    expected_s: ExpectationView | None
    budget: BudgetView | None


@router.post("/quotes")
def make_quote(wanted: WantedQuote, user: User) -> PriceView:
    """What a training with these parameters costs and takes, and what is left of your day's budget."""
    spec = spec_of(wanted.trainer)
    parameters = checked(spec, wanted.parameters, wanted.preset)
    samples = samples_of(spec, wanted.samples, by_default=bootstrap.api_settings().sample_images)
    quote = with_samples(spec.quote(parameters, _expected(spec.endpoint)), spec, samples)
    asked = {"total_usd": quote.total_usd, "parameters": parameters, "budget": budget_of(user)}
    return PriceView.model_validate({**vars(quote), **asked})


def _expected(trainer: str) -> Expectation | None:
    return expectation(_seconds(t) for t in bootstrap.trainings().list_succeeded(trainer, limit=SAMPLE))


def _seconds(training: Training) -> float:
    return (training.history[-1].at - training.created_at).total_seconds()


def budget_of(user: str) -> BudgetView | None:
    """What the user may spend today and what is left of it; None without a limit."""
    limits, now = bootstrap.user_limits(), bootstrap.clock().now()
    account = bootstrap.accounts().get(user)
    left = account.left_usd(limits, now)
    if limits.usd_per_day is None or left is None:
        return None
    return BudgetView(limit_usd=limits.usd_per_day, left_usd=left, reserved_usd=account.reserved_usd)
