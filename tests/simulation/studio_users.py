"""The users of models: they make pictures, more of them, compare, each at a moment of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from functions.api.compare_models import Comparison, compare_models
from functions.api.end_images import more_like, retry_images
from functions.api.end_training import cancel_job
from shared.events import CheckRequested
from shared.image_jobs import ImageJob
from shared.models import Model
from shared.ports import ImageJobRepository
from shared.stages import Status
from shared.start_images import ImageWish, start_images
from shared.trainings import Training
from tests.simulation.fate import Fate
from tests.simulation.requests import Requests
from tests.simulation.watched import Write
from tests.wiring import Functions

# In so many schedules somebody makes pictures with the models.
DRAWING = 0.5
SCALES = (0.0, 1.0)


@dataclass(kw_only=True)
class StudioUsers:
    """What the users of models do; `presses` counts the sets of pictures that they asked for, however often."""

    functions: Functions
    fate: Fate
    requests: Requests
    presses: int = 0

    def hear(self, write: Write) -> None:
        """Whoever sees a new model may make something of it; whoever sees new pictures may want others."""
        job = write.after
        if write.before is None and isinstance(job, ImageJob):
            self._follow(job)
        elif write.moved and job.status is Status.SUCCEEDED and isinstance(job, Training):
            self._plan(job)

    def recover(self, job_id: str) -> None:
        """Press Retry on pictures that are still to be had."""
        self.requests.do(0, f"recover {job_id}", lambda: self._retry(job_id))

    def _plan(self, training: Training) -> None:
        model_id, name = str(training.model_id), training.id
        if self.fate.fraction("somebody makes pictures") >= DRAWING:
            return
        if self.requests.likes(f"{name} pictures"):
            self._twice(f"draw {name}", 1, lambda: self._draw(model_id, name))
        if self.requests.likes(f"{name} comparison"):
            self._twice(f"compare {name}", len(SCALES), lambda: self._compare(model_id, name))

    def _twice(self, name: str, sets: int, request: Callable[[], None]) -> None:
        """Press some time after the model is there, perhaps twice."""
        self.presses += sets
        at = self.fate.between(name, 1, self.fate.pick(f"{name} by", (60.0, 1200.0)))
        self.requests.do(at, name, request)
        if self.requests.likes(f"{name} twice"):
            self.requests.do(at + self.fate.between(f"{name} again", 0, 3), f"{name}'", request)

    def _draw(self, model_id: str, name: str) -> None:
        wish = ImageWish(prompt=f"[trigger] of {name}", count=self.fate.pick(f"{name} count", (1, 2)))
        start_images(self._model(model_id), f"draw {name}", wish, self.functions.image_desk)

    def _compare(self, model_id: str, name: str) -> None:
        wanted = Comparison(prompt=f"[trigger] of {name}", scales=SCALES, count=1, size="square", seed=None)
        model = self._model(model_id)
        compare_models(model.owner_id, f"compare {name}", [model], wanted, self.functions.image_desk)

    def _follow(self, job: ImageJob) -> None:
        """What the user of a set of pictures does later."""
        likes, do, name = self.requests.likes, self.requests.do, job.id
        if likes(f"{name} cancels"):
            at = self.fate.between(f"cancel {name}", 0, self.fate.pick(f"cancel {name} by", (5.0, 300.0)))
            do(at, f"cancel {name}", lambda: self._cancel(job.id))
        if likes(f"{name} asks"):
            do(self.fate.between(f"ask {name}", 0, 900), f"ask {name}", lambda: self._ask(job.id))
        if likes(f"{name} retries"):
            do(self.fate.between(f"retry {name}", 120, 2400), f"retry {name}", lambda: self._retry(job.id))
        if job.like_id is None and self.fate.fraction(f"{name} more") < 0.3 and likes(f"{name} wants more"):
            self._twice(f"more {name}", 1, lambda: self._more(job.id))

    def _cancel(self, job_id: str) -> None:
        functions = self.functions
        job = self._images.get(job_id)
        cancel_job(job, jobs=functions.jobs, publisher=functions.publisher, clock=functions.clock)

    def _ask(self, job_id: str) -> None:
        self.functions.publisher.publish(CheckRequested(training_id=job_id))

    def _retry(self, job_id: str) -> None:
        job = self._images.get(job_id)
        if job.status in (Status.FAILED, Status.CANCELED):
            retry_images(job, models=self.functions.models, desk=self.functions.image_desk)

    def _more(self, job_id: str) -> None:
        functions = self.functions
        more_like(self._images.get(job_id), f"more {job_id}", models=functions.models, desk=functions.image_desk)

    def _model(self, model_id: str) -> Model:
        return self.functions.models.get(model_id)

    @property
    def _images(self) -> ImageJobRepository:
        return self.functions.images
