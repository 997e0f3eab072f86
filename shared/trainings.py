"""A training: the job that makes a model of a shoot. How it moves is every job's, in `shared/jobs.py`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from shared.errors import Conflict, NotSettled
from shared.jobs import Job, Kind
from shared.stages import Attention, Status
from shared.training_records import Dataset


@dataclass(frozen=True, kw_only=True)
class Training(Job):
    """One training as it is stored.

    `captions`, by stem, were given for this training alone: they are used in the place of the stored ones. `model_id`
    is what came out. `without` are the stems of pictures that it leaves out. `parent_model_id` is the model that it
    trains again, and where it `continues`, whose weights it begins with. `samples` is how many pictures are made with
    the model by themselves, once there is one. What `erasure_id` erases does not begin again.
    """

    kind: ClassVar[Kind] = Kind.TRAINING
    noun: ClassVar[str] = "training"

    shoot_id: str
    parameters: Mapping[str, Any]
    dataset: Dataset | None = None
    preset: str | None = None
    recipe: str = ""
    captions: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    parent_model_id: str | None = None
    continues: bool = False
    erasure_id: str | None = None
    samples: int = 0

    @property
    def continued_model_id(self) -> str | None:
        """The model whose weights this training begins with; None where it begins afresh."""
        return self.parent_model_id if self.continues else None

    def may_advance(self, to: Status) -> bool:
        """Whether the table and its guards allow the move from here: what is being erased is not recovered."""
        return super().may_advance(to) and (self.erasure_id is None or self.status is not Status.FAILED)

    def given_to(self, erasure_id: str) -> Training:
        """This training, about to be erased: it does not begin again.

        `Conflict` where it is not over, or fal.ai may still deliver; `NotSettled` where it ended this moment.
        """
        if not self.is_terminal or self.attention is Attention.WATCHED:
            raise Conflict(reason=f"a training that is {self.status} and not over cannot be deleted")
        if self.attention is Attention.FOLLOWED:
            raise NotSettled(id=self.id)
        return self if self.erasure_id else replace(self, erasure_id=erasure_id)

    @property
    def endpoint(self) -> str:
        """The trainer itself."""
        return self.trainer

    @property
    def prepared_nonce(self) -> str | None:
        """The nonce of its archive."""
        return self.dataset.nonce if self.dataset else None
