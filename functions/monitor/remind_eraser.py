"""What is to be erased: erasures that nobody goes on with, and jobs that have had their time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from shared import logs
from shared.erasing.receipt import Cause, Erasure
from shared.erasing.things import Subject
from shared.events import ErasureRequested
from shared.jobs import Job
from shared.ports import ErasureRepository, ImageJobRepository, Publisher, TrainingRepository
from shared.settings import RetentionSettings
from shared.stages import Attention, Status

MOST_AT_ONCE = 50
"""How many of each kind one tick announces."""


@dataclass(frozen=True, kw_only=True)
class Reminder:
    """The ports of a look at what is to be erased; an open erasure is announced again after `stalled_s`, one that is to
    be looked at once more when its time has come.
    """

    erasures: ErasureRepository
    trainings: TrainingRepository
    images: ImageJobRepository
    publisher: Publisher
    retention: RetentionSettings
    stalled_s: float
    now: datetime

    def remind(self) -> int:
        """Announce what is due; how many erasures that were."""
        return self._begin_what_is_due() + self._announce_what_stalled()

    def _announce_what_stalled(self) -> int:
        """An erasure whose message was lost, or was given up: say again that it is due."""
        before = self.now - timedelta(seconds=self.stalled_s)
        unchanged = self.erasures.list_open(unchanged_since=before, limit=MOST_AT_ONCE)
        stalled = [erasure for erasure in unchanged if erasure.again_at is None or erasure.again_at <= self.now]
        for erasure in stalled:
            logs.warning("erasure_announced_again", erasure_id=erasure.id)
            # marked before, so that it is not announced at every tick while it is worked on
            self.erasures.update(erasure.id, lambda e: e.hindered(e.hindrance, at=self.now))
            self.publisher.publish(ErasureRequested(training_id=erasure.id))
        return len(stalled)

    def _begin_what_is_due(self) -> int:
        """Failed and canceled jobs, after the days that the operator has set. Models and pictures never are due."""
        if not self.retention.failed_kept_days:
            return 0
        before = self.now - timedelta(days=self.retention.failed_kept_days)
        begun = 0
        for status in (Status.FAILED, Status.CANCELED):
            for subject, jobs in ((Subject.TRAINING, self.trainings), (Subject.IMAGES, self.images)):
                for job in jobs.list_ended(status, unchanged_since=before, limit=MOST_AT_ONCE):
                    if job.attention is Attention.NONE and job.erasure_id is None:
                        begun += self._begun(subject, job)
        return begun

    def _begun(self, subject: Subject, job: Job) -> bool:
        erasure = Erasure.requested(
            at=self.now,
            # the same one at every tick; another one where the job was begun again when its time came, and ended anew
            id=f"e_{sha256(f'retention:{job.id}:{job.since.isoformat()}'.encode()).hexdigest()[:24]}",
            owner_id=job.owner_id,
            subject=subject,
            subject_id=job.id,
            cause=Cause.RETENTION,
        )
        if not self.erasures.create(erasure):
            return False
        logs.info("erasure_due", erasure_id=erasure.id)
        self.publisher.publish(ErasureRequested(training_id=erasure.id))
        return True
