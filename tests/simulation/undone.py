"""What a press undid that came too late: it is no second life of what had been erased, and nothing was paid for it."""

from __future__ import annotations

from dataclasses import replace

from shared.models import Model
from shared.reservations import TOO_LATE
from shared.stages import Status
from tests.simulation.simulation import Outcome
from tests.simulation.watched import Thing


def without_undone(outcome: Outcome) -> Outcome:
    """The outcome without jobs that were recorded again by a late copy of their press, and canceled at once."""
    began = _begun_again(outcome)
    if not began:
        return outcome
    deletions = [deletion for deletion in outcome.deletions if not _is_undone(deletion.gone)]
    canceled_before = {
        d.gone.id for d in deletions if not isinstance(d.gone, Model) and d.gone.status is Status.CANCELED
    }
    new_ends = began.keys() - canceled_before
    return replace(
        outcome,
        trainings=[training for training in outcome.trainings if not _is_undone(training)],
        images=[images for images in outcome.images if not _is_undone(images)],
        writes=[w for w in outcome.writes if w.at_s < began.get(w.after.id, w.at_s + 1)],
        deletions=deletions,
        finished=[e for e in outcome.finished if not (e.training_id in new_ends and e.status == Status.CANCELED)],
        told=[(i, body) for i, body in outcome.told if not (i.endswith("canceled") and i.split("-")[0] in new_ends)],
        stories=[entry for entry in outcome.stories if entry.training_id not in began],
        noticed=[job_id for job_id in outcome.noticed if job_id not in began],
    )


def _is_undone(thing: Thing) -> bool:
    return not isinstance(thing, Model) and thing.status is Status.CANCELED and thing.history[-1].reason == TOO_LATE


def _begun_again(outcome: Outcome) -> dict[str, float]:
    """The jobs that were undone, with the moment at which they were recorded again."""
    undone = {write.after.id for write in outcome.writes if _is_undone(write.after)}
    return {w.after.id: w.at_s for w in outcome.writes if w.before is None and w.after.id in undone}
