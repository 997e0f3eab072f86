"""Routes of pictures: make them with a model, follow them, look at them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import ConfigDict, Field
from sse_starlette import EventSourceResponse

from functions.api.auth import User, is_operator
from functions.api.bodies import Body
from functions.api.end_images import more_like, retry_images
from functions.api.end_training import CancelOutcome, cancel_job
from functions.api.idempotency import IdempotencyKey
from functions.api.image_views import ImageDownloadView, ImageFileView, ImagesView, images_view
from functions.api.live_events import LiveStream, live_events
from functions.api.models import owned_model
from functions.api.plain_words import Text
from functions.api.stories import StoryView, story_view
from functions.api.thumbnails import show_thumbnails
from functions.api.told_routes import ToldRoute
from functions.api.views import PageView, View
from shared import bootstrap
from shared.errors import ImagesNotFound
from shared.events import CheckRequested
from shared.image_jobs import ImageJob
from shared.orders import Desk
from shared.ports import ObjectInfo
from shared.reading import read_ahead
from shared.shoots import Picture, file_name
from shared.start_images import DEFAULT_SIZE, MAX_SEED, ImageWish, start_images
from shared.trainers.entry import MAX_PICTURES, PICTURE_SIZES

router = APIRouter(prefix="/v1", tags=["images"], route_class=ToldRoute)

MAX_PROMPT = 2000

# A set is shown as wide as 380 pixels, and a high picture fills that, too: twice the side of a shoot's thumbnails.
_THUMBNAIL_SIDE = 640

# Sets that are made ready to be shown at the same time.
_AT_ONCE = 4

Count = Annotated[int, Field(ge=1, le=MAX_PICTURES)]
Size = Annotated[str, Field(json_schema_extra={"enum": list(PICTURE_SIZES)})]
Scale = Annotated[float, Field(ge=0, le=4, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]


class NewImages(Body):
    """What pictures to make. The trigger word is put in front where the prompt lacks it; `[trigger]` stands for it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"prompt": "[trigger] in a red cape, full body", "count": 2}]}
    )

    prompt: Text = Field(min_length=1, max_length=MAX_PROMPT)
    count: Count = 1
    size: Size = DEFAULT_SIZE
    seed: Seed | None = Field(default=None, description="The same seed and prompt make the same pictures")
    scale: Scale = Field(default=1.0, description="How much of the LoRA; 0 is as if there were none")


class ImagesCancellationView(View):
    """What a cancellation came to, in a sentence, and the pictures as they now are."""

    outcome: CancelOutcome
    message: str
    images: ImagesView


def owned_images(images_id: str, user: str) -> ImageJob:
    """The user's set of pictures; `ImagesNotFound` also where it is somebody else's."""
    job = bootstrap.images().get(images_id)
    if job.owner_id != user:
        raise ImagesNotFound(id=images_id)
    return job


def desk() -> Desk:
    """What asking for pictures needs."""
    return Desk(
        jobs=bootstrap.jobs(),
        accounts=bootstrap.accounts(),
        publisher=bootstrap.publisher(),
        clock=bootstrap.clock(),
        limits=bootstrap.user_limits(),
    )


@router.post("/models/{model_id}/images", status_code=202)
def make_images(
    model_id: str, new: NewImages, user: User, response: Response, key: IdempotencyKey = None
) -> ImagesView:
    """Make pictures with your model. The same Idempotency-Key gives the same pictures: they are paid once."""
    model = owned_model(model_id, user)
    job = start_images(model, key or bootstrap.new_nonce(), ImageWish(**new.model_dump()), desk())
    response.headers["Location"] = f"/v1/images/{job.id}"
    return images_view(job)


@router.get("/models/{model_id}/images")
def list_images_of_model(
    model_id: str, user: User, limit: Annotated[int, Query(ge=1, le=100)] = 20, cursor: str | None = None
) -> PageView[ImagesView]:
    """The pictures made with your model, newest first, with thumbnails."""
    owned_model(model_id, user)
    return _page(user, limit, cursor, model_id=model_id)


@router.get("/images")
def list_images(
    user: User, limit: Annotated[int, Query(ge=1, le=100)] = 20, cursor: str | None = None
) -> PageView[ImagesView]:
    """Your pictures, whatever model they were made with, newest first, with thumbnails."""
    return _page(user, limit, cursor)


def _page(user: str, limit: int, cursor: str | None, model_id: str | None = None) -> PageView[ImagesView]:
    page = bootstrap.images().list_for_owner(user, limit=limit, cursor=cursor, model_id=model_id)
    return PageView(items=several(page.items, with_thumbnails), next_cursor=page.next_cursor)


def several(jobs: Sequence[ImageJob], view: Callable[[ImageJob], ImagesView]) -> list[ImagesView]:
    """The views of `jobs` in their order, a few at a time: each of them asks a bucket."""
    most = bootstrap.dataset_settings().read_ahead_bytes
    return list(
        read_ahead(jobs, view, lambda job: sum(p.size for p in job.pictures), max_bytes=most, max_items=_AT_ONCE)
    )


