"""What a press undid that came too late: it is no second life of what had been erased, and nothing was paid for it."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace

from shared.all_jobs import AnyJob
from shared.models import Model
from shared.reservations import TOO_LATE
from shared.stages import TERMINAL, Status
from tests.simulation.simulation import Outcome
from tests.simulation.watched import Thing


def without_undone(outcome: Outcome) -> Outcome:
    """The outcome without jobs that were recorded again by a late copy of their press, and canceled at once."""
    began = _begun_again(outcome)
    if not began:
        return outcome
    deletions = [deletion for deletion in outcome.deletions if not _is_undone(deletion.gone)]
    lived = [deletion.gone for deletion in deletions if not isinstance(deletion.gone, Model)]
    new_ends = began.keys() - {job.id for job in lived if job.status is Status.CANCELED}
    return replace(
        outcome,
        trainings=[training for training in outcome.trainings if not _is_undone(training)],
        images=[images for images in outcome.images if not _is_undone(images)],
        writes=[w for w in outcome.writes if w.at_s < began.get(w.after.id, w.at_s + 1)],
        deletions=deletions,
        finished=[e for e in outcome.finished if not (e.training_id in new_ends and e.status == Status.CANCELED)],
        told=list(_told(outcome, ends_before={end for job in lived for end in _ends(job)})),
        stories=[entry for entry in outcome.stories if entry.training_id not in began],
        noticed=[job_id for job_id in outcome.noticed if job_id not in began],
        undone=frozenset(began),
    )


def _ends(job: AnyJob) -> Iterator[str]:
    """The ids under which its ends are told."""
    return (f"{job.id}-{number}-{move.status}" for number, move in enumerate(job.history) if move.status in TERMINAL)


def _told(outcome: Outcome, *, ends_before: Set[str]) -> Iterator[tuple[str, str]]:
    """What was told, without the ends of what was undone; one that an earlier life had, too, is told once."""
    undone = {end for write in outcome.writes if _is_undone(write.after) for end in _ends(write.after)}
    seen = set(undone - ends_before)
    for notice_id, body in outcome.told:
        if notice_id not in seen:
            yield notice_id, body
        if notice_id in undone:
            seen.add(notice_id)


def _is_undone(thing: Thing) -> bool:
    return not isinstance(thing, Model) and thing.status is Status.CANCELED and thing.history[-1].reason == TOO_LATE


def _begun_again(outcome: Outcome) -> dict[str, float]:
    """The jobs that were undone, with the moment at which they were recorded again."""
    undone = {write.after.id for write in outcome.writes if _is_undone(write.after)}
    return {w.after.id: w.at_s for w in outcome.writes if w.before is None and w.after.id in undone}
