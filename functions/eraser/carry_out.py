"""One step of an erasure: something is deleted, wherever it is. It may be repeated: what is gone is no error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from shared.all_jobs import Jobs
from shared.erasing.inventory import Buckets
from shared.erasing.things import BUCKET_OF, Line, Step, What, line_of
from shared.errors import TrainerUnavailable
from shared.ports import ForgetAnswer, ModelRepository, NoticeRepository, ShootRepository, StoryRepository, Trainer

# https://fal.ai/docs/documentation/model-apis/media-expiration
FAL_KEEPS = "fal.ai forgets what it was sent after 30 days, and files after the time that is set in our account there"
FAL_REFUSED = f"fal.ai refused: deleting there takes a key with admin scope. {FAL_KEEPS}"
FAL_SILENT = f"fal.ai did not answer, however often it was asked. {FAL_KEEPS}"
FAL_FILES_LEFT = "fal.ai deleted what it was sent, but said that it could not delete these files"
FAL_HAD_NOTHING = "fal.ai had nothing of it any more"


@dataclass(frozen=True, kw_only=True)
class Left:
    """What a step did not delete: because it stays, or because it was gone before."""

    stays: tuple[Line, ...] = ()
    gone: tuple[Line, ...] = ()


NOTHING = Left()


@dataclass(frozen=True, kw_only=True)
class Hands:
    """What deletes; with `gives_up` it no longer waits for fal.ai."""

    jobs: Jobs
    models: ModelRepository
    shoots: ShootRepository
    stories: StoryRepository
    notices: NoticeRepository
    trainer: Trainer
    buckets: Buckets
    gives_up: bool = False

    def carry_out(self, step: Step, *, repeats: bool) -> Left:
        """Do the step, which it `repeats` where it may have been done before; what it did not delete.

        Raises `ProductError` where something does not answer.
        """
        if step.what is What.FAL_REQUEST:
            return self._forgotten_by_fal(step, repeats=repeats)
        if step.what in BUCKET_OF:
            self._empty(step)
        else:
            self._documents[step.what](step)
        return NOTHING

    def _empty(self, step: Step) -> None:
        bucket = self.buckets[BUCKET_OF[step.what]]
        for found in list(bucket.list(step.place)):
            bucket.delete(found.name)

    @property
    def _documents(self) -> Mapping[What, Callable[[Step], None]]:
        return {
            What.STORY: lambda step: self.stories.forget(step.of),
            What.NOTICES: lambda step: self.notices.delete(step.of),
            What.MODEL: lambda step: self.models.delete(step.of),
            What.TRAINING: lambda step: self.jobs.trainings.delete(step.of),
            What.IMAGES: lambda step: self.jobs.images.delete(step.of),
            What.SHOOT: lambda step: self.shoots.delete(step.of),
            What.VERSIONS: self._forget_name,
        }

    def _forget_name(self, step: Step) -> None:
        person_id, _, name = step.place.partition("/")
        self.models.forget_name(person_id, name)

    def _forgotten_by_fal(self, step: Step, *, repeats: bool) -> Left:
        try:
            answer = self.trainer.forget(step.place)
        except TrainerUnavailable:
            if not self.gives_up:
                raise
            return _stays(step, FAL_SILENT)
        if answer.answer is ForgetAnswer.REFUSED:
            return _stays(step, FAL_REFUSED)
        if answer.left:
            return _stays(step, FAL_FILES_LEFT)
        if answer.answer is ForgetAnswer.UNKNOWN and not repeats:
            return Left(gone=(replace(line_of(step), reason=FAL_HAD_NOTHING),))
        return NOTHING


def _stays(step: Step, reason: str) -> Left:
    return Left(stays=(replace(line_of(step), reason=reason),))
