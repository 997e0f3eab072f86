"""Erasing: what is there of a model, a training, pictures or a person, in which order it goes, what is told. Pure.

A plan is a value: the same one is shown before anything is deleted and carried out afterwards. It deletes from the
outside in, what leads to something after that, so that whoever goes on after a crash still finds what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from shared.image_jobs import ImageJob, images_prefix
from shared.jobs import Job
from shared.models import Model, failed_log_name, model_id, staging_prefix, version_prefix
from shared.shoots import Shoot
from shared.stages import Attention
from shared.trainings import Training

MOST_STEPS = 400
"""Steps that are recorded at once: a document of the database holds 1 MiB, and the rest has its turn after them."""


class Subject(StrEnum):
    """What can be erased: a model, a training, a set of pictures, or everything that one owner has of a person."""

    MODEL = "model"
    TRAINING = "training"
    IMAGES = "images"
    PERSON = "person"


class What(StrEnum):
    """The kinds of things that are deleted, or not."""

    FAL_REQUEST = "fal_request"
    ARCHIVES = "archives"
    STAGED_FILES = "staged_files"
    FAILED_LOG = "failed_log"
    MODEL_FILES = "model_files"
    PICTURES = "pictures"
    SMALL_PICTURES = "small_pictures"
    IMAGES = "images"
    STORY = "story"
    NOTICES = "notices"
    MODEL = "model"
    TRAINING = "training"
    VERSIONS = "versions"
    SHOOT_FILES = "shoot_files"
    SHOOT_THUMBNAILS = "shoot_thumbnails"
    SHOOT = "shoot"
    ACCOUNT = "account"
    BILLING = "billing"
    TOLD = "told"
    SAFETY_COPIES = "safety_copies"


class Bucket(StrEnum):
    """The buckets, by what is in them."""

    DATASETS = "datasets"
    MODELS = "models"
    THUMBNAILS = "thumbnails"
    SHOOTS = "shoots"


BUCKET_OF: Mapping[What, Bucket] = {
    What.ARCHIVES: Bucket.DATASETS,
    What.STAGED_FILES: Bucket.MODELS,
    What.FAILED_LOG: Bucket.MODELS,
    What.MODEL_FILES: Bucket.MODELS,
    What.PICTURES: Bucket.MODELS,
    What.SMALL_PICTURES: Bucket.THUMBNAILS,
    What.SHOOT_FILES: Bucket.SHOOTS,
    What.SHOOT_THUMBNAILS: Bucket.THUMBNAILS,
}
"""What lies in a bucket, and in which; everything else is a document, or fal.ai's."""

WORDS: Mapping[What, str] = {
    What.FAL_REQUEST: "the request at fal.ai, with what was sent and the files that it made",
    What.ARCHIVES: "the ZIP of pictures and captions",
    What.STAGED_FILES: "files that were fetched and not verified yet",
    What.FAILED_LOG: "fal.ai's log of the failed run",
    What.MODEL_FILES: "weights, configuration and what lies beside them",
    What.PICTURES: "pictures that were made with the model",
    What.SMALL_PICTURES: "small copies of these pictures",
    What.IMAGES: "the record of a set of pictures with its prompt, and what the app sees of it",
    What.STORY: "the story of what happened",
    What.NOTICES: "what was told to the outside of its end",
    What.MODEL: "the model's record",
    What.TRAINING: "the training's record, and what the app sees of it",
    What.VERSIONS: "whose the numbers of these versions are",
    What.SHOOT_FILES: "the shoot's pictures and captions",
    What.SHOOT_THUMBNAILS: "small copies of the shoot's pictures",
    What.SHOOT: "the shoot's record",
    What.ACCOUNT: "what was spent today and reserved",
    What.BILLING: "fal.ai's bill for the run",
    What.TOLD: "what a receiver of notifications was told",
    What.SAFETY_COPIES: "copies against accidents",
}

