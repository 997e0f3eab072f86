"""Which steps an erasure takes, and in which order. Pure.

A plan is a value: the same one is shown before anything is deleted and carried out afterwards. It deletes from the
outside in, what leads to something after that, so that whoever goes on after a crash still finds what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from shared.erasing.things import Line, Step, Subject, What
from shared.erasing.words import BILLED, MODEL_STAYS, THE_APPS, TRAINING_STAYS, UNCONFIRMED
from shared.image_jobs import ImageJob, images_prefix
from shared.jobs import Job
from shared.models import Model, failed_log_name, staging_prefix, version_prefix
from shared.shoots import Shoot
from shared.trainings import Training

MOST_STEPS = 400
"""Steps that are recorded at once: a document of the database holds 1 MiB, and the rest has its turn after them."""


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What the database has of a subject, all of one owner's. `versions` are the trainings' numbers, where they have
    one; `models` are all models of these trainings, also where only the training is to go. `images` are sets of
    pictures, `continuing` are trainings that begin with the weights of one of the models, and do not go with it."""

    subject: Subject
    trainings: Sequence[Training] = ()
    images: Sequence[ImageJob] = ()
    models: Sequence[Model] = ()
    continuing: Sequence[Training] = ()
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
    steps: list[Step] = []
    for images in found.images:
        steps += steps_of_images(images, models_going(found))
    for model in models_going(found):
        steps += _of_model(model, found)
    for training in trainings_going(found):
        steps += _of_training(training, found)
    if found.subject is Subject.PERSON:
        for shoot in found.shoots:
            steps += steps_of_shoot(shoot, with_shoots=found.with_shoots)
    return Plan(steps=tuple(steps), stays=tuple(_staying(found, steps)))


def next_batch(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The first of them, as many as are recorded at once; what belongs to one thing is not torn apart, so that all of
    it has gone when its record has."""
    first = tuple(islice(steps, MOST_STEPS + 1))
    if len(first) <= MOST_STEPS:
        return first
    return tuple(step for step in first if step.of != first[-1].of)


def models_going(found: Inventory) -> Sequence[Model]:
    """The models that go: none where a training goes by itself."""
    return () if found.subject is Subject.TRAINING else found.models


def trainings_going(found: Inventory) -> Sequence[Training]:
    """The trainings that go: none where a model goes by itself."""
    return () if found.subject is Subject.MODEL else found.trainings


def _of_model(model: Model, found: Inventory) -> Iterator[Step]:
    if found.subject is Subject.MODEL:
        for training in found.trainings:
            yield from _of_request(model.id, training)
            yield Step(what=What.STAGED_FILES, of=model.id, place=staging_prefix(training.id))
    yield from steps_of_version(model.id, model.person_id, model.name, model.version)
    yield Step(what=What.MODEL, of=model.id, count=1)


def steps_of_images(images: ImageJob, models: Sequence[Model] = ()) -> Iterator[Step]:
    """What goes of a set of pictures; the pictures themselves go with its model where that is one of `models`."""
    yield from _of_request(images.id, images)
    # with its model, everything under the version's prefix goes
    if all(model.id != images.model_id for model in models):
        yield from steps_of_pictures(images.id, images.prefix)
    yield Step(what=What.FAILED_LOG, of=images.id, place=failed_log_name(images.id))
    yield Step(what=What.STORY, of=images.id)
    yield Step(what=What.NOTICES, of=images.id)
    yield Step(what=What.IMAGES, of=images.id, count=1)


def steps_of_pictures(of: str, prefix: str) -> Iterator[Step]:
    """Pictures and then their small copies: who writes one after that sees that its picture is gone."""
    yield Step(what=What.PICTURES, of=of, place=prefix)
    yield Step(what=What.SMALL_PICTURES, of=of, place=prefix)


def _of_request(of: str, job: Job) -> Iterator[Step]:
    if job.fal is not None:
        yield Step(what=What.FAL_REQUEST, of=of, place=job.fal.request_id, count=1)


def steps_of_version(of: str, person_id: str, name: str, version: int) -> Iterator[Step]:
    """What lies under a version's own prefixes: those of a name or person may be another owner's, too."""
    yield from steps_of_pictures(of, images_prefix(person_id, name, version))
    yield Step(what=What.MODEL_FILES, of=of, place=version_prefix(person_id, name, version))


def _of_training(training: Training, found: Inventory) -> Iterator[Step]:
    kept = any(model.training_id == training.id for model in found.models)
    yield from _of_request(training.id, training)
    yield Step(what=What.ARCHIVES, of=training.id, place=f"trainings/{training.id}/")
    yield Step(what=What.STAGED_FILES, of=training.id, place=staging_prefix(training.id))
    yield Step(what=What.FAILED_LOG, of=training.id, place=failed_log_name(training.id))
    version = found.versions.get(training.id)
    if version is not None and not kept:
        yield from steps_of_version(training.id, training.person_id, training.model_name, version)
    if version is not None and found.subject is Subject.PERSON:
        yield Step(what=What.VERSIONS, of=training.id, place=f"{training.person_id}/{training.model_name}", count=1)
    yield Step(what=What.STORY, of=training.id)
    yield Step(what=What.NOTICES, of=training.id)
    yield Step(what=What.TRAINING, of=training.id, count=1)


def steps_of_shoot(shoot: Shoot, *, with_shoots: bool) -> Iterator[Step]:
    """What goes of a shoot with its person: small pictures, and all of it, before them, where shoots are ours."""
    if with_shoots:
        yield Step(what=What.SHOOT_FILES, of=shoot.id, place=f"shoots/{shoot.id}/")
    yield Step(what=What.SHOOT_THUMBNAILS, of=shoot.id, place=f"thumbnails/{shoot.id}/")
    if with_shoots:
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
    jobs = (*found.images, *trainings_going(found))
    if ids := tuple(job.id for job in jobs if job.fal is None and job.claim is not None and not job.claim.released):
        yield Line(what=What.FAL_REQUEST, count=len(ids), of=ids, reason=UNCONFIRMED)
    if billed := tuple(step.of for step in steps if step.what is What.FAL_REQUEST):
        yield Line(what=What.BILLING, count=len(billed), of=billed, reason=BILLED)
