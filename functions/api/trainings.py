"""Routes of trainings: start one, and follow it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import ConfigDict, Field
from sse_starlette import EventSourceResponse

from functions.api.auth import User
from functions.api.bodies import Body
from functions.api.end_training import CancelOutcome, cancel_job, retry_training
from functions.api.given_captions import MAX_CAPTIONS
from functions.api.idempotency import IdempotencyKey
from functions.api.live_events import LiveStream, live_events
from functions.api.live_trainings import LiveTrainings
from functions.api.plain_words import Words
from functions.api.start_training import TrainingDesk, Wish, start_training
from functions.api.told_routes import ToldRoute
from functions.api.views import PageView, Samples, TrainingView, View, training_view
from shared import bootstrap
from shared.datasets import TRIGGER_WORD_PATTERN
from shared.errors import ModelNotFound, TrainingNotFound
from shared.events import CheckRequested
from shared.models import failed_log_name, version_prefix
from shared.stages import Status
from shared.trainers import DEFAULT_TRAINER
from shared.trainings import Training

router = APIRouter(prefix="/v1/trainings", tags=["trainings"], route_class=ToldRoute)


class NewTraining(Body):
    """What to train. `model_name` defaults to the costume's name; parameters are the trainer's own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"shoot_id": "s_3f0c1b9a52de4471a6b8e0d2", "trigger_word": "TOK", "parameters": {"steps": 1000}}
            ]
        },
    )

    shoot_id: str = Field(min_length=1, max_length=128)
    trigger_word: str = Field(pattern=TRIGGER_WORD_PATTERN, examples=["TOK"])
    model_name: Words | None = Field(default=None, min_length=1, max_length=60)
    trainer: str = Field(default=DEFAULT_TRAINER, max_length=200)
    preset: str | None = Field(
        default=None,
        max_length=40,
        description="One of the trainer's presets, see GET /v1/trainers; what `parameters` say counts more",
        examples=["person"],
    )
    parameters: Mapping[str, Any] = Field(default_factory=dict, max_length=100)
    samples: Samples = None
    force: bool = Field(default=False, description="Train, and pay, although the same was ordered before")
    captions: Mapping[str, str] = Field(
        default_factory=dict,
        max_length=MAX_CAPTIONS,
        description="Captions for this training alone, by the picture's name without its extension; they are used in "
        "the place of the stored ones, which stay as they are. At most 512 KiB together.",
        examples=[{"01": "[trigger] in a red cape, full body"}],
    )
    without: list[str] = Field(
        default_factory=list,
        max_length=MAX_CAPTIONS,
        description="Pictures to be left out of this training alone, by their names without extensions",
        examples=[["07", "12"]],
    )


class CancellationView(View):
    """What a cancellation came to, in a sentence, and the training as it now is."""

    outcome: CancelOutcome
    message: str
    training: TrainingView


def owned_training(training_id: str, user: str) -> Training:
    """The user's training; `TrainingNotFound` also where it is somebody else's."""
    training = bootstrap.trainings().get(training_id)
    if training.owner_id != user:
        raise TrainingNotFound(id=training_id)
    return training


