"""What can be erased, of what kinds it is, and the values with which a plan and a receipt tell of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

MOST_NAMED = 500
"""Ids that one line names: a document of the database holds 1 MiB, and a receipt has some twenty lines."""


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
    why they were gone. It is of so many more that are `unnamed`."""

    what: What
    count: int = 0
    size: int = 0
    of: tuple[str, ...] = ()
    reason: str = ""
    unnamed: int = 0

    def told_again(self, other: Line) -> Line:
        """Both in one line, where `other` may be of the same: whatever one of them does not name is taken for that."""
        of = dict.fromkeys((*self.of, *other.of))
        before = len(self.of) + self.unnamed
        ids = max(before, len(other.of) + other.unnamed, len(of))
        return replace(_of(self, of, ids), count=self.count + ids - before)


def line_of(step: Step) -> Line:
    """How a receipt tells of a step that is done."""
    return Line(what=step.what, count=step.count or 0, size=step.size, of=(step.of,))


def with_news(told: Sequence[Line], lines: Iterable[Line]) -> tuple[Line, ...]:
    """`told` and of `lines` what is not told yet, by what it is of."""
    found = {(line.what, line.reason): line for line in told}
    for line in together(lines):
        before = found.get((line.what, line.reason))
        found[line.what, line.reason] = before.told_again(line) if before else line
    return tuple(found.values())


def together(lines: Iterable[Line]) -> tuple[Line, ...]:
    """One line for each kind and reason, in the order in which they first came; each counts all of its lines."""
    found: dict[tuple[What, str], list[Line]] = {}
    for line in lines:
        found.setdefault((line.what, line.reason), []).append(line)
    return tuple(_one(of_kind) for of_kind in found.values())


def _one(lines: Sequence[Line]) -> Line:
    of = dict.fromkeys(each for line in lines for each in line.of)
    ids = len(of) + sum(line.unnamed for line in lines)
    count, size = sum(line.count for line in lines), sum(line.size for line in lines)
    return replace(_of(lines[0], of, ids), count=count, size=size)


def _of(line: Line, of: Iterable[str], ids: int) -> Line:
    """The line, of so many ids, of which it names the first."""
    named = tuple(islice(of, MOST_NAMED))
    return replace(line, of=named, unnamed=ids - len(named))
