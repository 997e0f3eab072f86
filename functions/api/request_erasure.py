"""The use cases behind "Delete…": what would go is shown first; then it is recorded, and the eraser does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared import logs
from shared.all_jobs import Jobs
from shared.erasing.hindrances import hindrances, warnings
from shared.erasing.inventory import Buckets, measured, take_inventory
from shared.erasing.plan import Inventory, Plan, plan_erasure
from shared.erasing.receipt import Cause, Erasure
from shared.erasing.things import Subject
from shared.erasing.words import GENERAL
from shared.errors import Conflict, ImagesNotFound, ModelNotFound, NotFound, PersonNotFound, TrainingNotFound
from shared.events import ErasureRequested
from shared.jobs import Job, derived_key, keyed_id
from shared.models import Model
from shared.ports import (
    Clock,
    ErasureRepository,
    ImageJobRepository,
    ModelRepository,
    Publisher,
    ShootRepository,
    TrainingRepository,
)
from shared.shoots import Shoot
from shared.stages import Status

DUE_WITHIN = timedelta(days=7)
DUE_LIMIT = 100
LATEST = 100
PERISHABLE = (Status.FAILED, Status.CANCELED)

_MISSING: dict[Subject, type[NotFound]] = {
    Subject.MODEL: ModelNotFound,
    Subject.TRAINING: TrainingNotFound,
    Subject.IMAGES: ImagesNotFound,
    Subject.PERSON: PersonNotFound,
}


@dataclass(frozen=True, kw_only=True)
class Erasing:
    """The ports of asking for an erasure; `with_shoots` where shoots are ours to delete."""

    erasures: ErasureRepository
    trainings: TrainingRepository
    images: ImageJobRepository
    models: ModelRepository
    shoots: ShootRepository
    buckets: Buckets
    publisher: Publisher
    clock: Clock
    with_shoots: bool


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What an erasure would do: confirmed with `name`, where it has one; not now where there are `hindrances`."""

    subject: Subject
    id: str
    name: str
    plan: Plan
    hindrances: tuple[str, ...]
    warnings: tuple[str, ...]


def preview_erasure(owner_id: str, subject: Subject, subject_id: str, ports: Erasing) -> Preview:
    """The dry run: the very plan that the eraser would carry out. `…NotFound` where the owner has no such thing."""
    found = _inventory(owner_id, subject, subject_id, ports)
    _refuse_missing(found, subject_id)
    plan = measured(plan_erasure(found), ports.buckets)
    return Preview(
        subject=subject,
        id=subject_id,
        name=_name(found, subject_id),
        plan=Plan(steps=plan.steps, stays=(*plan.stays, *GENERAL)),
        hindrances=tuple(hindrances(found)),
        warnings=tuple(warnings(found)),
    )


def request_erasure(owner_id: str, subject: Subject, subject_id: str, confirm: str, ports: Erasing) -> Erasure:
    """Record it and have it done; an open one is gone on with. Pressing twice is pressing once, also at one instant.

    `Conflict` unless `confirm` is the name, of which pictures have none, and while something of it is under way: a run
    that is paid for is never left behind, and its weights are never lost without a word.
    """
    # looked at first: where no erasure is on record after that, none had begun to delete what was found
    found = _inventory(owner_id, subject, subject_id, ports)
    latest = ports.erasures.list_for_owner(owner_id, limit=LATEST).items
    if (before := _open_one(latest, subject, subject_id)) is not None:
        return _announced(before.id, ports)
    _refuse_missing(found, subject_id)
    if confirm != (name := _name(found, subject_id)):
        raise Conflict(reason=f"to delete this for good, confirm with its name, {name}")
    if hindering := list(hindrances(found)):
        raise Conflict(reason="; ".join(hindering))
    erasure = Erasure.requested(
        at=ports.clock.now(),
        id=_id_for(found, owner_id, subject_id, latest),
        owner_id=owner_id,
        subject=subject,
        subject_id=subject_id,
        cause=Cause.ASKED,
        with_shoots=ports.with_shoots,
    )
    if ports.erasures.create(erasure):
        logs.info("erasure_requested", erasure_id=erasure.id, subject=subject)
    return _announced(erasure.id, ports)


def _announced(erasure_id: str, ports: Erasing) -> Erasure:
    ports.publisher.publish(ErasureRequested(training_id=erasure_id))
    return ports.erasures.get(erasure_id)


def _id_for(found: Inventory, owner_id: str, subject_id: str, latest: Sequence[Erasure]) -> str:
    """The same for whoever saw the same. The ids of what goes are in it, so that nobody finds out by trying names whom
    a receipt was about that has forgotten it."""
    things: Sequence[Job | Model | Shoot] = (*found.trainings, *found.images, *found.models, *found.shoots)
    seen = (*(erasure.id for erasure in latest), *sorted(thing.id for thing in things))
    return keyed_id("e", owner_id, derived_key("erase", found.subject, subject_id, *seen))


@dataclass(frozen=True, kw_only=True)
class Due:
    """A job that is deleted by itself at `at`."""

    job: Job
    at: datetime


def list_due(owner_id: str, *, kept_days: float, jobs: Jobs, now: datetime) -> list[Due]:
    """The owner's jobs whose time comes within a week, the first one first; none where they are kept for ever."""
    if not kept_days:
        return []
    kept = timedelta(days=kept_days)
    before = now + DUE_WITHIN - kept
    found = [
        Due(job=job, at=job.updated_at + kept)
        for status in PERISHABLE
        for of_kind in (jobs.trainings, jobs.images)
        for job in of_kind.list_ended(status, unchanged_since=before, limit=DUE_LIMIT, owner_id=owner_id)
    ]
    return sorted(found, key=lambda due: due.at)


def _inventory(owner_id: str, subject: Subject, subject_id: str, ports: Erasing) -> Inventory:
    return take_inventory(
        subject,
        subject_id,
        owner_id,
        with_shoots=ports.with_shoots,
        trainings=ports.trainings,
        images=ports.images,
        models=ports.models,
        shoots=ports.shoots,
    )


def _refuse_missing(found: Inventory, subject_id: str) -> None:
    if not (found.trainings or found.images or found.models or found.shoots):
        raise _MISSING[found.subject](id=subject_id)


def _name(found: Inventory, subject_id: str) -> str:
    if found.subject is Subject.MODEL:
        return found.models[0].name if found.models else subject_id
    if found.subject is Subject.IMAGES:
        return ""
    return found.trainings[0].model_name if found.subject is Subject.TRAINING else subject_id


def _open_one(latest: Sequence[Erasure], subject: Subject, subject_id: str) -> Erasure | None:
    same = (e for e in latest if not e.has_receipt and (e.subject, e.subject_id) == (subject, subject_id))
    return next(same, None)
