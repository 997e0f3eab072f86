"""The use case behind "Make pictures", and behind the samples of a model: record the set once, then announce it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.datasets import with_trigger
from shared.errors import InvalidRequest
from shared.image_jobs import PREFIX, ImageJob, Origin, seed_of
from shared.jobs import keyed_id
from shared.models import Model
from shared.orders import Desk, begin, known, request_hash
from shared.ports import Clock
from shared.trainers import trainer as spec_of
from shared.trainers.entry import PICTURE_SIZES, Pictures
from shared.usable_models import refuse_if_erased

DEFAULT_SIZE = "landscape_4_3"
MAX_SEED = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class ImageWish:
    """What pictures a user wants of a model; `seed` is chosen for her where it is None.

    `group_id`, `group_sets`, `like_id` and `predecessor_id` are the comparison that they belong to and of how many sets
    it is, the set that they are to resemble, and the set that they repeat.
    """

    prompt: str
    count: int = 1
    size: str = DEFAULT_SIZE
    seed: int | None = None
    scale: float = 1.0
    origin: Origin = Origin.ASKED
    group_id: str | None = None
    group_sets: int | None = None
    like_id: str | None = None
    predecessor_id: str | None = None


def start_images(model: Model, key: str, wish: ImageWish, desk: Desk) -> ImageJob:
    """The set of pictures that this key of the model's owner stands for: recorded and announced now, or as it was.

    `InvalidRequest` for what cannot be made with this model, `ModelErased` where that is being deleted;
    `TooManyImageJobs` and `BudgetExceeded`; `Conflict` where the key stood for another request.
    """
    job = wanted_images(model, key, wish, desk.clock)
    if (before := known(job, desk)) is not None:
        return before
    refuse_if_erased(model)
    return begin(job, desk)


def wanted_images(model: Model, key: str, wish: ImageWish, clock: Clock) -> ImageJob:
    """The set as it is recorded; its id, and its seed where none is wanted, follow from owner and key alone."""
    pictures = drawable(model)
    _check(wish, pictures)
    wanted: dict[str, Any] = {
        "model_id": model.id,
        "prompt": with_trigger(wish.prompt.strip(), model.trigger_word),
        "count": wish.count,
        "size": wish.size,
        "scale": wish.scale,
        "origin": wish.origin,
        "group_id": wish.group_id,
        "like_id": wish.like_id,
    }
    job_id = keyed_id(PREFIX, model.owner_id, key)
    return ImageJob.requested(
        at=clock.now(),
        id=job_id,
        owner_id=model.owner_id,
        person_id=model.person_id,
        model_name=model.name,
        version=model.version,
        trigger_word=model.trigger_word,
        trainer=model.trainer,
        seed=seed_of(job_id) if wish.seed is None else wish.seed,
        idempotency_hash=request_hash({**wanted, "seed": wish.seed}),
        quote=pictures.quote(wish.size, wish.count),
        predecessor_id=wish.predecessor_id,
        group_sets=wish.group_sets,
        **wanted,
    )


def drawable(model: Model) -> Pictures:
    """How pictures are made with the model; `InvalidRequest` where nobody knows."""
    pictures = spec_of(model.trainer).base_model.pictures
    if pictures is None:
        raise InvalidRequest(reason=f"nobody knows how to make pictures with what {model.trainer} makes")
    return pictures


def told_count(pictures: Pictures) -> str:
    """How many pictures one request may ask for, in words."""
    return "one picture" if pictures.max_count == 1 else f"1 to {pictures.max_count} pictures"


def _check(wish: ImageWish, pictures: Pictures) -> None:
    if not wish.prompt.strip():
        raise InvalidRequest(reason="a prompt has to say something")
    if not 1 <= wish.count <= pictures.max_count:
        raise InvalidRequest(reason=f"{pictures.endpoint} makes {told_count(pictures)} at a time, not {wish.count}")
    if not 0 <= wish.scale <= pictures.max_scale:
        raise InvalidRequest(reason=f"a scale is from 0 to {pictures.max_scale:g}, not {wish.scale:g}")
    if wish.size not in PICTURE_SIZES:
        raise InvalidRequest(reason=f"a size is one of {', '.join(PICTURE_SIZES)}")
    if wish.seed is not None and not 0 <= wish.seed <= MAX_SEED:
        raise InvalidRequest(reason=f"a seed is from 0 to {MAX_SEED}")
