"""Route of one picture for each model of a list: the first of its samples that may be shown unasked."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query

from functions.api.auth import User
from functions.api.images import with_thumbnails
from functions.api.views import View
from shared import bootstrap
from shared.errors import ImagesNotFound
from shared.image_jobs import ImageJob
from shared.reading import read_ahead
from shared.samples import samples_id

router = APIRouter(prefix="/v1", tags=["images"])

MOST_ASKED = 100
_AT_ONCE = 8


class SampleView(View):
    """A small picture of what a training gave, under a signed URL that is good for a while."""

    training_id: str
    thumbnail_url: str


class SamplesView(View):
    """One picture for each training that has one; the others are left out."""

    items: list[SampleView]


@router.get("/images/samples")
def list_first_samples(
    user: User,
    of: Annotated[
        list[str],
        Query(min_length=1, max_length=MOST_ASKED, description="Ids of trainings of yours", examples=[["t_2f7c"]]),
    ],
) -> SamplesView:
    """The first sample of each of your trainings that the safety checker did not flag: one read for each."""

    def sample(training_id: str) -> SampleView | None:
        return _sample(user, training_id)

    wanted = dict.fromkeys(of)
    found = read_ahead(wanted, sample, lambda _: 0, max_bytes=1, max_items=_AT_ONCE)
    return SamplesView(items=[view for view in found if view])


def _sample(user: str, training_id: str) -> SampleView | None:
    try:
        job: ImageJob = bootstrap.images().get(samples_id(user, training_id))
    except ImagesNotFound:
        return None
    fit = [picture for picture in job.pictures if not picture.nsfw][:1]
    if job.owner_id != user or not fit:
        return None
    url = with_thumbnails(replace(job, pictures=tuple(fit))).pictures[0].thumbnail_url
    return SampleView(training_id=training_id, thumbnail_url=url) if url else None
