"""How long a job of either kind may stand where it stands. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.jobs import Job, Kind
from shared.stages import Status


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """How long a job may stay in a status, in seconds, before it fails with a word; all of them settings.

    Those that begin with `images_` are for pictures, in the place of the general one.
    """

    requested_s: float = 30 * 60
    packaged_s: float = 30 * 60
    submitting_s: float = 2 * 60 * 60
    submitted_s: float = 11 * 60 * 60
    running_s: float = 4 * 60 * 60
    mirroring_s: float = 2 * 60 * 60
    images_submitted_s: float = 2 * 60 * 60
    images_running_s: float = 30 * 60

    def limit_s(self, status: Status, kind: Kind = Kind.TRAINING) -> float:
        """The limit of an unfinished status."""
        general = getattr(self, f"{status}_s")
        return float(getattr(self, f"{kind}_{status}_s", general))

    def passed(self, job: Job, now: datetime) -> bool:
        """Whether the job has outlived its present status."""
        if job.is_terminal:
            return False
        return (now - job.since).total_seconds() > self.limit_s(job.status, job.kind)
