"""Routes of deleting for good: what would go, asking for it, and the receipts."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field

from functions.api.auth import User
from functions.api.bodies import Body
from functions.api.request_erasure import Due, Erasing, Preview, list_due, preview_erasure, request_erasure
from functions.api.views import PageView, View
from shared import bootstrap
from shared.erasing.inventory import everything_of
from shared.erasing.receipt import Cause, Erasure, State
from shared.erasing.things import Bucket, Line, Subject, What, line_of, together
from shared.erasing.words import WORDS
from shared.errors import ErasureNotFound
from shared.image_jobs import is_image_job

router = APIRouter(prefix="/v1", tags=["erasures"])

Id = Annotated[str, Field(min_length=1, max_length=128)]


class LineView(View):
    """Things of one kind: how many, their bytes, and the ids of what they belong to; `reason` says why they stay,
    or why they were gone."""

    what: What
    words: str = Field(examples=["weights, configuration and what lies beside them"])
    count: int
    size: int
    of: list[str]
    reason: str = ""


class PlanView(View):
    """What would be deleted and what not. It is confirmed with `name`; `hindrances` say why it cannot be now.

    Pictures have no name, and are deleted without one.
    """

    subject: Subject
    subject_id: str
    name: str
    deletes: list[LineView]
    stays: list[LineView]
    hindrances: list[str]
    warnings: list[str]


class NewErasure(Body):
    """What to delete for good, confirmed with the model's name or the person's id; pictures need no confirmation."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"subject": "model", "subject_id": "m_3f0c", "confirm": "red-riding-hood"}]},
    )

    subject: Annotated[Subject, Field(strict=False)]  # JSON has it as text
    subject_id: Id
    confirm: str = Field(default="", max_length=128)


class ErasureView(View):
    """An erasure; when it is `done`, this is its receipt, in which there are neither names nor a person's id."""

    id: str
    subject: Subject
    subject_id: str = Field(description="Empty in the receipt of a person")
    state: State
    cause: Cause
    requested_at: datetime
    finished_at: datetime | None
    deleted: list[LineView] = Field(description="What this erasure deleted itself")
    gone: list[LineView] = Field(description="What was gone already, or another erasure deleted meanwhile")
    stays: list[LineView]
    hindrance: str = Field(description="Why it waits; empty where it does not")


class DueView(View):
    """A training, or a set of pictures, that failed or was canceled and is deleted by itself at `due_at`."""

    training_id: str | None = Field(description="Null where it is a set of pictures")
    images_id: str | None = Field(description="Null where it is a training")
    model_name: str
    due_at: datetime


class DueListView(View):
    """What is deleted within a week; `kept_days` is null where failed trainings are kept for ever."""

    kept_days: float | None
    items: list[DueView]


class PersonView(View):
    """What there is of a person, in numbers."""

    id: str
    shoots: int
    trainings: int
    models: int
    images: int = Field(description="Sets of pictures that were made with these models")


class PeopleView(View):
    """The people whom you have something of."""

    items: list[PersonView]


@router.get("/erasures/plan")
def plan_one_erasure(
    subject: Subject, subject_id: Annotated[str, Query(min_length=1, max_length=128)], user: User
) -> PlanView:
    """What would be deleted, and what not and why. Nothing is: it is the plan that an erasure carries out."""
    return _plan_view(preview_erasure(user, subject, subject_id, _ports()))


@router.post("/erasures", status_code=202)
def erase(new: NewErasure, user: User, response: Response) -> ErasureView:
    """Delete for good; it is done soon. The same again goes on with the one that is not done yet."""
    return _requested(request_erasure(user, new.subject, new.subject_id, new.confirm, _ports()), response)


@router.delete("/images/{images_id}", status_code=202, tags=["images"])
def delete_images(images_id: str, user: User, response: Response) -> ErasureView:
    """Delete a set of your pictures for good, with its prompt and what fal.ai keeps of it: an erasure, done soon.

    `GET /v1/erasures/plan?subject=images` shows before what that means.
    """
    return _requested(request_erasure(user, Subject.IMAGES, images_id, "", _ports()), response)


def _requested(erasure: Erasure, response: Response) -> ErasureView:
    response.headers["Location"] = f"/v1/erasures/{erasure.id}"
    return _view(erasure)


