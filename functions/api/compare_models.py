"""The use case behind "Compare": the same prompt and seed with several versions or at several scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import BudgetExceeded, InvalidRequest, TooManyImageJobs
from shared.image_jobs import GROUP_PREFIX, ImageJob, Origin, seed_of
from shared.jobs import Kind, derived_key, keyed_id
from shared.models import Model
from shared.orders import Desk
from shared.reservations import free_unused
from shared.start_images import ImageWish, start_images, wanted_images

MOST_SETS = 12


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is compared: one set of pictures for every model at every scale; scale 0 is as if there were no LoRA."""

    prompt: str
    scales: Sequence[float]
    count: int
    size: str
    seed: int | None


def group_of(owner_id: str, key: str, pairs: Sequence[tuple[Model, float]]) -> str:
    """The id that holds the sets of a comparison together: the same for the same key and sets, so that other sets
    under the same key are a conflict at the first of them."""
    sets = [f"{model.id} {float(scale)!r}" for model, scale in pairs]
    return keyed_id(GROUP_PREFIX, owner_id, derived_key("compare", key, *sets))


def compare_models(
    owner_id: str, key: str, models: Sequence[Model], comparison: Comparison, desk: Desk
) -> list[ImageJob]:
    """Every set of the comparison that this key stands for, models first; what a crash left out is asked for now.

    Nothing is asked for where one of them cannot be made, or where they do not fit what their user may spend and run at
    once. Where the budget ends on the way all the same (somebody was faster, or nobody knows the price), what was asked
    for before that is made; the same key goes on from there.
    """
    pairs = [(model, scale) for model in models for scale in comparison.scales]
    if len(pairs) > MOST_SETS:
        raise InvalidRequest(reason=f"that are {len(pairs)} sets of pictures; compare at most {MOST_SETS} at once")
    if len({(model.id, scale) for model, scale in pairs}) < len(pairs):
        raise InvalidRequest(reason="a model and a scale are compared once: leave out what is named twice")
    group_id = group_of(owner_id, key, pairs)
    seed = seed_of(group_id) if comparison.seed is None else comparison.seed

    def wish(scale: float) -> ImageWish:
        return ImageWish(
            prompt=comparison.prompt,
            count=comparison.count,
            size=comparison.size,
            seed=seed,
            scale=scale,
            origin=Origin.COMPARISON,
            group_id=group_id,
        )

    named = [(model, derived_key("compare", key, str(n)), wish(scale)) for n, (model, scale) in enumerate(pairs)]
    _refuse_what_does_not_fit([wanted_images(model, one_key, one, desk.clock) for model, one_key, one in named], desk)
    return [start_images(model, one_key, one, desk) for model, one_key, one in named]


def _refuse_what_does_not_fit(jobs: Sequence[ImageJob], desk: Desk) -> None:
    """`BudgetExceeded` and `TooManyImageJobs` for all of them together; nothing is set aside by this.

    A price that nobody knows before is no reason: such sets take all that is left, one after the other.
    """
    owner_id, at = jobs[0].owner_id, jobs[0].created_at
    prices = {job.id: (job.quote and job.quote.total_usd) or 0.0 for job in jobs if desk.jobs.find(job.id) is None}

    def fits() -> None:
        desk.accounts.get(owner_id).reserve_all(prices, limits=desk.limits, at=at, kind=Kind.IMAGES)

    try:
        fits()
    except (BudgetExceeded, TooManyImageJobs):
        if not free_unused(owner_id, accounts=desk.accounts, jobs=desk.jobs, at=at):
            raise
        fits()
