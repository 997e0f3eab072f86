"""Routes of what can be trained with and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from functions.api.auth import User
from functions.api.views import View
from shared import bootstrap
from shared.quotes import Expectation, expectation
from shared.trainers import DEFAULT_TRAINER, TRAINERS, Parameter
from shared.trainers import trainer as spec_of
from shared.trainings import Training

router = APIRouter(prefix="/v1", tags=["quotes"])

# How many of our own finished trainings an estimate is made from.
SAMPLE = 50


class WantedQuote(BaseModel):
    """What would be trained with."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"parameters": {"steps": 1500}}]})

    trainer: str = DEFAULT_TRAINER
    parameters: Mapping[str, Any] = Field(default_factory=dict)


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
    """A price in US dollars; `expected_s` is null below five finished trainings: there is no estimate yet."""

    trainer: str
    price_usd: float = Field(examples=[3.0])
    unit_price_usd: float
    unit: str = Field(examples=["1000 steps"])
    priced_at: str = Field(examples=["2026-11-01"])
    expected_s: ExpectationView | None
    budget: BudgetView | None


class ParameterView(View):
    """One parameter of a trainer."""

    name: str
    type: str = Field(examples=["int"])
    default: Any
    minimum: float | None
    maximum: float | None
    help: str


class TrainerView(View):
    """One trainer that can be chosen."""

    endpoint: str
    title: str
    minimum_images: int
    default: bool
    parameters: list[ParameterView]


class TrainersView(View):
    """Every trainer."""

    items: list[TrainerView]


@router.post("/quotes")
def make_quote(wanted: WantedQuote, user: User) -> PriceView:
    """What a training with these parameters costs and takes, and what is left of your day's budget."""
    spec = spec_of(wanted.trainer)
    quote = spec.quote(spec.checked(wanted.parameters), _expected(spec.endpoint))
    return PriceView.model_validate({**vars(quote), "budget": _budget(user)})


def _expected(trainer: str) -> Expectation | None:
    return expectation(_seconds(t) for t in bootstrap.trainings().list_succeeded(trainer, limit=SAMPLE))


def _seconds(training: Training) -> float:
    return (training.history[-1].at - training.created_at).total_seconds()


def _budget(user: str) -> BudgetView | None:
    limits, now = bootstrap.user_limits(), bootstrap.clock().now()
    account = bootstrap.accounts().get(user)
    left = account.left_usd(limits, now)
    if limits.usd_per_day is None or left is None:
        return None
    return BudgetView(limit_usd=limits.usd_per_day, left_usd=left, reserved_usd=account.reserved_usd)


@router.get("/trainers")
def list_trainers(user: User) -> TrainersView:
    """The trainers at fal.ai that can be chosen, with their parameters."""
    return TrainersView(
        items=[
            TrainerView(
                endpoint=spec.endpoint,
                title=spec.title,
                minimum_images=spec.minimum_images,
                default=spec.endpoint == DEFAULT_TRAINER,
                parameters=[_parameter_view(parameter) for parameter in spec.parameters],
            )
            for spec in TRAINERS.values()
        ]
    )


def _parameter_view(parameter: Parameter) -> ParameterView:
    return ParameterView.model_validate({**vars(parameter), "type": parameter.kind.__name__})
