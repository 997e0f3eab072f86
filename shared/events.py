"""What happened, as messages: frozen, past tense, one topic each, ids and URIs only.

`SUBSCRIPTIONS` says which function listens to which topic; the local dispatcher, the emulators' set-up and
the Terraform all follow it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to the job `training_id`: a training, or pictures where it begins with `i_`."""

    topic: ClassVar[str]

    training_id: str


@dataclass(frozen=True, kw_only=True)
class TrainingRequested(Event):
    """A training is recorded and its archive is due."""

    topic: ClassVar[str] = "training-requested"


@dataclass(frozen=True, kw_only=True)
class DatasetPackaged(Event):
    """The archive is ready: `archive_url` is its signed URL, good until `expires_at` (Unix seconds).

    So is `parent_url`, that of the weights to continue from, where the training does so.
    """

    topic: ClassVar[str] = "dataset-packaged"

    nonce: str
    archive_url: str = field(repr=False)
    expires_at: float
    parent_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class ResultReported(Event):
    """Somebody, `reported_by`, says that fal.ai is done with a request: look there."""

    topic: ClassVar[str] = "result-reported"

    nonce: str
    request_id: str
    reported_by: str = "webhook"


@dataclass(frozen=True, kw_only=True)
class CheckRequested(Event):
    """Somebody asks to look after a training now instead of at the monitor's next tick.

    Or, with `everything`, after all that a tick looks after: then `training_id` is the name of that look, under which
    its story is told.
    """

    topic: ClassVar[str] = "check-requested"

    everything: bool = False


@dataclass(frozen=True, kw_only=True)
class ErasureRequested(Event):
    """An erasure is recorded and due; `training_id` is the erasure's id, as of no training there is one."""

    topic: ClassVar[str] = "erasure-requested"


@dataclass(frozen=True, kw_only=True)
class TrainingFinished(Event):
    """A training reached a terminal status; for the app."""

    topic: ClassVar[str] = "training-finished"

    status: str
    model_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ImagesRequested(Event):
    """Pictures are recorded as wanted, and their model's weights are to be signed."""

    topic: ClassVar[str] = "images-requested"


@dataclass(frozen=True, kw_only=True)
class ImagesPrepared(Event):
    """The weights can be fetched: at `weights_urls`, in the order of the model's files, until `expires_at` (Unix s)."""

    topic: ClassVar[str] = "images-prepared"

    nonce: str
    weights_urls: Sequence[str] = field(repr=False)
    expires_at: float


@dataclass(frozen=True, kw_only=True)
class ImagesFinished(Event):
    """A set of pictures reached a terminal status; for the app."""

    topic: ClassVar[str] = "images-finished"

    status: str
    model_id: str


EVENTS: Mapping[str, type[Event]] = {
    kind.topic: kind
    for kind in (
        TrainingRequested,
        DatasetPackaged,
        ImagesRequested,
        ImagesPrepared,
        ResultReported,
        CheckRequested,
        ErasureRequested,
        TrainingFinished,
        ImagesFinished,
    )
}

SUBSCRIPTIONS: Mapping[str, tuple[str, ...]] = {
    TrainingRequested.topic: ("packager",),
    DatasetPackaged.topic: ("submitter",),
    ImagesRequested.topic: ("packager",),
    ImagesPrepared.topic: ("submitter",),
    ResultReported.topic: ("mirror",),
    CheckRequested.topic: ("monitor",),
    TrainingFinished.topic: ("notifier",),
    ErasureRequested.topic: ("eraser",),
    ImagesFinished.topic: ("notifier",),
}

NOTIFIER = "notifier"


def subscriptions(*, notifies: bool) -> Mapping[str, tuple[str, ...]]:
    """The same as they are made: the notifier listens only where somebody is notified."""
    return {
        topic: tuple(name for name in functions if notifies or name != NOTIFIER)
        for topic, functions in SUBSCRIPTIONS.items()
    }


def subscription_name(topic: str, function: str) -> str:
    """The name of the function's subscription to the topic."""
    return f"{topic}-{function}"


def dead_letter_name(subscription: str) -> str:
    """The name of the topic for the subscription's dead letters, and of that topic's own pull subscription."""
    return f"{subscription}-dead-letter"
