"""The use case behind "Compare": the same prompt and seed with several versions or at several scales."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.errors import InvalidRequest
from shared.image_jobs import GROUP_PREFIX, ImageJob, Origin, seed_of
from shared.jobs import derived_key, keyed_id
from shared.models import Model
from shared.orders import Desk, known
from shared.reservations import reserve_all
from shared.stages import Status
from shared.start_images import ImageWish, start_images, wanted_images
from shared.usable_models import refuse_if_erased

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
    once: the money for all of them is set aside first.
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
            group_sets=len(pairs),
        )

    named = [(model, derived_key("compare", key, str(n)), wish(scale)) for n, (model, scale) in enumerate(pairs)]
    wanted = [(model, wanted_images(model, one_key, one, desk.clock)) for model, one_key, one in named]
    _reserve_what_is_new(wanted, desk)
    return [start_images(model, one_key, one, desk) for model, one_key, one in named]


def one_for_each_cell(jobs: Iterable[ImageJob]) -> list[ImageJob]:
    """One set for each model and scale of a comparison, models first: of several tries the latest that succeeded, for
    it is paid; else the latest."""
    cells: dict[tuple[str, float], ImageJob] = {}
    for job in sorted(jobs, key=lambda job: (job.status is Status.SUCCEEDED, job.created_at)):
        cells[job.model_id, job.scale] = job
    return sorted(cells.values(), key=lambda job: (job.model_name, job.version, job.scale))


def _reserve_what_is_new(wanted: Sequence[tuple[Model, ImageJob]], desk: Desk) -> None:
    new = [(model, job) for model, job in wanted if known(job, desk) is None]
    for model, _ in new:
        refuse_if_erased(model)
    if new:
        reserve_all([job for _, job in new], accounts=desk.accounts, jobs=desk.jobs, limits=desk.limits)
