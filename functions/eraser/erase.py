"""The eraser's use case: delete what the plan says, step by step, and tell of it in the receipt.

Every step may be repeated: what is gone is no error. The steps at hand are recorded before the first of them is done,
with what was there, and counted when the last of them is through: so the receipt is true however often it was begun.
Who had begun with a job before, such as a second mirror, may write even after that: of what changed lately, everything
is deleted once more when nobody can have begun before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from shared import logs
from shared.all_jobs import Jobs
from shared.erasing.inventory import Buckets, measured, take_inventory
from shared.erasing.plan import Inventory, plan_erasure
from shared.erasing.receipt import Erasure
from shared.erasing.repeats import to_repeat, version_steps
from shared.erasing.things import BUCKET_OF, Line, Step, Subject, What, line_of
from shared.erasing.words import BEGUN_AGAIN
from shared.errors import Conflict, ErasureNotFound, JobNotFound, ProductError, TrainerUnavailable
from shared.events import ErasureRequested
from shared.jobs import Job
from shared.messaging import decode, read_envelope
from shared.ports import (
    Clock,
    ErasureRepository,
    ForgetAnswer,
    Forgotten,
    ImageJobRepository,
    ModelRepository,
    NoticeRepository,
    ShootRepository,
    StoryRepository,
    Trainer,
    TrainingRepository,
)
from shared.tracing import processing

# https://fal.ai/docs/documentation/model-apis/media-expiration
FAL_KEEPS = "fal.ai forgets what it was sent after 30 days, and files after the time that is set in our account there"
FAL_REFUSED = f"fal.ai refused: deleting there takes a key with admin scope. {FAL_KEEPS}"
FAL_SILENT = f"fal.ai did not answer, however often it was asked. {FAL_KEEPS}"
FAL_FILES_LEFT = "fal.ai deleted what it was sent, but said that it could not delete these files"


@dataclass(frozen=True, kw_only=True)
class Eraser:
    """The ports of an erasure; with `gives_up` it no longer waits for fal.ai.

    `settles_s` is longer than anybody works on a message.
    """

    erasures: ErasureRepository
    trainings: TrainingRepository
    images: ImageJobRepository
    models: ModelRepository
    shoots: ShootRepository
    stories: StoryRepository
    notices: NoticeRepository
    trainer: Trainer
    buckets: Buckets
    clock: Clock
    settles_s: float
    gives_up: bool = False

    def erase(self, erasure_id: str) -> Erasure:
        """Do all that is due of the erasure; its receipt. Raises `ProductError` where something does not answer."""
        erasure = self.erasures.get(erasure_id)
        while not erasure.has_receipt:
            erasure = self._carried_out(erasure) if erasure.batch else self._planned(erasure)
        if erasure.again_at is not None and self.clock.now() >= erasure.again_at:
            return self._looked_again(erasure)
        return erasure

    def _looked_again(self, erasure: Erasure) -> Erasure:
        for step in erasure.again:
            list(self._left_again(step))
        logs.info("erasure_looked_again", erasure_id=erasure.id, steps=len(erasure.again))
        return self.erasures.update(erasure.id, lambda e: e.looked_again(at=self.clock.now()))

    def _left_again(self, step: Step) -> Iterator[Line]:
        if step.what is not What.VERSIONS:
            yield from self._left(step)
            return
        person_id, _, name = step.place.partition("/")
        if (version := self.models.version_of(person_id, name, step.of)) is not None:
            for each in version_steps(step, version):
                yield from self._left(each)

    def _planned(self, erasure: Erasure) -> Erasure:
        """The next batch; where nothing is left, the receipt."""
        found, begun_again = self._claimed(erasure, self._inventory(erasure))
        whole = plan_erasure(found)
        plan = measured(whole, self.buckets)
        at = self.clock.now()
        settles = timedelta(seconds=self.settles_s)
        if plan.steps:
            again = to_repeat(found, whole.steps, changed_after=at - settles) if settles else ()
            return self.erasures.update(
                erasure.id, lambda e: e.begun(plan, at=at, again=again) if e.unchanged(erasure) else e
            )
        stays = (*plan.stays, *begun_again)
        done = self.erasures.update(
            erasure.id, lambda e: e.finished(stays, at=at, again_at=at + settles) if e.unchanged(erasure) else e
        )
        if not done.has_receipt:
            return done  # another delivery went on meanwhile
        logs.info("erasure_done", erasure_id=done.id, subject=done.subject, cause=done.cause)
        return done

    def _carried_out(self, erasure: Erasure) -> Erasure:
        left = [line for step in erasure.batch for line in self._left(step)]
        logs.info("erasure_went_on", erasure_id=erasure.id, steps=len(erasure.batch), left=len(left))
        return self.erasures.update(erasure.id, lambda e: e.went(erasure.batch, left, at=self.clock.now()))

    def _left(self, step: Step) -> Iterator[Line]:
        """Do the step; what it could not delete."""
        if step.what is What.FAL_REQUEST:
            if reason := self._asked_to_forget(step):
                yield replace(line_of(step), reason=reason)
        elif step.what in BUCKET_OF:
            bucket = self.buckets[BUCKET_OF[step.what]]
            for found in list(bucket.list(step.place)):
                bucket.delete(found.name)
        else:
            self._forget(step)

    def _forget(self, step: Step) -> None:
        if step.what is What.STORY:
            self.stories.forget(step.of)
        elif step.what is What.NOTICES:
            self.notices.delete(step.of)
        elif step.what is What.MODEL:
            self.models.delete(step.of)
        elif step.what is What.TRAINING:
            self.trainings.delete(step.of)
        elif step.what is What.IMAGES:
            self.images.delete(step.of)
        elif step.what is What.SHOOT:
            self.shoots.delete(step.of)
        elif step.what is What.VERSIONS:
            person_id, _, name = step.place.partition("/")
            self.models.forget_name(person_id, name)
        else:
            raise AssertionError(f"{step.what} is no document")

    def _asked_to_forget(self, step: Step) -> str:
        """Why something stays at fal.ai; empty where nothing does."""
        try:
            answer = self.trainer.forget(step.place)
        except TrainerUnavailable:
            if not self.gives_up:
                raise
            return FAL_SILENT
        return _reason(answer)

    def _claimed(self, erasure: Erasure, found: Inventory) -> tuple[Inventory, list[Line]]:
        """The inventory with those jobs alone that cannot begin again any more, and what is told of the others."""
        images = [job for job in found.images if self._is_claimed(job, erasure.id)]
        told = _begun_again(What.IMAGES, found.images, images)
        if found.subject is Subject.MODEL:
            return replace(found, images=images), told
        trainings = [job for job in found.trainings if self._is_claimed(job, erasure.id)]
        left = {job.id for job in found.trainings} - {job.id for job in trainings}
        models = [model for model in found.models if model.training_id not in left]
        told += _begun_again(What.TRAINING, found.trainings, trainings)
        return replace(found, images=images, trainings=trainings, models=models), told

    def _is_claimed(self, job: Job, erasure_id: str) -> bool:
        jobs = Jobs(trainings=self.trainings, images=self.images)
        try:
            jobs.update(job.id, lambda now: now.given_to(erasure_id))
        except (Conflict, JobNotFound):
            return False
        return True

    def _inventory(self, erasure: Erasure) -> Inventory:
        return take_inventory(
            erasure.subject,
            erasure.subject_id,
            erasure.owner_id,
            with_shoots=erasure.with_shoots,
            trainings=self.trainings,
            images=self.images,
            models=self.models,
            shoots=self.shoots,
        )


def _begun_again(what: What, found: Sequence[Job], claimed: Sequence[Job]) -> list[Line]:
    ids = {job.id for job in claimed}
    others = tuple(job.id for job in found if job.id not in ids)
    return [Line(what=what, count=len(others), of=others, reason=BEGUN_AGAIN)] if others else []


def _reason(answer: Forgotten) -> str:
    if answer.answer is ForgetAnswer.REFUSED:
        return FAL_REFUSED
    # what fal.ai does not know, or no more, it does not keep
    return FAL_FILES_LEFT if answer.left else ""


def hear_erasure(body: bytes, *, eraser: Eraser, max_attempts: int) -> None:
    """Go on with the erasure that a push names; returning acks, raising nacks.

    Where something does not answer the erasure says so and the message comes again. The last delivery no longer waits
    for fal.ai; what else is hindered then, the monitor announces again.
    """
    delivery = read_envelope(body)
    event = decode(delivery.data, ErasureRequested)
    with processing(event, delivery.comes_from):
        last = delivery.attempt >= max_attempts
        try:
            replace(eraser, gives_up=last).erase(event.training_id)
        except ErasureNotFound:
            logs.warning("message_for_unknown_erasure", erasure_id=event.training_id)
        except ProductError as error:
            logs.warning("erasure_hindered", erasure_id=event.training_id, code=error.code, attempt=delivery.attempt)
            sentence = error.message
            eraser.erasures.update(event.training_id, lambda e: e.hindered(sentence, at=eraser.clock.now()))
            raise