THE_APPS = "pictures and record of a shoot are the app's: delete the shoot there"
MONEY = "the sum bounds what you may spend today; it names no person"
BILLED = "fal.ai keeps its own bills: a request id, a time and an amount, without what was sent"
COPIES = (
    "on Google Cloud, soft delete and the database's backups keep what was deleted, and audit logs the names of files, "
    "for the days that the operator has set, and then forget it by themselves"
)
TOLD = "where somebody outside is notified, ids and model names were sent there: they have to be forgotten there"
UNCONFIRMED = (
    "fal.ai never confirmed that it got the request, so it cannot be asked to delete it: look at fal.ai's "
    "request list. fal.ai forgets what it was sent after 30 days"
)
BEGUN_AGAIN = "it was begun again meanwhile: delete it when it has ended"
MODEL_STAYS = "a training does not take its model along: delete the model by itself"
TRAINING_STAYS = "a model does not take its training along: delete the training by itself"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to delete: `of` is the id of what it belongs to, `place` where it is: a prefix, or fal.ai's request.

    `count` objects with `size` bytes together were there when the plan was made; None where nobody looked.
    """

    what: What
    of: str
    place: str = ""
    count: int | None = None
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a receipt: things of one kind, by the ids of what they belong to; with `reason`, why they stay."""

    what: What
    count: int = 0
    size: int = 0
    of: tuple[str, ...] = ()
    reason: str = ""

    def plus(self, other: Line) -> Line:
        """Both in one line; they are of one kind and reason."""
        of = tuple(dict.fromkeys((*self.of, *other.of)))
        return replace(self, count=self.count + other.count, size=self.size + other.size, of=of)


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What the database has of a subject, all of one owner's. `versions` are the trainings' numbers, where they have
    one; `models` are all models of these trainings, also where only the training is to go. `images` are sets of
    pictures."""

    subject: Subject
    trainings: Sequence[Training] = ()
    images: Sequence[ImageJob] = ()
    models: Sequence[Model] = ()
    shoots: Sequence[Shoot] = ()
    versions: Mapping[str, int] = field(default_factory=dict)
    with_shoots: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is deleted, in this order, and what is not and why."""

    steps: tuple[Step, ...] = ()
    stays: tuple[Line, ...] = ()


def plan_erasure(found: Inventory) -> Plan:
    """The plan for everything in `found`."""
    of_trainings, of_models = found.trainings, found.models
    if found.subject is Subject.MODEL:
        of_trainings = ()
    elif found.subject is Subject.TRAINING:
        of_models = ()
    steps: list[Step] = []
    for images in found.images:
        steps += _of_images(images, of_models)
    for model in of_models:
        steps += _of_model(model, found)
    for training in of_trainings:
        steps += _of_training(training, found)
    if found.subject is Subject.PERSON:
        for shoot in found.shoots:
            steps += _of_shoot(shoot, with_shoots=found.with_shoots)
    return Plan(steps=tuple(steps), stays=tuple(_staying(found, steps)))


def _of_model(model: Model, found: Inventory) -> Iterator[Step]:
    if found.subject is Subject.MODEL:
        for training in found.trainings:
            yield from _of_request(model.id, training)
            yield Step(what=What.STAGED_FILES, of=model.id, place=staging_prefix(training.id))
    yield from _of_version(model.id, model.person_id, model.name, model.version)
    yield Step(what=What.MODEL, of=model.id, count=1)


def _of_images(images: ImageJob, models: Sequence[Model]) -> Iterator[Step]:
    yield from _of_request(images.id, images)
    # with its model, everything under the version's prefix goes
    if all(model.id != images.model_id for model in models):
        yield Step(what=What.SMALL_PICTURES, of=images.id, place=images.prefix)
        yield Step(what=What.PICTURES, of=images.id, place=images.prefix)
    yield Step(what=What.FAILED_LOG, of=images.id, place=failed_log_name(images.id))
    yield Step(what=What.STORY, of=images.id)
    yield Step(what=What.NOTICES, of=images.id)
    yield Step(what=What.IMAGES, of=images.id, count=1)


def _of_request(of: str, job: Job) -> Iterator[Step]:
    if job.fal is not None:
        yield Step(what=What.FAL_REQUEST, of=of, place=job.fal.request_id, count=1)


def _of_version(of: str, person_id: str, name: str, version: int) -> Iterator[Step]:
    """What lies under a version's own prefixes: those of a name or person may be another owner's, too."""
    pictures = images_prefix(person_id, name, version)
    yield Step(what=What.SMALL_PICTURES, of=of, place=pictures)
    yield Step(what=What.PICTURES, of=of, place=pictures)
    yield Step(what=What.MODEL_FILES, of=of, place=version_prefix(person_id, name, version))


def _of_training(training: Training, found: Inventory) -> Iterator[Step]:
    kept = any(model.training_id == training.id for model in found.models)
    yield from _of_request(training.id, training)
    yield Step(what=What.ARCHIVES, of=training.id, place=f"trainings/{training.id}/")
    yield Step(what=What.STAGED_FILES, of=training.id, place=staging_prefix(training.id))
    yield Step(what=What.FAILED_LOG, of=training.id, place=failed_log_name(training.id))
    version = found.versions.get(training.id)
    if version is not None and not kept:
        yield from _of_version(training.id, training.person_id, training.model_name, version)
    if version is not None and found.subject is Subject.PERSON:
        yield Step(what=What.VERSIONS, of=training.id, place=f"{training.person_id}/{training.model_name}", count=1)
    yield Step(what=What.STORY, of=training.id)
    yield Step(what=What.NOTICES, of=training.id)
    yield Step(what=What.TRAINING, of=training.id, count=1)


