"""Who looks at pictures while they are deleted: she writes small copies late, or dies before she gets to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from functions.api.thumbnails import LONGEST_SIDE, make_thumbnail
from shared.erasing.things import Subject
from shared.image_jobs import ImageJob
from shared.ports import ObjectInfo
from shared.shoots import Picture, file_name
from shared.stages import Status
from tests.simulation.fate import Fate
from tests.simulation.requests import Requests
from tests.simulation.scheduler import Scheduler, Task
from tests.simulation.watched import Write
from tests.wiring import Functions

# In so many schedules somebody looks at what is being deleted.
LOOKING = 0.1


@dataclass(frozen=True, kw_only=True)
class Viewers:
    """Look at pictures in the moment in which they are deleted, when nothing has changed them for `settles_s`.

    `erase` has something of an owner deleted after so many seconds.
    """

    functions: Functions
    fate: Fate
    requests: Requests
    erase: Callable[[str, Subject, str, float], None]
    settles_s: float

    def hear(self, write: Write) -> None:
        """Pictures that were made may be looked at, much later, when somebody deletes them."""
        job = write.after
        if isinstance(job, ImageJob) and write.moved and job.status is Status.SUCCEEDED:
            looks = self.fate.fraction("somebody looks at what is deleted") < LOOKING
            if looks and self.fate.strikes(f"{job.id} is looked at while it is deleted", 0.7):
                self._plan(job)

    def _plan(self, job: ImageJob) -> None:
        fate, name = self.fate, f"look {job.id}"
        at = self.settles_s + fate.between(f"{name}: when", 60, 600)
        subjects = {Subject.IMAGES: job.id, Subject.MODEL: job.model_id, Subject.PERSON: job.person_id}
        subject = fate.pick(f"{name}: what is deleted", tuple(subjects))
        self.erase(job.owner_id, subject, subjects[subject], at)
        leaves = fate.fraction(f"{name}: leaves") < 0.5
        held_s = fate.between(f"{name}: held up", 1, 60 if leaves else 2 * self.settles_s)
        scheduler = self.requests.scheduler
        task = Task(name, lambda: self._look(job.id, _HeldUp(self.functions.kept, scheduler, held_s, leaves)), _nothing)
        # the API's requests may last longer than any message is worked on
        begin_s = at - fate.between(f"{name}: begins", 0, 5)
        scheduler.after(begin_s, lambda: scheduler.spawn(task, longest_s=4 * self.settles_s))

    def _look(self, job_id: str, source: Any) -> None:
        """What showing a set does for its first picture."""
        job = self.functions.images.get(job_id)
        kept = job.pictures[0]
        info = ObjectInfo(name=kept.name, size=kept.size, crc32c=kept.crc32c, updated_at=job.updated_at)
        picture = Picture(stem=file_name(kept.name).rpartition(".")[0], image=info, caption=None)
        make_thumbnail(
            job.prefix,
            picture,
            source=source,
            thumbnails=self.functions.thumbnails,
            limits=self.functions.dataset_settings,
            side=LONGEST_SIDE,
        )


def _nothing(failure: Exception | None) -> None:
    """Who looks sees no small copy, and that is all."""


class _HeldUp:
    """A bucket whose reader stands still when she has read; one who `leaves` dies before she looks once more."""

    def __init__(self, real: Any, scheduler: Scheduler, held_s: float, leaves: bool) -> None:
        self._real, self._scheduler, self._held_s, self._leaves = real, scheduler, held_s, leaves

    def read(self, name: str, *, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        data = list(self._real.read(name, chunk_bytes=chunk_bytes))
        self._scheduler.pause(self._held_s)
        return iter(data)

    def stat(self, name: str) -> ObjectInfo | None:
        if self._leaves:
            self._scheduler.kill()
        found: ObjectInfo | None = self._real.stat(name)
        return found
