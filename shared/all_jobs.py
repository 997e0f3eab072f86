"""Jobs of both kinds behind one door: what works on any job need not know which kind it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, cast

from shared.errors import JobNotFound
from shared.image_jobs import ImageJob, is_image_job
from shared.jobs import Job
from shared.ports import ImageJobRepository, TrainingRepository
from shared.trainings import Training

AnyJob: TypeAlias = Training | ImageJob


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """Both repositories; a job's id tells which of them has it."""

    trainings: TrainingRepository
    images: ImageJobRepository

    def get(self, job_id: str) -> AnyJob:
        """The job; `TrainingNotFound` or `ImagesNotFound` where there is none."""
        return self.images.get(job_id) if is_image_job(job_id) else self.trainings.get(job_id)

    def find(self, job_id: str) -> AnyJob | None:
        """The job; None where there is none."""
        try:
            return self.get(job_id)
        except JobNotFound:
            return None

    def create(self, job: AnyJob) -> bool:
        """Write a new job; False, and nothing changed, where one with its id exists."""
        return self.images.create(job) if isinstance(job, ImageJob) else self.trainings.create(job)

    def update(self, job_id: str, change: Callable[[AnyJob], Job]) -> AnyJob:
        """Read, apply the pure `change`, which keeps the kind, write; as the kind's own repository does it."""
        if is_image_job(job_id):
            return self.images.update(job_id, cast("Callable[[ImageJob], ImageJob]", change))
        return self.trainings.update(job_id, cast("Callable[[Training], Training]", change))

    def list_followed(self, *, limit: int) -> list[AnyJob]:
        """Jobs that are under way or whose end is not finished yet, the longest unchanged first."""
        return _oldest((*self.trainings.list_followed(limit=limit), *self.images.list_followed(limit=limit)), limit)

    def list_watched(self, *, unchanged_since: datetime, limit: int) -> list[AnyJob]:
        """Jobs that were given up while fal.ai may still deliver and that nobody changed after that time."""
        trainings = self.trainings.list_watched(unchanged_since=unchanged_since, limit=limit)
        return _oldest((*trainings, *self.images.list_watched(unchanged_since=unchanged_since, limit=limit)), limit)


def _oldest(jobs: Iterable[AnyJob], limit: int) -> list[AnyJob]:
    return sorted(jobs, key=lambda job: (job.updated_at, job.id))[:limit]