@router.post("", status_code=202)
def create_training(
    new: NewTraining,
    user: User,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> TrainingView:
    """Start a training. The same Idempotency-Key gives the same training, however often it is sent: it is paid once.

    The same order under another key is a 409 unless it is to be forced: `already_training`, `already_trained` or,
    where it failed and was or may have been paid for, `already_paid`.
    """
    wish = Wish(**new.model_dump())
    training = start_training(user, idempotency_key or bootstrap.new_nonce(), wish, desk())
    response.headers["Location"] = f"/v1/trainings/{training.id}"
    return training_view(training, bootstrap.clock().now())


def desk() -> TrainingDesk:
    """The ports of starting a training."""
    return TrainingDesk(
        shoots=bootstrap.shoots(),
        pictures=bootstrap.shoots_bucket(),
        jobs=bootstrap.jobs(),
        models=bootstrap.models(),
        accounts=bootstrap.accounts(),
        publisher=bootstrap.publisher(),
        clock=bootstrap.clock(),
        dataset_limits=bootstrap.dataset_settings(),
        limits=bootstrap.user_limits(),
        samples=bootstrap.api_settings().sample_images,
    )


@router.post("/{training_id}/cancel")
def cancel_one_training(training_id: str, user: User) -> CancellationView:
    """Cancel your training: `canceled` (nothing was charged), `asked` (fal.ai may still bill) or `too_late`."""
    training = owned_training(training_id, user)
    done = cancel_job(
        training,
        jobs=bootstrap.jobs(),
        publisher=bootstrap.publisher(),
        clock=bootstrap.clock(),
    )
    view = training_view(bootstrap.trainings().get(training.id), bootstrap.clock().now())
    return CancellationView(outcome=done.outcome, message=done.message, training=view)


@router.post("/{training_id}/retry", status_code=202)
def retry_one_training(training_id: str, user: User, response: Response) -> TrainingView:
    """Fetch paid weights again, at no cost, where that is what failed; else start the same training anew."""
    training = retry_training(owned_training(training_id, user), desk())
    response.headers["Location"] = f"/v1/trainings/{training.id}"
    return training_view(training, bootstrap.clock().now())


@router.post("/{training_id}/check", status_code=202)
def check_one_training(training_id: str, user: User) -> TrainingView:
    """Have your training looked after now instead of within a minute; what is found shows in the training."""
    training = owned_training(training_id, user)
    if not training.is_terminal:
        bootstrap.publisher().publish(CheckRequested(training_id=training.id))
    return training_view(training, bootstrap.clock().now())


@router.get("/{training_id}/log", response_class=PlainTextResponse)
def show_log(training_id: str, user: User) -> PlainTextResponse:
    """fal.ai's log: whole once the run has ended, its last lines until then."""
    training = owned_training(training_id, user)
    kept = _kept_log(training)
    lines = "".join(f"{line}\n" for line in training.log_tail)
    return PlainTextResponse(lines if kept is None else kept)


def _kept_log(training: Training) -> bytes | None:
    name, bucket = _log_name(training), bootstrap.models_bucket()
    return b"".join(bucket.read(name)) if name and bucket.stat(name) else None


def _log_name(training: Training) -> str | None:
    if training.model_id is None:
        return failed_log_name(training.id) if training.is_terminal else None
    try:
        model = bootstrap.models().get(training.model_id)
    except ModelNotFound:
        return None
    return f"{version_prefix(model.person_id, model.name, model.version)}training.log"


@router.get("")
def list_trainings(
    user: User,
    status: Status | None = None,
    shoot_id: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: str | None = None,
) -> PageView[TrainingView]:
    """Your trainings, newest first; of one shoot or in one status where that is asked."""
    page = bootstrap.trainings().list_for_owner(user, limit=limit, cursor=cursor, status=status, shoot_id=shoot_id)
    now = bootstrap.clock().now()
    return PageView(items=[training_view(t, now) for t in page.items], next_cursor=page.next_cursor)


@router.get("/{training_id}")
def show_training(training_id: str, user: User) -> TrainingView:
    """One of your trainings: where it stands, since when, and why."""
    return training_view(owned_training(training_id, user), bootstrap.clock().now())


@router.get("/{training_id}/events", response_class=EventSourceResponse)
def follow_training(
    training_id: str, user: User, request: Request, last_event_id: Annotated[str | None, Header()] = None
) -> EventSourceResponse:
    """Server-sent events until the training ends: `training` (its whole view), `log` ({index, line}), `end`.

    A client that reads slowly is told the latest state and not all those in between. `Last-Event-ID` continues the log
    where a broken connection left it. Who asks is checked when the stream begins. With too many streams open, a 429
    (yours) or 503 (everybody's) says so: ask for the training itself now and then instead.
    A browser's `EventSource` cannot send a token, and needs none behind Identity-Aware Proxy and on one's own machine;
    an app that signs in with Firebase reads the stream with `fetch`, which can.
    """
    owned_training(training_id, user)
    seen = int(last_event_id) if last_event_id and re.fullmatch("[0-9]{1,9}", last_event_id) else 0
    live: LiveTrainings = request.app.state.live_trainings
    events = live_events(training_id, seen, live=live, view=_live_view)
    return LiveStream(events, seats=request.app.state.stream_seats, user=user)


def _live_view(training: Training) -> str:
    return training_view(training, bootstrap.clock().now()).model_dump_json()