def with_thumbnails(job: ImageJob, urls: dict[str, str] | None = None) -> ImagesView:
    """The set's public side with its thumbnails, made now where they are missing; `urls` are of the pictures."""
    thumbnails = show_thumbnails(
        job.prefix,
        [_picture(job, picture.name, picture.size, picture.crc32c) for picture in job.pictures],
        source=bootstrap.models_bucket(),
        thumbnails=bootstrap.thumbnails_bucket(),
        ttl_s=bootstrap.api_settings().thumbnail_url_ttl_s,
        limits=bootstrap.dataset_settings(),
        side=_THUMBNAIL_SIDE,
    )
    return images_view(job, urls=urls, thumbnails=thumbnails)


def _picture(job: ImageJob, name: str, size: int, crc32c: str) -> Picture:
    info = ObjectInfo(name=name, size=size, crc32c=crc32c, updated_at=job.updated_at)
    return Picture(stem=file_name(name).rpartition(".")[0], image=info, caption=None)


@router.get("/images/{images_id}")
def show_images(images_id: str, user: User) -> ImagesView:
    """One set of your pictures, with signed URLs to look at them for a while."""
    job = owned_images(images_id, user)
    return with_urls(job)


def with_urls(job: ImageJob) -> ImagesView:
    """The set's public side with its thumbnails and, for a while, its pictures."""
    bucket, ttl_s = bootstrap.models_bucket(), bootstrap.api_settings().download_url_ttl_s
    return with_thumbnails(job, {picture.name: bucket.sign(picture.name, ttl_s=ttl_s) for picture in job.pictures})


@router.get("/images/{images_id}/download")
def download_images(images_id: str, user: User) -> ImageDownloadView:
    """Signed URLs under which browsers save the pictures; whoever has them can fetch them until they expire."""
    job = owned_images(images_id, user)
    bucket, ttl_s = bootstrap.models_bucket(), bootstrap.api_settings().download_url_ttl_s

    def file(name: str, size: int, sha256: str) -> ImageFileView:
        # one for every picture, also of sets that differ in prompt or scale alone
        saved = f"{job.model_name}-v{job.version}-{job.id}-{file_name(name)}"
        url = bucket.sign(name, ttl_s=ttl_s, download_name=saved)
        return ImageFileView(url=url, file_name=saved, size=size, sha256=sha256)

    files = [file(picture.name, picture.size, picture.sha256) for picture in job.pictures]
    return ImageDownloadView(files=files, expires_at=bootstrap.clock().now() + timedelta(seconds=ttl_s))


@router.get("/images/{images_id}/events", response_class=EventSourceResponse)
def follow_images(
    images_id: str, user: User, request: Request, last_event_id: Annotated[str | None, Header()] = None
) -> EventSourceResponse:
    """Server-sent events until the pictures are made or not: `images` (the whole view, without URLs), `log`, `end`.

    Otherwise as for trainings.
    """
    owned_images(images_id, user)
    seen = int(last_event_id) if last_event_id and re.fullmatch("[0-9]{1,9}", last_event_id) else 0
    events = live_events(images_id, seen, live=request.app.state.live_trainings, view=_live_view)
    return LiveStream(events, seats=request.app.state.stream_seats, user=user)


def _live_view(job: ImageJob) -> str:
    return images_view(job).model_dump_json()


@router.get("/images/{images_id}/story")
def tell_images(images_id: str, user: User) -> StoryView:
    """What happened to a set of your pictures: every move, message, exchange with fal.ai and decision, in order.

    There are no secrets in it. Operators may see the stories of others.
    """
    job = bootstrap.images().get(images_id)
    if job.owner_id != user and not is_operator(user, bootstrap.api_settings()):
        raise ImagesNotFound(id=images_id)
    return story_view(job)


@router.post("/images/{images_id}/cancel")
def cancel_images(images_id: str, user: User) -> ImagesCancellationView:
    """Cancel your pictures: `canceled` (nothing was charged), `asked` (fal.ai may still bill) or `too_late`."""
    job = owned_images(images_id, user)
    done = cancel_job(job, jobs=bootstrap.jobs(), publisher=bootstrap.publisher(), clock=bootstrap.clock())
    return ImagesCancellationView(
        outcome=done.outcome, message=done.message, images=images_view(bootstrap.images().get(job.id))
    )


@router.post("/images/{images_id}/retry", status_code=202)
def retry_one_set(images_id: str, user: User, response: Response) -> ImagesView:
    """Fetch paid pictures again, at no cost, where that is what failed; else ask for the same ones anew."""
    job = retry_images(owned_images(images_id, user), models=bootstrap.models(), desk=desk())
    response.headers["Location"] = f"/v1/images/{job.id}"
    return images_view(job)


@router.post("/images/{images_id}/check", status_code=202)
def check_images(images_id: str, user: User) -> ImagesView:
    """Have your pictures looked after now instead of within a minute."""
    job = owned_images(images_id, user)
    if not job.is_terminal:
        bootstrap.publisher().publish(CheckRequested(training_id=job.id))
    return images_view(job)


@router.post("/images/{images_id}/more", status_code=202)
def make_more_images(images_id: str, user: User, response: Response, key: IdempotencyKey = None) -> ImagesView:
    """More like these: the same prompt, model, size and scale, with a new seed."""
    job = owned_images(images_id, user)
    more = more_like(job, key or bootstrap.new_nonce(), models=bootstrap.models(), desk=desk())
    response.headers["Location"] = f"/v1/images/{more.id}"
    return images_view(more)