def _of_shoot(shoot: Shoot, *, with_shoots: bool) -> Iterator[Step]:
    yield Step(what=What.SHOOT_THUMBNAILS, of=shoot.id, place=f"thumbnails/{shoot.id}/")
    if with_shoots:
        yield Step(what=What.SHOOT_FILES, of=shoot.id, place=f"shoots/{shoot.id}/")
        yield Step(what=What.SHOOT, of=shoot.id, count=1)


def _staying(found: Inventory, steps: Iterable[Step]) -> Iterator[Line]:
    """What the plan leaves alone, although it has to do with the subject."""
    if found.subject is Subject.TRAINING and (ids := tuple(model.id for model in found.models)):
        yield Line(what=What.MODEL, count=len(ids), of=ids, reason=MODEL_STAYS)
    if found.subject is Subject.MODEL and (ids := tuple(training.id for training in found.trainings)):
        yield Line(what=What.TRAINING, count=len(ids), of=ids, reason=TRAINING_STAYS)
    if found.subject is Subject.PERSON and found.shoots and not found.with_shoots:
        ids = tuple(shoot.id for shoot in found.shoots)
        yield Line(what=What.SHOOT, count=len(ids), of=ids, reason=THE_APPS)
    jobs = (*found.images, *(found.trainings if found.subject is not Subject.MODEL else ()))
    if ids := tuple(job.id for job in jobs if job.fal is None and job.claim is not None and not job.claim.released):
        yield Line(what=What.FAL_REQUEST, count=len(ids), of=ids, reason=UNCONFIRMED)
    if billed := tuple(step.of for step in steps if step.what is What.FAL_REQUEST):
        yield Line(what=What.BILLING, count=len(billed), of=billed, reason=BILLED)


def to_repeat(found: Inventory, steps: Sequence[Step], *, changed_after: datetime) -> tuple[Step, ...]:
    """The steps that delete what is still written by whoever is at work on a job that changed lately, or on a shoot;
    uncounted.

    A training without a model may get one, and a number for it: `VERSIONS` stands for what has that number by then.
    Of pictures those sets alone that are known: others may have been begun meanwhile, and stay. What is told of a job
    may be told late, however long it has been unchanged: where they are not too many for a record, all of that.
    """
    trainings = [training for training in found.trainings if training.updated_at > changed_after]
    ids = {job.id for job in (*trainings, *found.images) if job.updated_at > changed_after}
    ids |= {m.id for m in found.models if m.trained_at > changed_after or m.training_id in ids}
    told = (What.STORY, What.NOTICES) if len(steps) <= MOST_STEPS else ()
    due = (step for step in steps if step.what in told or (step.of in ids and step.what in _WRITTEN))
    repeated = [replace(step, count=None, size=0) for step in due]
    for job in found.images:
        if job.id in ids:
            repeated += [Step(what=what, of=job.id, place=job.prefix) for what in (What.SMALL_PICTURES, What.PICTURES)]
    for shoot in found.shoots:
        # an upload, or somebody who looks at the pictures, may have begun before and write afterwards
        repeated += [step for step in _of_shoot(shoot, with_shoots=found.with_shoots) if step.what is not What.SHOOT]
    with_models = {model.training_id for model in found.models}
    for training in trainings if found.subject is not Subject.MODEL else ():
        if training.id not in with_models:
            name = f"{training.person_id}/{training.model_name}"
            repeated += [
                Step(what=What.VERSIONS, of=training.id, place=name),
                Step(what=What.MODEL, of=model_id(training.id)),
            ]
    return tuple(repeated)


def version_steps(numbered: Step, version: int) -> Iterator[Step]:
    """What lies under the prefixes of the version that a training has by now."""
    person_id, _, name = numbered.place.partition("/")
    return _of_version(numbered.of, person_id, name, version)


_WRITTEN = frozenset(
    {
        What.ARCHIVES,
        What.STAGED_FILES,
        What.FAILED_LOG,
        What.MODEL_FILES,
        What.STORY,
        What.NOTICES,
        What.MODEL,
    }
)

GENERAL: tuple[Line, ...] = (
    Line(what=What.ACCOUNT, reason=MONEY),
    Line(what=What.TOLD, reason=TOLD),
    Line(what=What.SAFETY_COPIES, reason=COPIES),
)
"""What stays whatever is erased."""


def under_way(jobs: Iterable[Job]) -> Iterator[Job]:
    """Those that cannot be deleted yet: they run, or fal.ai may still deliver what was paid for."""
    return (job for job in jobs if not job.is_terminal or job.attention is Attention.WATCHED)


class State(StrEnum):
    """Where an erasure stands. One that is open and has its receipt is looked at once more (`Erasure.again`)."""

    OPEN = "open"
    DONE = "done"


