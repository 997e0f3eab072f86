"""What holds when something was erased: nothing of it is left, nothing else went, and the receipt is true."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from functions.api.request_erasure import PERISHABLE
from shared.documents import to_document
from shared.erasing.receipt import Erasure, State
from shared.erasing.things import Subject, What
from shared.image_jobs import ImageJob, images_prefix
from shared.models import Model, staging_prefix, version_prefix
from shared.stages import Attention
from tests.simulation.scheduler import START
from tests.simulation.simulation import Outcome
from tests.simulation.watched import Deletion, Thing, Write
from tests.simulation.weather import CALM_AFTER_S

# From its time to its receipt, in calm weather, with a message that was lost before.
PATIENCE_S = 2 * 60 * 60.0


def _there(outcome: Outcome) -> tuple[Thing, ...]:
    return (*outcome.trainings, *outcome.images, *outcome.models)


def every_erasure_comes_to_its_end(outcome: Outcome) -> Iterator[str]:
    """Whatever happened to the eraser, it is done in the end."""
    for erasure in outcome.erasures:
        if erasure.state is not State.DONE:
            yield f"{erasure.id} of {erasure.subject} {erasure.subject_id} is not done: {erasure.hindrance}"


def what_was_erased_leaves_nothing(outcome: Outcome) -> Iterator[str]:
    """Of a thing that was erased nothing is left in any store or bucket; ids in what stays may name it."""
    names = [f"{bucket.uri}/{found.name}" for bucket in outcome.buckets for found in bucket.list("")]
    told = {entry.training_id for entry in outcome.stories}
    there = {thing.id for thing in _there(outcome)}
    for gone in (deletion.gone for deletion in outcome.deletions):
        if gone.id in there:
            yield f"{gone.id} is there again"
        if gone.id in told:
            yield f"of {gone.id} there still is a story"
        if gone.id in outcome.noticed:
            yield f"of {gone.id} there still is a notice"
        parts = _places(gone)
        yield from (f"of {gone.id} there still is {name}" for name in names if any(part in name for part in parts))


def nothing_is_made_with_what_is_deleted(outcome: Outcome) -> Iterator[str]:
    """Nothing is paid for whose model is about to be deleted, none goes while it is used, and no set outlives it."""
    for run in outcome.runs:
        claims = [w for w in outcome.writes if w.after.id == run.training_id and _claims(w, run.job.nonce)]
        model_id = claims[-1].after.needs_model_id if claims else None
        if model_id is not None and claims[-1].at_s > outcome.marked_s.get(model_id, claims[-1].at_s):
            yield f"{run.job.request_id} of {run.training_id} was paid for, and {model_id} was about to be deleted"
    for deletion in outcome.deletions:
        if not isinstance(deletion.gone, Model):
            continue
        before = {w.after.id: w.after for w in outcome.writes if w.at_s <= deletion.at_s}
        for job in before.values():
            sent = job.claim is not None and not job.claim.released and not job.is_terminal
            if job.needs_model_id == deletion.gone.id and sent:
                yield f"{deletion.gone.id} was deleted while {job.id} was {job.status}"
        left = (job.id for job in outcome.images if job.model_id == deletion.gone.id)
        yield from (f"{deletion.gone.id} was deleted, and its pictures {job_id} were not" for job_id in left)


def _claims(write: Write, nonce: str) -> bool:
    """Whether with this write somebody takes the right to send the job."""
    before, claim = write.before.claim if write.before else None, write.after.claim
    return claim is not None and claim != before and not claim.released and claim.nonce == nonce


def _places(gone: Thing) -> tuple[str, ...]:
    """What the objects of it have in their names."""
    if isinstance(gone, Model):
        place = (gone.person_id, gone.name, gone.version)
        return f"/{version_prefix(*place)}", f"/{images_prefix(*place)}", f"/{staging_prefix(gone.training_id)}"
    return f"/{gone.id}/", f"/{gone.id}."


def what_was_there_when_it_was_asked_is_gone(outcome: Outcome) -> Iterator[str]:
    """An erasure that is done left nothing of its subject but what its receipt names."""
    for erasure in outcome.erasures:
        asked = outcome.asked[erasure.id]
        asked_s = (erasure.requested_at - START) / timedelta(seconds=1)
        spared = {of for line in erasure.stays for of in line.of}
        before = {w.after.id for w in outcome.writes if w.before is None and w.at_s < asked_s}
        for thing in _there(outcome):
            was_there = thing.id in before or (isinstance(thing, Model) and thing.trained_at < erasure.requested_at)
            if was_there and _is_of(thing, asked) and thing.id not in spared:
                yield f"{erasure.id} of {asked.subject} is done, and {thing.id} is still there"
        yield from _shoots_left(asked, outcome)


def _shoots_left(asked: Erasure, outcome: Outcome) -> Iterator[str]:
    if asked.subject is not Subject.PERSON or not asked.with_shoots:
        return
    for owner, (shoot_ids, person_id) in outcome.shoots.items():
        if (owner, person_id) != (asked.owner_id, asked.subject_id):
            continue
        for shoot_id in shoot_ids:
            left = [f"{b.uri}/{found.name}" for b in outcome.buckets for found in b.list("") if shoot_id in found.name]
            yield from (f"of {shoot_id} there still is {name}" for name in left)


def _is_of(thing: Thing, asked: Erasure) -> bool:
    """Whether the thing goes with that subject."""
    if thing.owner_id != asked.owner_id:
        return False
    if asked.subject is Subject.PERSON:
        return thing.person_id == asked.subject_id
    if asked.subject is Subject.MODEL and isinstance(thing, ImageJob):
        return thing.model_id == asked.subject_id
    return thing.id == asked.subject_id


def nothing_else_was_deleted(outcome: Outcome) -> Iterator[str]:
    """Only erasures delete, only what their owner asked for, and nothing that is under way."""
    for deletion in outcome.deletions:
        asked = _asked_by(deletion, outcome)
        if asked is None or not (_is_of(deletion.gone, asked) or _came_late(deletion.gone, asked, outcome)):
            yield f"{deletion.gone.id} was deleted by {deletion.by}, which was not to"
        gone = deletion.gone
        if not isinstance(gone, Model) and not (gone.is_terminal and gone.attention is Attention.NONE):
            yield f"{gone.id} was deleted while it was {gone.status} and {gone.attention}"
    for model in outcome.models:
        prefix = version_prefix(model.person_id, model.name, model.version)
        lost = {f"{prefix}model.json", f"{prefix}README.md"} - {found.name for found in outcome.kept.list(prefix)}
        yield from (f"{model.id} has lost {name}" for name in sorted(lost))


def _came_late(gone: Thing, asked: Erasure, outcome: Outcome) -> bool:
    """Whether it is the model of an erased training that a mirror made only then."""
    asked_s = (asked.requested_at - START) / timedelta(seconds=1)
    of_training = asked.subject is Subject.TRAINING and isinstance(gone, Model) and gone.training_id == asked.subject_id
    return of_training and outcome.created_s[gone.id] >= asked_s


def _asked_by(deletion: Deletion, outcome: Outcome) -> Erasure | None:
    """The erasure, as it was asked for, whose delivery made the deletion: `eraser e_n7 m1.1`."""
    function, _, rest = deletion.by.partition(" ")
    return outcome.asked.get(rest.partition(" ")[0]) if function == "eraser" else None


def what_has_had_its_time_goes(outcome: Outcome) -> Iterator[str]:
    """Where failed and canceled jobs are kept for so long, none is there long after that."""
    if not outcome.kept_days:
        return
    for job in (*outcome.trainings, *outcome.images):
        due_s = max(CALM_AFTER_S, (job.updated_at - START + timedelta(days=outcome.kept_days)).total_seconds())
        if job.status in PERISHABLE and job.attention is Attention.NONE and outcome.ended_s > due_s + PATIENCE_S:
            yield f"{job.id} is {job.status}, and its time came {outcome.ended_s - due_s:.0f} s ago"


def receipts_are_true(outcome: Outcome) -> Iterator[str]:
    """A receipt tells what stays at fal.ai, and nothing that could tell who was erased."""
    unforgotten = {run.training_id: run.job.request_id for run in outcome.runs if not run.forgotten}
    for erasure in outcome.erasures:
        text = json.dumps(to_document(erasure, mode="json"))
        person_id = outcome.asked[erasure.id].subject_id
        if erasure.batch or (erasure.subject is Subject.PERSON and f'"{person_id}"' in text):
            yield f"the receipt {erasure.id} still says what was to be deleted"
        told = {of for line in erasure.stays if line.what is What.FAL_REQUEST for of in line.of}
        deleted = [d.gone for d in outcome.deletions if _asked_by(d, outcome) == outcome.asked[erasure.id]]
        for gone in deleted:
            if gone.id in unforgotten and gone.id not in told:
                yield f"fal.ai still has {unforgotten[gone.id]} of {gone.id}, and the receipt {erasure.id} is silent"


def one_erasure_counts_what_is_deleted(outcome: Outcome) -> Iterator[str]:
    """Of erasures that overlap one tells that it deleted a thing; a thing that came back late is deleted again."""
    things = (What.TRAINING, What.IMAGES, What.MODEL)
    lines = (line for erasure in outcome.erasures for line in erasure.deleted if line.what in things)
    # what was undone had a life before, which may have been deleted as well
    counted = Counter(of for line in lines for of in line.of if of not in outcome.undone)
    deleted = Counter(deletion.gone.id for deletion in outcome.deletions)
    yield from (f"{count} receipts count {of}" for of, count in counted.items() if count > deleted[of])


ERASURE_RULES = (
    every_erasure_comes_to_its_end,
    what_was_erased_leaves_nothing,
    what_was_there_when_it_was_asked_is_gone,
    what_has_had_its_time_goes,
    nothing_else_was_deleted,
    nothing_is_made_with_what_is_deleted,
    receipts_are_true,
    one_erasure_counts_what_is_deleted,
)
