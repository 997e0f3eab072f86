"""Repositories whose every change is noted: what the rules know of a job that is not there any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from shared.adapters.memory import MemoryErasures, MemoryImageJobs, MemoryModels, MemoryTrainings
from shared.adapters.memory.jobs import _MemoryJobs
from shared.all_jobs import AnyJob
from shared.erasing.receipt import Erasure
from shared.image_jobs import ImageJob
from shared.models import Model
from shared.trainings import Training
from tests.simulation.scheduler import VirtualClock

Thing = Training | ImageJob | Model
"""What can be erased by itself."""

J = TypeVar("J", bound=Training | ImageJob)


@dataclass(frozen=True, kw_only=True)
class Write:
    """One change of a job as the store saw it."""

    at_s: float
    before: AnyJob | None
    after: AnyJob

    @property
    def moved(self) -> bool:
        """Whether the job's history went on."""
        return self.before is None or len(self.after.history) > len(self.before.history)


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """A job or a model that was deleted, as it was last, and by which invocation."""

    at_s: float
    by: str
    gone: Thing


@dataclass(kw_only=True)
class Journal:
    """Everything that was written and deleted, in order; `written` hears of every write, `by` tells who is at work."""

    clock: VirtualClock
    tell: Callable[[str], None]
    by: Callable[[], str]
    written: Callable[[Write], None] = lambda write: None
    writes: list[Write] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)

    def wrote(self, before: AnyJob | None, after: AnyJob) -> None:
        """Note a write."""
        write = Write(at_s=self.clock.elapsed_s, before=before, after=after)
        self.writes.append(write)
        if before and before.status is not after.status:
            why = f" ({after.error.code})" if after.error else ""
            self.tell(f"    {after.id}: {before.status} → {after.status}{why}")
        self.written(write)

    def deleted(self, gone: Thing) -> None:
        """Note a deletion."""
        self.deletions.append(Deletion(at_s=self.clock.elapsed_s, by=self.by(), gone=gone))
        self.tell(f"    {gone.id} is deleted")


class _Watched(_MemoryJobs[J]):
    """Jobs of one kind, with a journal."""

    journal: Journal

    def create(self, job: J) -> bool:
        created = super().create(job)
        if created:
            self.journal.wrote(None, job)
        return created

    def delete(self, job_id: str) -> None:
        gone = self._jobs.get(job_id)
        super().delete(job_id)
        if gone is not None:
            self.journal.deleted(gone)

    def all(self) -> list[J]:
        return self._all()

    def _replace(self, job: J, changed: J) -> bool:
        written = super()._replace(job, changed)
        if written:
            self.journal.wrote(job, changed)
        return written


class WatchedTrainings(_Watched[Training], MemoryTrainings):
    """Trainings with a journal."""

    def __init__(self, journal: Journal) -> None:
        """Start with none."""
        super().__init__()
        self.journal = journal


class WatchedImages(_Watched[ImageJob], MemoryImageJobs):
    """Sets of pictures with a journal."""

    def __init__(self, journal: Journal) -> None:
        """Start with none."""
        super().__init__()
        self.journal = journal


class WatchedModels(MemoryModels):
    """Models whose deletions are noted, and since when each is about to be deleted."""

    def __init__(self, journal: Journal) -> None:
        """Start with none."""
        super().__init__()
        self._journal = journal
        self.created_s: dict[str, float] = {}
        self.marked_s: dict[str, float] = {}

    def update(self, model_id: str, change: Callable[[Model], Model]) -> Model:
        """Read, apply, write; see the port."""
        model = super().update(model_id, change)
        if model.erasure_id is not None:
            self.marked_s.setdefault(model_id, self._journal.clock.elapsed_s)
        return model

    def create(self, model: Model) -> bool:
        """Write a new model; False, and nothing changed, where one with its id exists."""
        self.created_s.setdefault(model.id, self._journal.clock.elapsed_s)
        return super().create(model)

    def delete(self, model_id: str) -> None:
        """Forget the model; no error where there is none."""
        gone = self._models.get(model_id)
        super().delete(model_id)
        if gone is not None:
            self._journal.deleted(gone)

    def all(self) -> list[Model]:
        """Every model, in the order in which they came."""
        return list(self._models.values())


class WatchedErasures(MemoryErasures):
    """Erasures; `asked` has each as it was asked for, since a receipt names no person any more; `heard` hears of it."""

    def __init__(self) -> None:
        """Start with none."""
        super().__init__()
        self.asked: dict[str, Erasure] = {}
        self.heard: Callable[[Erasure], None] = lambda erasure: None

    def create(self, erasure: Erasure) -> bool:
        """Write a new erasure; False, and nothing changed, where one with its id exists."""
        self.asked.setdefault(erasure.id, erasure)
        created = super().create(erasure)
        if created:
            self.heard(erasure)
        return created

    def all(self) -> list[Erasure]:
        """Every erasure and receipt."""
        return list(self._erasures.values())
