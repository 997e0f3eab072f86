"""What the API answers about deleting: plans, erasures with their receipts, what is due, and people."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from functions.api.request_erasure import Due, Preview
from functions.api.views import View
from shared.erasing.receipt import Cause, Erasure, State
from shared.erasing.things import MOST_NAMED, Line, Subject, What, line_of, together
from shared.erasing.words import WORDS
from shared.image_jobs import is_image_job


class LineView(View):
    """Things of one kind: how many, their bytes, and the ids of what they belong to; `reason` says why they stay,
    or why they were gone."""

    what: What
    words: str = Field(examples=["weights, configuration and what lies beside them"])
    count: int
    size: int
    of: list[str] = Field(description=f"The first {MOST_NAMED} ids")
    unnamed: int = Field(default=0, description="Of how many more it is, which are not named")
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


def due_view(due: Due) -> DueView:
    """When a job is deleted by itself."""
    is_set = is_image_job(due.job.id)
    return DueView(
        training_id=None if is_set else due.job.id,
        images_id=due.job.id if is_set else None,
        model_name=due.job.model_name,
        due_at=due.at,
    )


def plan_view(preview: Preview) -> PlanView:
    """What an erasure would do."""
    return PlanView(
        subject=preview.subject,
        subject_id=preview.id,
        name=preview.name,
        deletes=_lines(together(line_of(step) for step in preview.plan.steps)),
        stays=_lines(preview.plan.stays),
        hindrances=list(preview.hindrances),
        warnings=list(preview.warnings),
    )


def erasure_view(erasure: Erasure) -> ErasureView:
    """The public side of an erasure; it is done as soon as it has its receipt."""
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
            unnamed=line.unnamed,
            reason=line.reason,
        )
        for line in lines
    ]
