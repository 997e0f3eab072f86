"""What happened to a training, as it is kept for its user and its operators: one entry per invocation. Pure.

An entry holds what an invocation logged about the training: static names, ids, codes and numbers. It is made by
`shared/narrating.py` and told in sentences by the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How an invocation ended: its message was acked or comes again, or its caller was answered."""

    ACKED = "acked"
    NACKED = "nacked"
    ANSWERED = "answered"


@dataclass(frozen=True, kw_only=True)
class Received:
    """The message that an invocation was about; `published_at` is None where the queue does not tell."""

    topic: str
    message_id: str
    attempt: int
    published_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class StoryEvent:
    """Something that was logged: its static name, and its fields as JSON has them."""

    at: datetime
    name: str
    severity: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        facts = " ".join(f"{name}={value}" for name, value in self.fields.items())
        return f"{self.at:%H:%M:%S.%f} {self.severity:7} {self.name} {facts}".rstrip()


@dataclass(frozen=True, kw_only=True)
class StoryEntry:
    """One invocation of `function`, from `at` to `ended_at`, as far as it concerned the training.

    `code` is that of the error that it ended with, `status` the HTTP status of an answer. After `expires_at` the
    entry may vanish at any time.
    """

    id: str
    training_id: str
    function: str
    at: datetime
    ended_at: datetime
    outcome: Outcome
    expires_at: datetime
    code: str | None = None
    status: int | None = None
    message: Received | None = None
    events: tuple[StoryEvent, ...] = ()

    def __str__(self) -> str:
        heading = f"{self.at:%H:%M:%S.%f} {self.function} {self.training_id}"
        if self.message:
            heading += f": {self.message.topic} {self.message.message_id}, delivery {self.message.attempt}"
        ending = " ".join(str(part) for part in (self.outcome, self.status, self.code) if part)
        return "\n".join([heading, *(f"  {event}" for event in self.events), f"  {ending}"])
