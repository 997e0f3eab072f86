"""Routes of what pictures cost, before they are asked for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from functions.api.auth import User
from functions.api.bodies import Body
from functions.api.compare_models import MOST_SETS
from functions.api.images import Count, Size
from functions.api.models import owned_model
from functions.api.quotes import BudgetView, budget_of
from functions.api.views import QuoteView, View
from shared.errors import InvalidRequest
from shared.quotes import Quote
from shared.start_images import DEFAULT_SIZE, drawable
from shared.trainers.entry import MAX_PICTURES, PICTURE_SIZES

router = APIRouter(prefix="/v1", tags=["images"])


class ImagesQuoteView(QuoteView):
    """What pictures cost, and what is left of your day's budget."""

    budget: BudgetView | None


class WantedComparison(Body):
    """A comparison that is thought of."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"model_ids": ["m_2f7c"], "scales": 2, "count": 1}]})

    model_ids: list[str] = Field(min_length=1, max_length=MOST_SETS)
    scales: int = Field(default=1, ge=1, le=MOST_SETS, description="At how many scales each of them")
    count: Count = 1
    size: Size = DEFAULT_SIZE


class ComparisonQuoteView(View):
    """What a whole comparison costs in US dollars, null where nobody tells it of one of the models before."""

    sets: int
    pictures: int
    price_usd: float | None = Field(examples=[0.28])
    note: str
    budget: BudgetView | None


@router.get("/models/{model_id}/images/quote")
def quote_images(
    model_id: str,
    user: User,
    count: Annotated[int, Query(ge=1, le=MAX_PICTURES)] = 1,
    size: Annotated[str, Query(json_schema_extra={"enum": list(PICTURE_SIZES)})] = DEFAULT_SIZE,
) -> ImagesQuoteView:
    """What so many pictures of that size cost with this model, as far as that is known before."""
    quote = QuoteView.model_validate(_quote(model_id, user, size, count))
    return ImagesQuoteView(**quote.model_dump(), budget=budget_of(user))


@router.post("/comparisons/quote")
def quote_comparison(wanted: WantedComparison, user: User) -> ComparisonQuoteView:
    """What every set of a comparison costs together, as far as that is known before."""
    quotes = [_quote(model_id, user, wanted.size, wanted.count) for model_id in wanted.model_ids]
    prices = [quote.price_usd for quote in quotes if quote.price_usd is not None]
    sets = len(quotes) * wanted.scales
    return ComparisonQuoteView(
        sets=sets,
        pictures=sets * wanted.count,
        price_usd=round(sum(prices) * wanted.scales, 4) if len(prices) == len(quotes) else None,
        note=" ".join(dict.fromkeys(quote.note for quote in quotes if quote.note)),
        budget=budget_of(user),
    )


def _quote(model_id: str, user: str, size: str, count: int) -> Quote:
    if size not in PICTURE_SIZES:
        raise InvalidRequest(reason=f"a size is one of {', '.join(PICTURE_SIZES)}")
    return drawable(owned_model(model_id, user)).quote(size, count)
