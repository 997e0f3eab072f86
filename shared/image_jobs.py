"""Pictures made with a model: the second kind of job, from its prompt to what is kept. Pure.

How it moves is every job's, in `shared/jobs.py`; how a trainer's LoRA is asked for pictures is in `shared/trainers`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from shared.errors import ProductError
from shared.jobs import Job, Kind
from shared.stages import Status
from shared.trainers import trainer as spec_of
from shared.trainers.entry import Pictures

PREFIX = "i"
GROUP_PREFIX = "g"


class Origin(StrEnum):
    """Why there are these pictures: somebody asked, a training succeeded, they resemble others, or are compared."""

    ASKED = "asked"
    SAMPLES = "samples"
    MORE = "more"
    COMPARISON = "comparison"


@dataclass(frozen=True, kw_only=True)
class KeptPicture:
    """One verified picture: its object in the models bucket, its pixels and bytes.

    `nsfw` is what fal.ai's safety checker said of it, None where it said nothing.
    """

    name: str
    width: int
    height: int
    size: int
    sha256: str
    crc32c: str
    nsfw: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ImageJob(Job):
    """A set of pictures as it is stored: `count` of one prompt, seed and scale, made with version `version` of a name.

    `prompt` is as it is sent, with the trigger word. `scale` 0 means as if there were no LoRA. `group_id` holds those
    together that are to be compared, `group_sets` of them; `like_id` is the set that this one was to be like. `nonce`
    is that of the latest preparation.
    """

    kind: ClassVar[Kind] = Kind.IMAGES
    noun: ClassVar[str] = "set of pictures"

    model_id: str
    version: int
    prompt: str
    count: int
    size: str
    seed: int
    scale: float
    origin: Origin = Origin.ASKED
    group_id: str | None = None
    group_sets: int | None = None
    like_id: str | None = None
    nonce: str | None = None
    pictures: tuple[KeptPicture, ...] = ()

    @property
    def needs_model_id(self) -> str:
        """The one that the pictures are made with."""
        return self.model_id

    @property
    def endpoint(self) -> str:
        """The endpoint that makes pictures with what this trainer makes."""
        return pictures_of(self.trainer).endpoint

    @property
    def prepared_nonce(self) -> str | None:
        """The nonce under which the weights were signed."""
        return self.nonce

    @property
    def prefix(self) -> str:
        """Where its pictures lie in the models bucket, and small ones of them in the thumbnails bucket."""
        return f"{images_prefix(self.person_id, self.model_name, self.version)}{self.id}/"

    @property
    def shortfall(self) -> str | None:
        """In words, that fewer pictures are kept than were asked for; None where not, and before it has succeeded."""
        return shortfall(len(self.pictures), self.count) if self.status is Status.SUCCEEDED else None

    def told(self, error: ProductError) -> str:
        """The sentence of `error`, of which many are about trainings, in words for pictures."""
        return error.message_of_pictures


def shortfall(kept: int, asked: int) -> str | None:
    """That fewer are kept than were asked for: every picture that fal.ai delivered is. None where all came."""
    return f"{kept} of {asked}: fal.ai delivered no more" if kept < asked else None


def images_prefix(person_id: str, model_name: str, version: int) -> str:
    """Where all pictures of a version lie in the models bucket."""
    return f"images/{person_id}/{model_name}/v{version}/"


def pictures_of(trainer: str) -> Pictures:
    """How pictures are made with what this trainer makes; `LookupError` where nobody knows."""
    pictures = spec_of(trainer).base_model.pictures
    if pictures is None:
        raise LookupError(trainer)
    return pictures


def is_image_job(job_id: str) -> bool:
    """Whether a job of that id makes pictures; all others are trainings."""
    return job_id.startswith(f"{PREFIX}_")


def seed_of(name: str) -> int:
    """A seed for those who have none: the same one for the same name, so that a repeated request is the same."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) >> 1
