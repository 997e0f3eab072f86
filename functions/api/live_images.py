"""Route of several sets of pictures as they are made: one stream for a whole gallery or comparison."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from sse_starlette import EventSourceResponse

from functions.api.auth import User
from functions.api.image_views import images_view
from functions.api.images import owned_images
from functions.api.live_events import LiveStream, live_sets
from shared.image_jobs import ImageJob

router = APIRouter(prefix="/v1", tags=["images"])

# A browser has few connections to one host, and a page may show this many sets that are under way.
MOST_FOLLOWED = 40


@router.get("/images/events", response_class=EventSourceResponse)
def follow_several_images(
    ids: Annotated[list[str], Query(alias="images_id", min_length=1, max_length=MOST_FOLLOWED)],
    user: User,
    request: Request,
) -> EventSourceResponse:
    """Server-sent events of several sets of your pictures: `images` (a whole view, without URLs) for each, then `end`.

    `end` comes when the last of them has ended. Otherwise as for trainings, without logs.
    """
    wanted = list(dict.fromkeys(ids))
    for images_id in wanted:
        owned_images(images_id, user)
    events = live_sets(wanted, live=request.app.state.live_trainings, view=_view)
    return LiveStream(events, seats=request.app.state.stream_seats, user=user)


def _view(job: ImageJob) -> str:
    return images_view(job).model_dump_json()
