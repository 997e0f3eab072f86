"""Routes of comparisons: the same pictures with several models or at several scales, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from functions.api.auth import User
from functions.api.bodies import Body
from functions.api.compare_models import MOST_SETS, Comparison, compare_models, one_for_each_cell
from functions.api.idempotency import IdempotencyKey
from functions.api.image_views import ImagesView, images_view
from functions.api.images import MAX_PROMPT, Count, Scale, Seed, Size, desk, several, with_urls
from functions.api.models import owned_model
from functions.api.plain_words import Text
from functions.api.told_routes import ToldRoute
from functions.api.views import View
from shared import bootstrap
from shared.errors import ImagesNotFound
from shared.image_jobs import ImageJob
from shared.start_images import DEFAULT_SIZE

router = APIRouter(prefix="/v1/comparisons", tags=["images"], route_class=ToldRoute)

_AT_ONCE = 100


class NewComparison(Body):
    """What to compare: every model at every scale, with the same prompt and seed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"prompt": "[trigger] in the rain", "model_ids": ["m_2f7c"], "scales": [0, 1]}]
        },
    )

    prompt: Text = Field(min_length=1, max_length=MAX_PROMPT)
    model_ids: list[str] = Field(min_length=1, max_length=MOST_SETS)
    scales: list[Scale] = Field(default=[1.0], min_length=1, max_length=MOST_SETS)
    count: Count = 1
    size: Size = DEFAULT_SIZE
    seed: Seed | None = None


class ComparisonView(View):
    """The sets of a comparison, side by side: models first, then scales. Of several tries, the one that succeeded."""

    id: str
    asked: int | None = Field(
        description="Of how many sets it is: where there are fewer, the others were deleted since, alone or with their "
        "model, or were never begun. Null where nobody noted it"
    )
    items: list[ImagesView]


@router.post("", status_code=202)
def make_comparison(new: NewComparison, user: User, response: Response, key: IdempotencyKey = None) -> ComparisonView:
    """Make the same pictures with several models (versions) or at several scales; each set is a job of its own."""
    models = [owned_model(model_id, user) for model_id in new.model_ids]
    wanted = Comparison(**new.model_dump(exclude={"model_ids"}))
    jobs = compare_models(user, key or bootstrap.new_nonce(), models, wanted, desk())
    response.headers["Location"] = f"/v1/comparisons/{jobs[0].group_id}"
    return _view(jobs, [images_view(job) for job in jobs])


@router.get("/{group_id}")
def show_comparison(group_id: str, user: User) -> ComparisonView:
    """The sets of one of your comparisons, side by side, with signed URLs to look at them for a while."""
    shown = one_for_each_cell(_sets_of(group_id, user))
    if not shown:
        raise ImagesNotFound(id=group_id)
    return _view(shown, several(shown, with_urls))


def _sets_of(group_id: str, user: str) -> Iterator[ImageJob]:
    """All of them: each press of "Try again" has made another one."""
    cursor = None
    while True:
        page = bootstrap.images().list_for_owner(user, limit=_AT_ONCE, cursor=cursor, group_id=group_id)
        yield from page.items
        if (cursor := page.next_cursor) is None:
            return


def _view(jobs: Sequence[ImageJob], items: list[ImagesView]) -> ComparisonView:
    return ComparisonView(id=str(jobs[0].group_id), asked=jobs[0].group_sets, items=items)
