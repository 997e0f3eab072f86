"""The users of models: they make pictures, train again, promote and delete, each at a moment of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from functions.api.compare_models import Comparison, compare_models
from functions.api.end_images import more_like, retry_images
from functions.api.end_training import cancel_job
from functions.api.promote_model import promote_model
from functions.api.request_erasure import preview_erasure, request_erasure
from functions.api.retrain_model import Changes, retrain_model
from shared.erasing.things import Subject
from shared.errors import Conflict
from shared.events import CheckRequested
from shared.image_jobs import ImageJob
from shared.models import Model
from shared.stages import Status
from shared.start_images import ImageWish, start_images
from shared.trainers import trainer as spec_of
from shared.trainings import Training
from tests.simulation.fate import Fate
from tests.simulation.requests import Requests
from tests.simulation.watched import Write
from tests.wiring import Functions

# In so many schedules somebody does it at all.
DRAWING = 0.35
ERASING = 0.4
SCALES = (0.0, 1.0)
# What cannot be deleted yet is tried again after so long, so often.
LATER_S = 1500.0
TRIES = 6


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """A model was made the current one, between these two moments."""

    model_id: str
    began_s: float
    answered_s: float


@dataclass(kw_only=True)
class StudioUsers:
    """What the users of models do. `follow` is what the user of a training does later.

    `presses` and `retrainings` count the sets of pictures and the trainings that they asked for, however often.
    """

    functions: Functions
    fate: Fate
    requests: Requests
    follow: Callable[[str, str], None]
    presses: int = 0
    retrainings: int = 0
    promotions: list[Promotion] = field(default_factory=list)

    def plan(self, people: dict[str, str]) -> None:
        """Decide which owner deletes a person when; `people` are the persons of the owners' shoots."""
        for owner, person_id in people.items():
            if self._erases(f"{owner} person", 0.3):
                self.erase_later(owner, Subject.PERSON, person_id, self.fate.between(f"erase {owner}", 60, 7200))

    def hear(self, write: Write) -> None:
        """Whoever sees a new model may make something of it; whoever sees new pictures may want others."""
        job = write.after
        if write.before is None and isinstance(job, ImageJob):
            self._follow(job)
        elif write.moved and job.is_terminal:
            if isinstance(job, Training) and job.status is Status.SUCCEEDED:
                self._plan(job)
            self._plan_to_erase(job)

    def recover(self, job_id: str) -> None:
        """Press Retry on pictures that are still to be had."""
        self.requests.do(0, f"recover {job_id}", lambda: self._retry(job_id))

    def _plan(self, training: Training) -> None:
        model_id, name = str(training.model_id), training.id
        likes = self.requests.likes
        if self.fate.fraction("somebody makes pictures") < DRAWING:
            if likes(f"{name} pictures"):
                at = self._twice(f"draw {name}", lambda: self._draw(model_id, name))
                self.presses += 1
                self._erase_what_is_used(training, at)
            if self.fate.fraction(f"{name} comparison?") < 0.3 and likes(f"{name} comparison"):
                self._twice(f"compare {name}", lambda: self._compare(model_id, name))
                self.presses += len(SCALES)
        if training.parent_model_id is None and self.fate.fraction(f"{name} again?") < 0.4 and likes(f"{name} again"):
            at = self._twice(f"again {name}", lambda: self._train_again(model_id, name))
            self.retrainings += 1
            self._erase_what_is_used(training, at)
        if likes(f"{name} promotes"):
            self._twice(f"promote {name}", lambda: self._promote(model_id))

    def _twice(self, name: str, request: Callable[[], None]) -> float:
        """Press some time from now, perhaps twice; in how many seconds first."""
        at = self.fate.between(name, 1, self.fate.pick(f"{name} by", (60.0, 1200.0)))
        self.requests.do(at, name, request)
        if self.requests.likes(f"{name} twice"):
            self.requests.do(at + self.fate.between(f"{name} again", 0, 3), f"{name}'", request)
        return at

    # --- pictures

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
            at = self.fate.between(f"retry {name}", 120, 2400)
            do(at, f"retry {name}", lambda: self._retry(job.id))
            if likes(f"{name} retries again"):
                at += self.fate.between(f"retry {name} again", 0, self.fate.pick(f"again {name} by", (3.0, 9000.0)))
                do(at, f"retry {name}'", lambda: self._retry(job.id))
        if job.like_id is None and self.fate.fraction(f"{name} more?") < 0.3 and likes(f"{name} wants more"):
            self._twice(f"more {name}", lambda: self._more(job.id))
            self.presses += 1

    def _cancel(self, job_id: str) -> None:
        functions = self.functions
        job = functions.images.get(job_id)
        cancel_job(job, jobs=functions.jobs, publisher=functions.publisher, clock=functions.clock)

    def _ask(self, job_id: str) -> None:
        self.functions.publisher.publish(CheckRequested(training_id=job_id))

    def _retry(self, job_id: str) -> None:
        job = self.functions.images.get(job_id)
        if job.status in (Status.FAILED, Status.CANCELED):
            retry_images(job, models=self.functions.models, desk=self.functions.image_desk)

    def _more(self, job_id: str) -> None:
        functions = self.functions
        job = functions.images.get(job_id)
        more_like(job, f"more {job_id}", models=functions.models, desk=functions.image_desk)

    # --- versions

    def _train_again(self, model_id: str, name: str) -> None:
        parent = self._model(model_id)
        continues = spec_of(parent.trainer).resume_field is not None
        changes = Changes(parameters={"steps": 20}, continues=continues, force=True)
        functions = self.functions
        training = retrain_model(parent, f"again {name}", changes, desk=functions.desk, kept=functions.kept)
        self.follow(training.id, f"again {name}")

    def _promote(self, model_id: str) -> None:
        clock = self.requests.scheduler.clock
        began_s = clock.elapsed_s
        promote_model(self._model(model_id), models=self.functions.models, clock=self.functions.clock)
        self.promotions.append(Promotion(model_id=model_id, began_s=began_s, answered_s=clock.elapsed_s))

    def _model(self, model_id: str) -> Model:
        return self.functions.models.get(model_id)

    # --- erasing

    def _plan_to_erase(self, job: Training | ImageJob) -> None:
        """What has ended may be deleted, at once or later."""
        after_s = self.fate.between(f"erase {job.id}", 1, self.fate.pick(f"erase {job.id} by", (60.0, 600.0, 4000.0)))
        if isinstance(job, Training):
            if self._erases(f"{job.id} training", 0.3):
                self.erase_later(job.owner_id, Subject.TRAINING, job.id, after_s)
            if job.model_id and self._erases(f"{job.id} model", 0.3):
                self.erase_later(job.owner_id, Subject.MODEL, job.model_id, after_s + 5)
        elif self._erases(f"{job.id} pictures", 0.3):
            self.erase_later(job.owner_id, Subject.IMAGES, job.id, after_s)

    def _erase_what_is_used(self, training: Training, at: float) -> None:
        """Somebody deletes the model, or the person, in the moment in which another one makes something of it."""
        name = f"{training.id} is deleted while it is used"
        if self.fate.fraction("somebody deletes what is used") < ERASING and self.fate.strikes(name, 0.8):
            # so long it takes from the press to the mark
            begins_s = max(0.0, at - self.fate.between(f"{name}: earlier", 2.5, 7))
            whole = self.fate.fraction(f"{name}: all of it") < 0.4
            subject, wanted = (Subject.PERSON, training.person_id) if whole else (Subject.MODEL, training.model_id)
            self.erase_later(training.owner_id, subject, str(wanted), begins_s)

    def _erases(self, what: str, share: float) -> bool:
        if self.fate.fraction("somebody deletes") >= ERASING or self.fate.fraction(f"{what} is deleted?") >= share:
            return False
        return self.requests.likes(f"{what} is deleted")

    def erase_later(self, owner: str, subject: Subject, subject_id: str, after_s: float) -> None:
        """Have it deleted after so long, perhaps twice; later where something of it is under way."""
        name = f"erase {subject} {subject_id}"
        self.requests.do(after_s, name, lambda: self._erase(owner, subject, subject_id, name, TRIES))
        if self.requests.likes(f"{name} twice"):
            self.requests.do(after_s + 1, f"{name}'", lambda: self._erase(owner, subject, subject_id, name, 1))

    def _erase(self, owner: str, subject: Subject, subject_id: str, name: str, tries: int) -> None:
        """Delete it; later where something of it is under way."""
        ports = self.functions.erasing(with_shoots=self.fate.fraction("shoots are ours") < 0.5)
        try:
            confirm = preview_erasure(owner, subject, subject_id, ports).name
            request_erasure(owner, subject, subject_id, confirm, ports)
        except Conflict:
            if tries > 1:
                again = f"{name} later"
                self.requests.do(LATER_S, again, lambda: self._erase(owner, subject, subject_id, again, tries - 1))
