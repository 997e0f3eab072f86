"""Leftover ZIPs: pictures of people do not stay when their training has ended, whoever forgot them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from shared import logs
from shared.all_jobs import Jobs
from shared.errors import JobNotFound
from shared.finishing import archive_prefix
from shared.jobs import Job
from shared.ports import ObjectInfo, Objects
from shared.settings import MonitorSettings


@dataclass(frozen=True, kw_only=True)
class Sweeper:
    """Finishes every ended training that still has a ZIP, and deletes ZIPs of nobody's.

    A ZIP that is there is the durable sign that a training has not been finished: the submitter, for one, may fail a
    training but has neither bucket nor topic.
    """

    jobs: Jobs
    datasets: Objects
    finish: Callable[[Job], None]
    now: datetime
    settings: MonitorSettings

    def sweep(self, *, active: frozenset[str]) -> int:
        """Look at a bounded number of ZIPs, passing over the `active` trainings; how many were done away with."""
        swept, before = 0, ""
        for found in islice(self.datasets.list("trainings/"), self.settings.tick_objects):
            training_id = found.name.split("/")[1]
            # beside a ZIP lies its manifest: both go with the first that is found
            if training_id not in active and training_id != before and (gone := self._swept(training_id, found)):
                swept, before = swept + gone, training_id
        return swept

    def _swept(self, training_id: str, found: ObjectInfo) -> int:
        try:
            job = self.jobs.get(training_id)
        except JobNotFound:
            return self._swept_of_nobody(training_id, found)
        if not job.is_terminal:
            return 0
        self.finish(job)
        logs.info("archive_swept", training_id=training_id)
        return 1

    def _swept_of_nobody(self, training_id: str, found: ObjectInfo) -> int:
        if (self.now - found.updated_at).total_seconds() < self.settings.leftover_s:
            return 0
        logs.warning("archive_of_nobody", training_id=training_id)
        for each in [*self.datasets.list(archive_prefix(training_id))]:
            self.datasets.delete(each.name)
        return 1