class Cause(StrEnum):
    """Why something is erased: its owner asked, or its time had come."""

    ASKED = "asked"
    RETENTION = "retention"


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """One erasure as it is stored; when it is done, it is its own receipt and holds neither names nor a person's id.

    `batch` are the steps at hand: what they deleted counts when all of them are through. `hindrance` says why it waits.
    `again` are steps that are repeated at `again_at`, when it has its receipt already, and then forgotten: who had
    begun with one of these jobs before may have written since.
    """

    id: str
    owner_id: str
    subject: Subject
    subject_id: str
    state: State
    cause: Cause
    requested_at: datetime
    updated_at: datetime
    with_shoots: bool = False
    finished_at: datetime | None = None
    batch: tuple[Step, ...] = ()
    deleted: tuple[Line, ...] = ()
    stays: tuple[Line, ...] = ()
    hindrance: str = ""
    again: tuple[Step, ...] = ()
    again_at: datetime | None = None

    @property
    def has_receipt(self) -> bool:
        """Whether everything that was found is deleted."""
        return self.finished_at is not None

    @classmethod
    def requested(cls, *, at: datetime, **fields: Any) -> Self:
        """An erasure as it is asked for."""
        return cls(state=State.OPEN, requested_at=at, updated_at=at, **fields)

    def begun(self, plan: Plan, *, at: datetime, again: Sequence[Step] = ()) -> Erasure:
        """This erasure with its next batch, and with steps that are to be repeated; itself where it has one, or its
        receipt. Whoever planned what another delivery did meanwhile has to plan anew: see `unchanged`.

        What stays is told now: what leads to it is gone afterwards.
        """
        if self.batch or self.has_receipt:
            return self
        return replace(
            self,
            batch=plan.steps[:MOST_STEPS],
            stays=with_news(self.stays, plan.stays),
            again=tuple(dict.fromkeys((*self.again, *again))),
            updated_at=at,
        )

    def went(self, batch: tuple[Step, ...], left: Sequence[Line], *, at: datetime) -> Erasure:
        """This erasure when every step of `batch` is through but what is `left`; itself where it was counted before."""
        if self.batch != batch:
            return self
        spared = {(line.what, of) for line in left for of in line.of}
        gone = [line_of(step) for step in batch if (step.what, step.of) not in spared]
        return replace(
            self,
            batch=(),
            deleted=together((*self.deleted, *gone)),
            stays=together((*self.stays, *left)),
            hindrance="",
            updated_at=at,
        )

    def finished(self, stays: Sequence[Line], *, at: datetime, again_at: datetime | None = None) -> Erasure:
        """This erasure as its receipt; itself where it is one. A person's id is forgotten with the person.

        It is done, unless steps are to be repeated at `again_at`.
        """
        if self.has_receipt or self.batch:
            return self
        return replace(
            self,
            state=State.OPEN if self.again else State.DONE,
            again_at=again_at if self.again else None,
            subject_id="" if self.subject is Subject.PERSON else self.subject_id,
            stays=(*with_news(self.stays, stays), *GENERAL),
            hindrance="",
            finished_at=at,
            updated_at=at,
        )

    def unchanged(self, seen: Erasure) -> bool:
        """Whether nothing was deleted since it was `seen`."""
        return (self.deleted, self.stays) == (seen.deleted, seen.stays)

    def looked_again(self, *, at: datetime) -> Erasure:
        """This receipt when its steps were repeated: done, and without the names of what was deleted."""
        return replace(self, state=State.DONE, again=(), again_at=None, hindrance="", updated_at=at)

    def hindered(self, sentence: str, *, at: datetime) -> Erasure:
        """This erasure with why it waits."""
        return self if self.state is State.DONE else replace(self, hindrance=sentence, updated_at=at)


def line_of(step: Step) -> Line:
    """How a receipt tells of a step that is done."""
    return Line(what=step.what, count=step.count or 0, size=step.size, of=(step.of,))


def with_news(told: Sequence[Line], lines: Iterable[Line]) -> tuple[Line, ...]:
    """`told` and of `lines` what is not told yet, by what it is of."""
    known = {(line.what, line.reason, of) for line in told for of in line.of}
    news = (replace(line, of=tuple(i for i in line.of if (line.what, line.reason, i) not in known)) for line in lines)
    return together((*told, *(replace(line, count=len(line.of)) for line in news if line.of)))


def together(lines: Iterable[Line]) -> tuple[Line, ...]:
    """One line for each kind and reason, in the order in which they first came."""
    found: dict[tuple[What, str], Line] = {}
    for line in lines:
        key = (line.what, line.reason)
        found[key] = found[key].plus(line) if key in found else line
    return tuple(found.values())
