"""What the API answers about pictures: the public side of a set of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from functions.api.thumbnails import Thumbnail
from functions.api.views import FailureView, QuoteView, SentInputView, View, failure_view
from shared.image_jobs import ImageJob, KeptPicture, Origin
from shared.shoots import file_name
from shared.stages import Stage, Status
from shared.training_records import Move, Progress


class PictureView(View):
    """One picture; `url` and `thumbnail_url` are signed, for a while, and null where they were not asked for."""

    file_name: str = Field(examples=["1.jpg"])
    width: int
    height: int
    size: int
    sha256: str
    nsfw: bool | None = Field(description="What fal.ai's safety checker said; null where it said nothing")
    url: str | None = None
    thumbnail_url: str | None = Field(
        default=None, description="A signed URL of a WebP of at most 640 pixels on its longest side"
    )


class ImagesView(View):
    """A set of pictures as its owner sees it: one prompt, seed and scale, made with one version of a model."""

    id: str
    model_id: str
    model_name: str
    version: int
    person_id: str
    prompt: str = Field(description="As it is sent: with the trigger word")
    trigger_word: str
    count: int
    size: str = Field(examples=["landscape_4_3"])
    seed: int
    scale: float
    origin: Origin
    group_id: str | None = Field(description="The comparison that it belongs to")
    like_id: str | None
    predecessor_id: str | None
    endpoint: str = Field(examples=["fal-ai/flux-lora"])
    status: Status
    stage: Stage | None
    history: list[Move]
    progress: Progress | None
    pictures: list[PictureView]
    shortfall: str | None = Field(
        description="That fewer pictures are kept than were asked for; null where all came",
        examples=["3 of 4: fal.ai delivered no more"],
    )
    error: FailureView | None
    hindrance: FailureView | None
    recoverable: bool
    quote: QuoteView | None
    cost_usd: float | None = Field(description="What fal.ai billed, where it tells")
    fal_request_id: str | None
    sent: SentInputView | None
    cancel_requested_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ImageFileView(View):
    """A picture under a signed URL that browsers save."""

    url: str
    file_name: str
    size: int
    sha256: str


class ImageDownloadView(View):
    """Where the pictures can be fetched until `expires_at`, by anybody who has the URLs."""

    files: list[ImageFileView]
    expires_at: datetime


def images_view(
    job: ImageJob, *, urls: Mapping[str, str] | None = None, thumbnails: Mapping[str, Thumbnail] | None = None
) -> ImagesView:
    """The set's public side; `urls` by objects' names, `thumbnails` by files' names."""
    shown = {name: getattr(job, name) for name in ImagesView.model_fields if hasattr(job, name)}
    return ImagesView.model_validate(
        {
            **shown,
            "history": list(job.history),
            "pictures": [_picture_view(picture, urls or {}, thumbnails or {}) for picture in job.pictures],
            "quote": QuoteView.model_validate(job.quote) if job.quote else None,
            "sent": SentInputView.model_validate(job.sent) if job.sent else None,
            "error": failure_view(job),
            "hindrance": FailureView.model_validate(job.hindrance) if job.hindrance else None,
            "recoverable": job.is_recoverable,
            "fal_request_id": job.fal.request_id if job.fal else None,
        }
    )


def _picture_view(picture: KeptPicture, urls: Mapping[str, str], thumbnails: Mapping[str, Thumbnail]) -> PictureView:
    name = file_name(picture.name)
    thumbnail = thumbnails.get(name)
    return PictureView(
        file_name=name,
        width=picture.width,
        height=picture.height,
        size=picture.size,
        sha256=picture.sha256,
        nsfw=picture.nsfw,
        url=urls.get(picture.name),
        thumbnail_url=thumbnail.url if thumbnail else None,
    )
