"""The eraser's use case: delete what the plan says, step by step, and tell of it in the receipt.

The steps at hand are recorded before the first of them is done, with what was there, and counted when the last of them
is through: so the receipt is true however often it was begun. Who had begun with a job before, such as a second mirror,
may write even after that: of what changed lately, everything is deleted once more when nobody can have begun before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from functions.eraser.carry_out import Hands
from functions.eraser.claims import Claimer
from functions.eraser.give_back import give_back
from shared import logs
from shared.erasing.inventory import everything_of, measured, take_inventory
from shared.erasing.plan import MOST_STEPS, Inventory, plan_erasure, steps_of_images
from shared.erasing.receipt import Erasure
from shared.erasing.repeats import to_repeat, version_steps
from shared.erasing.things import Step, What
from shared.errors import Conflict, ErasureNotFound, ErasureWaits, NotFound, NotSettled, ProductError
from shared.events import ErasureRequested
from shared.image_jobs import ImageJob
from shared.messaging import decode, read_envelope
from shared.ports import Clock, ErasureRepository
from shared.tracing import processing


@dataclass(frozen=True, kw_only=True)
class Eraser:
    """Carries out erasures with its `hands`. `settles_s` is longer than anybody works on a message."""

    erasures: ErasureRepository
    hands: Hands
    clock: Clock
    settles_s: float

    def erase(self, erasure_id: str) -> Erasure:
        """Do all that is due of the erasure; its receipt.

        Raises `ErasureWaits` where the rest has to wait, `ProductError` where something does not answer.
        """
        erasure = self.erasures.get(erasure_id)
        # steps that somebody else recorded may have been done by her
        repeats = bool(erasure.batch)
        while not erasure.has_receipt:
            if erasure.batch:
                erasure, repeats = self._carried_out(erasure, repeats=repeats), False
            else:
                erasure = self._planned(erasure)
        if erasure.again_at is not None and self.clock.now() >= erasure.again_at:
            return self._looked_again(erasure)
        return erasure

    def _planned(self, erasure: Erasure) -> Erasure:
        """The next batch; where nothing is left, the receipt."""
        claimed = self._claimer(erasure).claim()
        whole = plan_erasure(claimed.found)
        # one more than a batch, which tells where it ends
        plan = measured(whole, self.hands.buckets, most=MOST_STEPS + 1)
        at, settles = self.clock.now(), timedelta(seconds=self.settles_s)
        if claimed.others:
            self.erasures.update(erasure.id, lambda e: e.beside(claimed.others, at=at))
        if plan.steps:
            again = to_repeat(claimed.found, whole.steps, changed_after=at - settles) if settles else ()
            return self.erasures.update(
                erasure.id, lambda e: e.begun(plan, at=at, again=again) if e.unchanged(erasure) else e
            )
        if claimed.waits_for:
            raise claimed.waits_for[0]
        stays = (*plan.stays, *claimed.begun_again)
        # also where nothing was deleted: a delivery that is held up may take something when this one is over
        again_at = at + settles if settles else None
        done = self.erasures.update(
            erasure.id, lambda e: e.finished(stays, at=at, again_at=again_at) if e.unchanged(erasure) else e
        )
        if done.has_receipt:  # else another delivery went on meanwhile
            logs.info("erasure_done", erasure_id=done.id, subject=done.subject, cause=done.cause)
        return done

    def _carried_out(self, erasure: Erasure, *, repeats: bool) -> Erasure:
        left = [self.hands.carry_out(step, repeats=repeats) for step in erasure.batch]
        stays, gone = [line for each in left for line in each.stays], [line for each in left for line in each.gone]
        logs.info("erasure_went_on", erasure_id=erasure.id, steps=len(erasure.batch), left=len(stays))
        return self.erasures.update(erasure.id, lambda e: e.went(erasure.batch, stays, gone=gone, at=self.clock.now()))

    def _looked_again(self, erasure: Erasure) -> Erasure:
        for step in erasure.again:
            for each in self._steps_again(erasure, step):
                self.hands.carry_out(each, repeats=True)
        give_back(erasure, jobs=self.hands.jobs, models=self.hands.models)
        logs.info("erasure_looked_again", erasure_id=erasure.id, steps=len(erasure.again))
        return self.erasures.update(erasure.id, lambda e: e.looked_again(at=self.clock.now()))

    def _steps_again(self, erasure: Erasure, step: Step) -> Iterator[Step]:
        """What a step that is repeated stands for by now."""
        if step.what is What.VERSIONS:
            person_id, _, name = step.place.partition("/")
            if (version := self.hands.models.version_of(person_id, name, step.of)) is not None:
                yield from version_steps(step, version)
        elif step.what is What.LATE_IMAGES:
            claimer = self._claimer(erasure)
            late = everything_of(self.hands.jobs.images.list_for_owner, erasure.owner_id, model_id=step.of)
            for job in list(late):
                yield from self._of_late_images(job, claimer)
        else:
            yield step

    def _of_late_images(self, job: ImageJob, claimer: Claimer) -> Iterator[Step]:
        """A set that was asked for while its model was being deleted: it fails unpaid, and goes when it has settled."""
        settled = job.updated_at + timedelta(seconds=self.settles_s) <= self.clock.now()
        error = claimer.refused(job) if settled else NotSettled(noun=job.noun, id=job.id)
        if isinstance(error, Conflict):
            raise NotSettled(noun=job.noun, id=job.id) from error
        if error is not None and not isinstance(error, NotFound):
            raise error
        yield from steps_of_images(job)

    def _claimer(self, erasure: Erasure) -> Claimer:
        return Claimer(
            erasure_id=erasure.id,
            inventory=lambda: self._inventory(erasure),
            jobs=self.hands.jobs,
            models=self.hands.models,
            erasures=self.erasures,
        )

    def _inventory(self, erasure: Erasure) -> Inventory:
        return take_inventory(
            erasure.subject,
            erasure.subject_id,
            erasure.owner_id,
            with_shoots=erasure.with_shoots,
            trainings=self.hands.jobs.trainings,
            images=self.hands.jobs.images,
            models=self.hands.models,
            shoots=self.hands.shoots,
        )


def hear_erasure(body: bytes, *, eraser: Eraser, max_attempts: int) -> None:
    """Go on with the erasure that a push names; returning acks, raising nacks.

    Where something does not answer, or has to be waited for, the erasure says so and the message comes again. The last
    delivery no longer waits for fal.ai; what else is hindered then, the monitor announces again. What only waits is no
    dead letter.
    """
    delivery = read_envelope(body)
    event = decode(delivery.data, ErasureRequested)
    with processing(event, delivery.comes_from):
        last = delivery.attempt >= max_attempts
        try:
            replace(eraser, hands=replace(eraser.hands, gives_up=last)).erase(event.training_id)
        except ErasureNotFound:
            logs.warning("message_for_unknown_erasure", erasure_id=event.training_id)
        except ProductError as error:
            logs.warning("erasure_hindered", erasure_id=event.training_id, code=error.code, attempt=delivery.attempt)
            sentence = error.message
            eraser.erasures.update(event.training_id, lambda e: e.hindered(sentence, at=eraser.clock.now()))
            if not (last and isinstance(error, ErasureWaits)):
                raise