@router.get("/erasures")
def list_erasures(
    user: User, limit: Annotated[int, Query(ge=1, le=100)] = 20, cursor: str | None = None
) -> PageView[ErasureView]:
    """Your erasures and their receipts, newest first."""
    page = bootstrap.erasures().list_for_owner(user, limit=limit, cursor=cursor)
    return PageView(items=[_view(erasure) for erasure in page.items], next_cursor=page.next_cursor)


@router.get("/erasures/due")
def show_due(user: User) -> DueListView:
    """What is deleted by itself within a week, because its time has come."""
    kept_days = bootstrap.retention_settings().failed_kept_days
    found = list_due(user, kept_days=kept_days, jobs=bootstrap.jobs(), now=bootstrap.clock().now())
    return DueListView(kept_days=kept_days or None, items=[_due_view(due) for due in found])


@router.get("/erasures/{erasure_id}")
def show_erasure(erasure_id: str, user: User) -> ErasureView:
    """One of your erasures."""
    erasure = bootstrap.erasures().get(erasure_id)
    if erasure.owner_id != user:
        raise ErasureNotFound(id=erasure_id)
    return _view(erasure)


@router.get("/people")
def list_people(user: User) -> PeopleView:
    """The people whom you have shoots, trainings, models or pictures of, by their ids."""
    shoots = Counter(shoot.person_id for shoot in everything_of(bootstrap.shoots().list_for_owner, user))
    trainings = Counter(training.person_id for training in everything_of(bootstrap.trainings().list_for_owner, user))
    models = Counter(model.person_id for model in everything_of(bootstrap.models().list_for_owner, user))
    images = Counter(job.person_id for job in everything_of(bootstrap.images().list_for_owner, user))
    counted = {"shoots": shoots, "trainings": trainings, "models": models, "images": images}
    ids = sorted({*shoots, *trainings, *models, *images})
    return PeopleView(items=[PersonView(id=p, **{name: found[p] for name, found in counted.items()}) for p in ids])


def _ports() -> Erasing:
    # archives are gone when a training has ended, and the API may not look where they lie
    buckets = {
        Bucket.MODELS: bootstrap.models_bucket(),
        Bucket.THUMBNAILS: bootstrap.thumbnails_bucket(),
        Bucket.SHOOTS: bootstrap.shoots_bucket(),
    }
    return Erasing(
        erasures=bootstrap.erasures(),
        trainings=bootstrap.trainings(),
        images=bootstrap.images(),
        models=bootstrap.models(),
        shoots=bootstrap.shoots(),
        buckets=buckets,
        publisher=bootstrap.publisher(),
        clock=bootstrap.clock(),
        new_id=bootstrap.new_nonce,
        with_shoots=bootstrap.api_settings().shoot_import,
    )


def _due_view(due: Due) -> DueView:
    is_set = is_image_job(due.job.id)
    return DueView(
        training_id=None if is_set else due.job.id,
        images_id=due.job.id if is_set else None,
        model_name=due.job.model_name,
        due_at=due.at,
    )


def _plan_view(preview: Preview) -> PlanView:
    return PlanView(
        subject=preview.subject,
        subject_id=preview.id,
        name=preview.name,
        deletes=_lines(together(line_of(step) for step in preview.plan.steps)),
        stays=_lines(preview.plan.stays),
        hindrances=list(preview.hindrances),
        warnings=list(preview.warnings),
    )


def _view(erasure: Erasure) -> ErasureView:
    return ErasureView(
        id=erasure.id,
        subject=erasure.subject,
        subject_id=erasure.subject_id,
        state=State.DONE if erasure.has_receipt else State.OPEN,
        cause=erasure.cause,
        requested_at=erasure.requested_at,
        finished_at=erasure.finished_at,
        deleted=_lines(erasure.deleted),
        gone=_lines(erasure.gone),
        stays=_lines(erasure.stays),
        hindrance="" if erasure.has_receipt else erasure.hindrance,
    )


def _lines(lines: tuple[Line, ...]) -> list[LineView]:
    return [
        LineView(
            what=line.what,
            words=WORDS[line.what],
            count=line.count,
            size=line.size,
            of=list(line.of),
            reason=line.reason,
        )
        for line in lines
    ]
