"""The route of a training's story: everything that happened to it, in order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from functions.api.auth import User, is_operator
from functions.api.tell_story import Kind, tell_story
from functions.api.views import View
from shared import bootstrap
from shared.errors import TrainingNotFound
from shared.jobs import Job
from shared.stages import Status

MOST_ENTRIES = 500

router = APIRouter(prefix="/v1/trainings", tags=["trainings"])


class StoryLineView(View):
    """One thing that happened: a sentence for people, and the event's own name and fields for programs."""

    at: datetime
    source: str = Field(
        description="The function that did it; `training` or `images` for a move", examples=["packager"]
    )
    kind: Kind
    severity: str = Field(description="INFO, WARNING or ERROR", examples=["INFO"])
    name: str = Field(examples=["dataset_packaged"])
    text: str = Field(examples=["The ZIP was made: 12 pictures, 12,000,000 bytes."])
    fields: dict[str, Any]


class StoryView(View):
    """What happened to a job; `whole` is false where it is so long that its beginning was left out.

    Moves are kept as long as the job, everything else for a time that the operator sets.
    """

    training_id: str
    status: Status
    whole: bool
    lines: list[StoryLineView]


@router.get("/{training_id}/story")
def tell_training(training_id: str, user: User) -> StoryView:
    """What happened to one of your trainings: every move, message, exchange with fal.ai and decision, in order.

    There are no secrets in it. Operators may see the stories of others.
    """
    training = bootstrap.trainings().get(training_id)
    if training.owner_id != user and not is_operator(user, bootstrap.api_settings()):
        raise TrainingNotFound(id=training_id)
    return story_view(training)


def story_view(job: Job) -> StoryView:
    """The story of a job of either kind."""
    entries = bootstrap.stories().list_for_training(job.id, limit=MOST_ENTRIES)
    lines = tell_story(job.history, entries, now=bootstrap.clock().now(), of=job.kind)
    return StoryView(
        training_id=job.id,
        status=job.status,
        whole=len(entries) < MOST_ENTRIES,
        lines=[StoryLineView.model_validate(line) for line in lines],
    )
