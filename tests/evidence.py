"""What is there when the dust has settled, as plain values: what the rules in `tests/rules.py` judge."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.accounts import Account
from shared.all_jobs import AnyJob
from shared.deadlines import Deadlines
from shared.events import ImagesFinished, TrainingFinished
from shared.image_jobs import ImageJob
from shared.models import Model
from shared.ports import ObjectInfo
from shared.trainings import Training


@dataclass(frozen=True, kw_only=True)
class FalRun:
    """A request that fal.ai accepted, as fal.ai itself knows it; `training_id`, of either kind of job, is from its
    callback's URL.

    `delivered` means that it produced weights, whose digest is `sha256` where it is known, or pictures.
    """

    request_id: str
    training_id: str
    billed: bool
    delivered: bool
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is there in the end. `kept` lists the models bucket and `archives` the datasets bucket.

    `earlier` are jobs as they were seen on the way. `announced` are the ends that the app was told, None where
    nobody listened. A job may stand unexplained, or past its deadline, for `patience`: so long nobody looks.
    `messages_were_lost` where the queue itself forgot what it had promised to deliver. `erased` and `erased_models` are
    what was deleted because its owner asked, as it was last.
    """

    now: datetime
    trainings: tuple[Training, ...]
    images: tuple[ImageJob, ...] = ()
    models: tuple[Model, ...] = ()
    erased: tuple[AnyJob, ...] = ()
    erased_models: tuple[Model, ...] = ()
    accounts: tuple[Account, ...] = ()
    runs: tuple[FalRun, ...] = ()
    kept: tuple[ObjectInfo, ...] = ()
    archives: tuple[ObjectInfo, ...] = ()
    earlier: tuple[AnyJob, ...] = ()
    announced: tuple[TrainingFinished | ImagesFinished, ...] | None = None
    deadlines: Deadlines = field(default_factory=Deadlines)
    patience: timedelta = timedelta(0)
    messages_were_lost: bool = False

    @property
    def jobs(self) -> tuple[AnyJob, ...]:
        """Jobs of both kinds that are there."""
        return (*self.trainings, *self.images)

    @property
    def ever(self) -> tuple[AnyJob, ...]:
        """Jobs of both kinds that are there or were there until they were erased."""
        return (*self.erased, *self.jobs)

    def runs_of(self, training_id: str) -> list[FalRun]:
        """What fal.ai accepted for a job."""
        return [run for run in self.runs if run.training_id == training_id]
