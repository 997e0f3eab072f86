"""What operators see of a message that was given up: never what is secret in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import Field

from functions.api.views import View
from shared.all_jobs import AnyJob
from shared.errors import UndecodableMessage
from shared.events import EVENTS, Event, ImagesFinished, ResultReported, TrainingFinished
from shared.messaging import decode
from shared.ports import DeadLetter
from shared.stages import Status

# a signed URL shows people, in pictures or weights; the nonce is half of what makes a callback ours
_SECRET = frozenset({"nonce", "archive_url", "parent_url", "weights_urls"})


class DeadLetterView(View):
    """A message that was given up. `training_id` is null where nobody can read it; `problem` then says why.

    `attempts` and `reason` are null and empty where the queue does not tell.
    """

    id: str = Field(examples=["training-requested-packager.42"])
    topic: str
    subscription: str
    published_at: datetime
    attempts: int | None
    reason: str
    size: int
    training_id: str | None
    fields: dict[str, Any]
    problem: str


class DeadLetterDetailView(DeadLetterView):
    """The same, with where its training stands, null where there is none, and what had best be done with it."""

    training_status: Status | None
    advice: str


class DeadLettersView(View):
    """The messages that were given up, the oldest first."""

    items: list[DeadLetterView]


@dataclass(frozen=True, kw_only=True)
class Content:
    """The event in a dead letter and its fields that may be shown; None where nobody can read it, as `problem` says."""

    event: Event | None
    problem: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


def content_of(letter: DeadLetter) -> Content:
    """What the letter says."""
    try:
        event = decode(letter.data, EVENTS[letter.topic])
    except UndecodableMessage as error:
        return Content(event=None, problem=error.message)
    said: dict[str, Any] = json.loads(letter.data)
    return Content(event=event, fields={name: said[name] for name in vars(event) if name in said.keys() - _SECRET})


def letter_view(letter: DeadLetter) -> DeadLetterView:
    """The letter as a list shows it."""
    return DeadLetterView.model_validate(_facts(letter, content_of(letter)))


def letter_detail(letter: DeadLetter, training: AnyJob | None) -> DeadLetterDetailView:
    """The letter with what is known of its training."""
    content = content_of(letter)
    facts = {
        **_facts(letter, content),
        "training_status": training.status if training else None,
        "advice": advice_for(content, training),
    }
    return DeadLetterDetailView.model_validate(facts)


def _facts(letter: DeadLetter, content: Content) -> dict[str, Any]:
    known = {name: getattr(letter, name) for name in DeadLetterView.model_fields if hasattr(letter, name)}
    return {
        **known,
        "size": len(letter.data),
        "training_id": content.event.training_id if content.event else None,
        "fields": dict(content.fields),
        "problem": content.problem,
    }


def advice_for(content: Content, training: AnyJob | None) -> str:
    """What an operator had best do with it, in a sentence."""
    if content.event is None:
        return "Nobody can read it, so redriving would only bring it back here: discard it."
    if training is None:
        return "Its job is not known: discard it."
    if isinstance(content.event, TrainingFinished | ImagesFinished):
        return "Redrive it when the receiver of notifications answers again: what it was told is not told twice."
    if training.may_still_deliver and isinstance(content.event, ResultReported):
        return "Redrive it: fal.ai may have finished what was given up, and then its weights can be recovered."
    if training.is_terminal:
        return f"Its training is {training.status}, and nothing is left to do: discard it."
    return "Redrive it: what is still due is done, what was done is not done again, and nothing is paid twice."
