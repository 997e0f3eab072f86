"""What can be erased, of what kinds it is, and the values with which a plan and a receipt tell of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class Subject(StrEnum):
    """What can be erased: a model, a training, a set of pictures, or everything that one owner has of a person."""

    MODEL = "model"
    TRAINING = "training"
    IMAGES = "images"
    PERSON = "person"


class What(StrEnum):
    """The kinds of things that are deleted, or not."""

    FAL_REQUEST = "fal_request"
    ARCHIVES = "archives"
    STAGED_FILES = "staged_files"
    FAILED_LOG = "failed_log"
    MODEL_FILES = "model_files"
    PICTURES = "pictures"
    SMALL_PICTURES = "small_pictures"
    IMAGES = "images"
    LATE_IMAGES = "late_images"
    STORY = "story"
    NOTICES = "notices"
    MODEL = "model"
    TRAINING = "training"
    VERSIONS = "versions"
    SHOOT_FILES = "shoot_files"
    SHOOT_THUMBNAILS = "shoot_thumbnails"
    SHOOT = "shoot"
    ACCOUNT = "account"
    BILLING = "billing"
    TOLD = "told"
    SAFETY_COPIES = "safety_copies"


class Bucket(StrEnum):
    """The buckets, by what is in them."""

    DATASETS = "datasets"
    MODELS = "models"
    THUMBNAILS = "thumbnails"
    SHOOTS = "shoots"


BUCKET_OF: Mapping[What, Bucket] = {
    What.ARCHIVES: Bucket.DATASETS,
    What.STAGED_FILES: Bucket.MODELS,
    What.FAILED_LOG: Bucket.MODELS,
    What.MODEL_FILES: Bucket.MODELS,
    What.PICTURES: Bucket.MODELS,
    What.SMALL_PICTURES: Bucket.THUMBNAILS,
    What.SHOOT_FILES: Bucket.SHOOTS,
    What.SHOOT_THUMBNAILS: Bucket.THUMBNAILS,
}
"""What lies in a bucket, and in which; everything else is a document, or fal.ai's."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to delete: `of` is the id of what it belongs to, `place` where it is: a prefix, or fal.ai's request.

    `count` objects with `size` bytes together were there when the plan was made; None where nobody looked.
    """

    what: What
    of: str
    place: str = ""
    count: int | None = None
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a receipt: things of one kind, by the ids of what they belong to; with `reason`, why they stay, or
    why they were gone."""

    what: What
    count: int = 0
    size: int = 0
    of: tuple[str, ...] = ()
    reason: str = ""

    def plus(self, other: Line) -> Line:
        """Both in one line; they are of one kind and reason."""
        of = tuple(dict.fromkeys((*self.of, *other.of)))
        return replace(self, count=self.count + other.count, size=self.size + other.size, of=of)


def line_of(step: Step) -> Line:
    """How a receipt tells of a step that is done."""
    return Line(what=step.what, count=step.count or 0, size=step.size, of=(step.of,))


def with_news(told: Sequence[Line], lines: Iterable[Line]) -> tuple[Line, ...]:
    """`told` and of `lines` what is not told yet, by what it is of."""
    known = {(line.what, line.reason, of) for line in told for of in line.of}
    news = (replace(line, of=tuple(i for i in line.of if (line.what, line.reason, i) not in known)) for line in lines)
    return together((*told, *(replace(line, count=len(line.of)) for line in news if line.of)))


def together(lines: Iterable[Line]) -> tuple[Line, ...]:
    """One line for each kind and reason, in the order in which they first came."""
    found: dict[tuple[What, str], Line] = {}
    for line in lines:
        key = (line.what, line.reason)
        found[key] = found[key].plus(line) if key in found else line
    return tuple(found.values())
