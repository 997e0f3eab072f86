"""What a receiver is told of an end of a job, in the sense of Standard Webhooks: type, timestamp, data. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shared.events import Event, ImagesFinished, TrainingFinished
from shared.image_jobs import ImageJob, Origin
from shared.models import Model
from shared.stages import TERMINAL, Status
from shared.training_records import Failure, Move

SENTENCE_CHARACTERS = 1000
"""Of a failure's sentence: it may quote fal.ai, and a notification is small (20 kB, the specification asks)."""


class Job(Protocol):
    """What is told of every kind of job."""

    @property
    def id(self) -> str: ...  # noqa: D102 - fields
    @property
    def owner_id(self) -> str: ...  # noqa: D102
    @property
    def history(self) -> Sequence[Move]: ...  # noqa: D102
    @property
    def error(self) -> Failure | None: ...  # noqa: D102
    @property
    def model_id(self) -> str | None: ...  # noqa: D102
    @property
    def charged(self) -> bool | None: ...  # noqa: D102
    @property
    def settled_usd(self) -> float | None: ...  # noqa: D102
    @property
    def erasure_id(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A kind of job in a receiver's words: `word` begins the type, `id_field` names its id, `page` is the console's.

    `done` says that it succeeded, of the data's fields. `facts` are further fields of its own. Of ends that it
    `withholds`, nobody is told.
    """

    word: str
    id_field: str
    page: str
    done: Callable[[Mapping[str, Any]], str]
    facts: Callable[[Any], Mapping[str, Any]] = lambda job: {}
    withholds: Callable[[Any, Status], bool] = lambda job, status: False


def _trained(data: Mapping[str, Any]) -> str:
    name, version = data["model_name"], data["version"]
    if version is None:
        return f"The training succeeded, and its model {name} was deleted since."
    return f"The training succeeded: the model {name}, version {version}, is ready."


def _made(data: Mapping[str, Any]) -> str:
    count, asked, version = data["count"], data["asked"], f"{data['model_name']}, version {data['version']}"
    if count < asked:
        return f"{count} of {asked} pictures are ready, made with {version}: fal.ai delivered no more."
    return f"{'1 picture is' if count == 1 else f'{count} pictures are'} ready, made with {version}."


def _facts_of_pictures(images: ImageJob) -> Mapping[str, Any]:
    """The model by its name and version, also where it is deleted since."""
    told = ("model_name", "version", "origin", "group_id")
    return {"count": len(images.pictures), "asked": images.count, **{name: getattr(images, name) for name in told}}


SUBJECTS: Mapping[type[Event], Subject] = {
    TrainingFinished: Subject(
        word="training",
        id_field="training_id",
        page="/trainings/{id}",
        done=_trained,
        facts=lambda training: {"model_name": training.model_name},
    ),
    ImagesFinished: Subject(
        word="images",
        id_field="images_id",
        page="/models/{model_id}",
        done=_made,
        facts=_facts_of_pictures,
        # the end of the training before was told, and samples belong to it
        withholds=lambda images, status: images.origin is Origin.SAMPLES and status is Status.SUCCEEDED,
    ),
}
"""By the event that tells of an end. Whoever adds one subscribes the notifier to it (shared/events.py)."""


@dataclass(frozen=True, kw_only=True)
class End:
    """One arrival of a job in a terminal status; `id` is the same whenever it is looked at, and holds no dot."""

    id: str
    move: Move
    is_last: bool


def ends_of(job: Job) -> Iterator[End]:
    """Every end that the job has come to, the earliest first: one that was recovered, or that fal.ai finished after it
    had been given up, has several."""
    last = len(job.history) - 1
    for number, move in enumerate(job.history):
        if move.status in TERMINAL:
            yield End(id=f"{job.id}-{number}-{move.status}", move=move, is_last=number == last)


def body_of(job: Job, end: End, subject: Subject, *, model: Model | None, console_url: str) -> str:
    """The body as it is signed and sent: compact JSON with ids, codes, numbers and a sentence, and no address but ours.

    What a job records of itself is of its last end: of an earlier one the time, the status and the code are told.
    """
    known = _of_the_last_end(job, model) if end.is_last else _of_an_earlier_end(end)
    data = {
        subject.id_field: job.id,
        "status": end.move.status,
        "owner_id": job.owner_id,
        "model_name": model.name if model else None,
        **known,
        **subject.facts(job),
        "link": f"{console_url}{subject.page.format(id=job.id, model_id=job.model_id)}" if console_url else None,
    }
    if end.is_last and end.move.status is Status.SUCCEEDED:
        data["sentence"] = subject.done(data)
    content = {
        "type": f"{subject.word}.{end.move.status}",
        "timestamp": end.move.at.isoformat().replace("+00:00", "Z"),
        "data": data,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _of_the_last_end(job: Job, model: Model | None) -> dict[str, Any]:
    error = job.error
    return {
        "model_id": job.model_id,
        "version": model.version if model else None,
        "code": error.code if error else None,
        "sentence": error.message[:SENTENCE_CHARACTERS] if error else None,
        "charged": job.charged,
        "cost_usd": _cost_of(job),
    }


def _cost_of(job: Job) -> float | None:
    """What it cost; None where nobody knows, not even whether: what was quoted then is no cost to tell."""
    return None if job.charged is None or job.settled_usd is None else round(job.settled_usd, 4)


def _of_an_earlier_end(end: End) -> dict[str, Any]:
    code = end.move.reason if end.move.status is Status.FAILED else None
    sentence = f"It {end.move.status} at that time, and that was not the end of it."
    return {"model_id": None, "version": None, "code": code, "sentence": sentence, "charged": None, "cost_usd": None}
