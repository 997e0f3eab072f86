"""What an erasure deletes once more: who had begun before it may have written since. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from datetime import datetime

from shared.erasing.plan import (
    MOST_STEPS,
    Inventory,
    models_going,
    steps_of_pictures,
    steps_of_shoot,
    steps_of_version,
    trainings_going,
)
from shared.erasing.things import Step, Subject, What
from shared.image_jobs import images_prefix
from shared.models import model_id

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


def to_repeat(found: Inventory, steps: Sequence[Step], *, changed_after: datetime) -> tuple[Step, ...]:
    """The steps that delete what is still written by whoever is at work on a job that changed lately, on a shoot, or by
    whoever looks at pictures, however old they are; uncounted.

    `LATE_IMAGES` stands for the sets that were asked for while their model was being deleted. What is told of a job may
    be told late, however long it has been unchanged: where they are not too many for a record, all of that.
    """
    lately = _changed_lately(found, changed_after)
    told = (What.STORY, What.NOTICES) if len(steps) <= MOST_STEPS else ()
    due = (step for step in steps if step.what in told or (step.of in lately and step.what in _WRITTEN))
    return (
        *(replace(step, count=None, size=0) for step in due),
        *_of_images(found, lately),
        *_of_small_copies(found, steps),
        *_of_shoots(found),
        *_of_models_to_come(found, lately),
        *(Step(what=What.LATE_IMAGES, of=model.id) for model in models_going(found)),
    )


def _changed_lately(found: Inventory, changed_after: datetime) -> Set[str]:
    """The ids of the jobs, and of the models, that somebody may be at work on."""
    ids = {job.id for job in (*found.trainings, *found.images) if job.updated_at > changed_after}
    return ids | {m.id for m in found.models if m.trained_at > changed_after or m.training_id in ids}


def _of_images(found: Inventory, lately: Set[str]) -> Iterator[Step]:
    for job in found.images:
        if job.id in lately:
            yield from steps_of_pictures(job.id, job.prefix)


def _of_small_copies(found: Inventory, steps: Sequence[Step]) -> Iterator[Step]:
    """Of many sets all that there are of their version: for a picture that is still there, they are made anew."""
    sets = {} if found.subject is Subject.IMAGES else {job.id: job for job in found.images}
    for step in steps:
        if step.what is What.SMALL_PICTURES and (job := sets.get(step.of)):
            whole = images_prefix(job.person_id, job.model_name, job.version)
            yield Step(what=step.what, of=job.model_id, place=whole)
        elif step.what is What.SMALL_PICTURES:
            yield replace(step, count=None, size=0)


def _of_shoots(found: Inventory) -> Iterator[Step]:
    """An upload, or somebody who looks at the pictures, may have begun before and write afterwards."""
    for shoot in found.shoots:
        again = steps_of_shoot(shoot, with_shoots=found.with_shoots)
        yield from (step for step in again if step.what is not What.SHOOT)


def _of_models_to_come(found: Inventory, lately: Set[str]) -> Iterator[Step]:
    """A training without a model may get one, and a number for it: `VERSIONS` stands for what has it by then."""
    with_models = {model.training_id for model in found.models}
    for training in trainings_going(found):
        if training.id in lately and training.id not in with_models:
            yield Step(what=What.VERSIONS, of=training.id, place=f"{training.person_id}/{training.model_name}")
            yield Step(what=What.MODEL, of=model_id(training.id))


def version_steps(numbered: Step, version: int) -> Iterator[Step]:
    """What lies under the prefixes of the version that a training has by now."""
    person_id, _, name = numbered.place.partition("/")
    return steps_of_version(numbered.of, person_id, name, version)
