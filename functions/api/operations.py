"""The operators' routes: messages that were given up, a step announced again, a look at everything now.

All of it is safe to repeat, since every step is guarded by where its training stands. To anybody else these paths are
not there.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import Field

from functions.api.auth import Operator
from functions.api.dead_letter_views import (
    DeadLetterDetailView,
    DeadLettersView,
    content_of,
    letter_detail,
    letter_view,
)
from functions.api.sweep_views import SWEEP, SweepView, sweep_view
from functions.api.told_routes import ToldRoute
from functions.api.views import View
from shared import bootstrap, logs
from shared.all_jobs import AnyJob
from shared.errors import JobNotFound
from shared.events import CheckRequested
from shared.image_jobs import ImageJob
from shared.jobs import Kind
from shared.ports import DeadLetter
from shared.stages import Status

router = APIRouter(prefix="/v1/ops", tags=["operations"], route_class=ToldRoute)


class RedrivenView(View):
    """The job whose step was announced again, where it stood, and what will come of it."""

    training_id: str = Field(description="A set of pictures has its own id here")
    kind: Kind
    status: Status
    message: str = Field(examples=["It is being looked after now: its ZIP is made where that is still due."])


_DUE = {
    Status.REQUESTED: "its ZIP is made where that is still due",
    Status.PACKAGED: "its ZIP is signed anew and sent to fal.ai where that is still due",
    Status.SUBMITTING: "it is sent where fal.ai certainly has nothing, and looked for there otherwise",
    Status.SUBMITTED: "fal.ai is asked how far it is",
    Status.RUNNING: "fal.ai is asked how far it is",
    Status.MIRRORING: "its weights are fetched where that is still due",
}
_ENDED = "what is left to do after the end, such as deleting its ZIP, is done once more"
_DUE_OF_PICTURES = {
    **_DUE,
    Status.REQUESTED: "its model's weights are signed where that is still due",
    Status.PACKAGED: "its model's weights are signed anew and sent to fal.ai where that is still due",
    Status.MIRRORING: "its pictures are fetched where that is still due",
}
_ENDED_PICTURES = "what is left to do after the end, such as telling of it, is done once more"


@router.get("/dead-letters")
def list_dead_letters(operator: Operator, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> DeadLettersView:
    """The messages that were given up after their last delivery, the oldest first; looking loses none.

    On Google Cloud it takes some seconds, and somebody who looks at the same moment may hold some of them back.
    """
    return DeadLettersView(items=[letter_view(letter) for letter in bootstrap.dead_letters().list(limit=limit)])


@router.get("/dead-letters/{letter_id}")
def show_dead_letter(letter_id: str, operator: Operator) -> DeadLetterDetailView:
    """One of them, where its training stands, and what had best be done with it."""
    return _detail(bootstrap.dead_letters().get(letter_id))


@router.post("/dead-letters/{letter_id}/redrive", status_code=202)
def redrive_dead_letter(letter_id: str, operator: Operator) -> DeadLetterDetailView:
    """Deliver it again, with all its attempts. What was done before is not done again."""
    letter = bootstrap.dead_letters().redrive(letter_id)
    training_id = _training_id(letter)
    logs.warning("dead_letter_redriven", training_id=training_id, topic=letter.topic, operator=operator)
    return _detail(letter)


@router.post("/dead-letters/{letter_id}/discard")
def discard_dead_letter(letter_id: str, operator: Operator) -> DeadLetterDetailView:
    """Forget it, for good; its training, where it is unfinished, is still looked after by the monitor."""
    letter = bootstrap.dead_letters().discard(letter_id)
    training_id = _training_id(letter)
    logs.warning("dead_letter_discarded", training_id=training_id, topic=letter.topic, operator=operator)
    return _detail(letter)


@router.post("/trainings/{training_id}/redrive", status_code=202)
def redrive_training(training_id: str, operator: Operator) -> RedrivenView:
    """Have anybody's training or set of pictures looked after now: the step that is still due is announced again."""
    job = bootstrap.jobs().get(training_id)
    bootstrap.publisher().publish(CheckRequested(training_id=job.id))
    logs.warning("step_redriven", training_id=job.id, status=job.status, operator=operator)
    return RedrivenView(training_id=job.id, kind=job.kind, status=job.status, message=_what_is_due(job))


def _what_is_due(job: AnyJob) -> str:
    of_pictures = isinstance(job, ImageJob)
    due, ended = (_DUE_OF_PICTURES, _ENDED_PICTURES) if of_pictures else (_DUE, _ENDED)
    return f"It is being looked after now: {due.get(job.status, ended)}."


@router.post("/sweeps", status_code=202)
def start_sweep(operator: Operator) -> SweepView:
    """Have everything looked after now, leftover ZIPs too, as the monitor does every minute."""
    sweep_id = f"{SWEEP}{bootstrap.new_nonce()}"
    bootstrap.publisher().publish(CheckRequested(training_id=sweep_id, everything=True))
    return SweepView(id=sweep_id, done=False)


@router.get("/sweeps/{sweep_id}")
def show_sweep(sweep_id: str, operator: Operator) -> SweepView:
    """What a sweep found; not `done` where the monitor has not come to it yet, or nobody asked for it."""
    if not sweep_id.startswith(SWEEP):
        raise HTTPException(404)
    return sweep_view(sweep_id, bootstrap.stories().list_for_training(sweep_id, limit=10))


def _detail(letter: DeadLetter) -> DeadLetterDetailView:
    return letter_detail(letter, _training_of(letter))


def _training_of(letter: DeadLetter) -> AnyJob | None:
    if (training_id := _training_id(letter)) is None:
        return None
    try:
        return bootstrap.jobs().get(training_id)
    except JobNotFound:
        return None


def _training_id(letter: DeadLetter) -> str | None:
    event = content_of(letter).event
    return event.training_id if event else None
