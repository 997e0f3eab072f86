"""A training: the job that makes a model of a shoot. How it moves is every job's, in `shared/jobs.py`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from shared.jobs import Job, Kind
from shared.models import recipe
from shared.training_records import Dataset


@dataclass(frozen=True, kw_only=True)
class Training(Job):
    """One training as it is stored.

    `captions`, by stem, were given for this training alone: they are used in the place of the stored ones. `model_id`
    is what came out. `without` are the stems of pictures that it leaves out. `parent_model_id` is the model that it
    trains again, and where it `continues`, whose weights it begins with. `recipe` stands for all that the weights
    depend on; `forced` is one that may be the same as another. `press_hash` stands for the words of the press that
    began it, whatever becomes of what they are about. `samples` is how many pictures are made with the model by
    themselves, once there is one.
    """

    kind: ClassVar[Kind] = Kind.TRAINING
    noun: ClassVar[str] = "training"

    shoot_id: str
    parameters: Mapping[str, Any]
    dataset: Dataset | None = None
    preset: str | None = None
    recipe: str = ""
    forced: bool = False
    press_hash: str | None = None
    captions: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    parent_model_id: str | None = None
    continues: bool = False
    samples: int = 0

    @property
    def continued_model_id(self) -> str | None:
        """The model whose weights this training begins with; None where it begins afresh."""
        return self.parent_model_id if self.continues else None

    def recipe_of(self, fingerprint: str) -> str:
        """The recipe of this training with the dataset of that fingerprint."""
        return recipe(
            fingerprint,
            trainer=self.trainer,
            trigger_word=self.trigger_word,
            parameters=self.parameters,
            continued_model_id=self.continued_model_id,
        )

    @property
    def needs_model_id(self) -> str | None:
        """The one that it continues."""
        return self.continued_model_id

    @property
    def endpoint(self) -> str:
        """The trainer itself."""
        return self.trainer

    @property
    def prepared_nonce(self) -> str | None:
        """The nonce of its archive."""
        return self.dataset.nonce if self.dataset else None
