"""What hinders an erasure for now, and what is given up with it, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.erasing.plan import Inventory
from shared.erasing.things import Subject
from shared.jobs import Job
from shared.stages import Attention

NAMED = 5
BUSY = "something is under way"
CONTINUES = "a training continues from it"
DRAWS = "pictures are being made with it"


def under_way(jobs: Iterable[Job]) -> Iterator[Job]:
    """Those that cannot be deleted yet: they run, or fal.ai may still deliver what was paid for."""
    return (job for job in jobs if not job.is_terminal or job.attention is Attention.WATCHED)


def uses_of(model_id: str, found: Inventory) -> str:
    """What the model's weights are still needed for, in words; empty where for nothing."""
    uses: tuple[tuple[str, Iterable[Job]], ...] = ((CONTINUES, found.continuing), (DRAWS, found.images))
    needed = [(words, [job for job in under_way(jobs) if job.needs_model_id == model_id]) for words, jobs in uses]
    return "; ".join(f"{words} ({_ids(jobs)})" for words, jobs in needed if jobs)


def hindrances(found: Inventory) -> Iterator[str]:
    """Why the subject cannot be deleted now, and what to do; nothing where it can."""
    reasons: tuple[tuple[str, Iterable[Job]], ...]
    if found.subject is Subject.MODEL:
        # of a model's own training only its end counts
        own = [job for job in found.trainings if not job.is_terminal]
        reasons = ((BUSY, own), (CONTINUES, under_way(found.continuing)), (DRAWS, under_way(found.images)))
    else:
        reasons = ((BUSY, under_way((*found.trainings, *found.images))),)
    busy = [(words, list(jobs)) for words, jobs in reasons]
    if watched := [job for _, jobs in busy for job in jobs if job.is_terminal]:
        yield f"fal.ai may still deliver what was paid for: wait for {_ids(watched)}, a day at most"
    for words, jobs in busy:
        if running := [job for job in jobs if not job.is_terminal]:
            yield f"{words}: cancel {_ids(running)} or wait until it has ended, then delete"


def warnings(found: Inventory) -> Iterator[str]:
    """What is lost for good with the subject, although it was paid for."""
    lost = [training for training in found.trainings if training.is_recoverable]
    if lost and found.subject is not Subject.MODEL:
        yield f"Weights that are paid for and not fetched yet are given up with {_ids(lost)}."
    if lost_pictures := [job for job in found.images if job.is_recoverable]:
        yield f"Pictures that are paid for and not fetched yet are given up with {_ids(lost_pictures)}."
    if found.models and found.subject is not Subject.TRAINING:
        yield "The weights are deleted for good. Training them again costs money."


def _ids(jobs: Iterable[Job]) -> str:
    ids = [job.id for job in jobs]
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return ", ".join(ids[:NAMED]) + more
