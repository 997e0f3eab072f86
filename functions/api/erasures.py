"""Routes of deleting for good: what would go, asking for it, and the receipts."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field

from functions.api.auth import User
from functions.api.bodies import Body
from functions.api.erasure_views import (
    DueListView,
    ErasureView,
    PeopleView,
    PersonView,
    PlanView,
    due_view,
    erasure_view,
    plan_view,
)
from functions.api.request_erasure import Erasing, list_due, preview_erasure, request_erasure
from functions.api.views import PageView
from shared import bootstrap
from shared.erasing.inventory import everything_of
from shared.erasing.receipt import Erasure
from shared.erasing.things import Bucket, Subject
from shared.errors import ErasureNotFound

router = APIRouter(prefix="/v1", tags=["erasures"])

Id = Annotated[str, Field(min_length=1, max_length=128)]


class NewErasure(Body):
    """What to delete for good, confirmed with the model's name or the person's id; pictures need no confirmation."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"subject": "model", "subject_id": "m_3f0c", "confirm": "red-riding-hood"}]},
    )

    subject: Annotated[Subject, Field(strict=False)]  # JSON has it as text
    subject_id: Id
    confirm: str = Field(default="", max_length=128)


@router.get("/erasures/plan")
def plan_one_erasure(
    subject: Subject, subject_id: Annotated[str, Query(min_length=1, max_length=128)], user: User
) -> PlanView:
    """What would be deleted, and what not and why. Nothing is: it is the plan that an erasure carries out."""
    return plan_view(preview_erasure(user, subject, subject_id, _ports()))


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
    return erasure_view(erasure)


@router.get("/erasures")
def list_erasures(
    user: User, limit: Annotated[int, Query(ge=1, le=100)] = 20, cursor: str | None = None
) -> PageView[ErasureView]:
    """Your erasures and their receipts, newest first."""
    page = bootstrap.erasures().list_for_owner(user, limit=limit, cursor=cursor)
    return PageView(items=[erasure_view(erasure) for erasure in page.items], next_cursor=page.next_cursor)


@router.get("/erasures/due")
def show_due(user: User) -> DueListView:
    """What is deleted by itself within a week, because its time has come."""
    kept_days = bootstrap.retention_settings().failed_kept_days
    found = list_due(user, kept_days=kept_days, jobs=bootstrap.jobs(), now=bootstrap.clock().now())
    return DueListView(kept_days=kept_days or None, items=[due_view(due) for due in found])


@router.get("/erasures/{erasure_id}")
def show_erasure(erasure_id: str, user: User) -> ErasureView:
    """One of your erasures."""
    erasure = bootstrap.erasures().get(erasure_id)
    if erasure.owner_id != user:
        raise ErasureNotFound(id=erasure_id)
    return erasure_view(erasure)


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
        with_shoots=bootstrap.api_settings().shoot_import,
    )
