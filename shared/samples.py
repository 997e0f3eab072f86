"""Sample pictures: a few that are made by themselves with every new model, so that its user sees what it learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from shared import logs
from shared.accounts import Limits
from shared.errors import Conflict, InvalidRequest, ModelErased, ModelNotFound
from shared.image_jobs import PREFIX, Origin
from shared.jobs import Job, derived_key, keyed_id
from shared.orders import Desk
from shared.ports import ModelRepository
from shared.quotes import Quote
from shared.stages import Status
from shared.start_images import ImageWish, drawable, start_images, told_count
from shared.trainers import TrainerSpec
from shared.trainers.entry import Preset
from shared.trainings import Training

SIZE = "square_hd"

# `[trigger]` becomes the model's own word.
PROMPTS: Mapping[str | None, str] = MappingProxyType(
    {
        Preset.PERSON: "a portrait photo of [trigger], looking at the camera, soft daylight",
        Preset.COSTUME: "a full-body photo of a person wearing [trigger], plain background, soft daylight",
        Preset.STYLE: "a quiet street with a tree and a bicycle, in the style of [trigger]",
        None: "a photo of [trigger], soft daylight",
    }
)

# What the samples cost was set aside with the training.
NO_LIMITS = Limits(trainings_at_once=None, usd_per_day=None)


def samples_of(spec: TrainerSpec, wanted: int | None, *, by_default: int) -> int:
    """How many samples a model of this trainer has: as many as are wanted; where nothing is said, as it is set up.

    Unasked, none are made where nobody knows before what they cost. `InvalidRequest` where they cannot be made.
    """
    pictures = spec.base_model.pictures
    if wanted is None:
        return min(by_default, pictures.max_count) if pictures and pictures.price else 0
    if wanted and pictures is None:
        raise InvalidRequest(reason=f"nobody knows how to make pictures with what {spec.endpoint} makes")
    if pictures and wanted > pictures.max_count:
        raise InvalidRequest(reason=f"{pictures.endpoint} makes {told_count(pictures)} at a time, not {wanted}")
    return wanted


def with_samples(quote: Quote, spec: TrainerSpec, count: int) -> Quote:
    """The quote of a training with so many samples in it, as far as their price is known."""
    pictures = spec.base_model.pictures
    usd = pictures.quote(SIZE, count).price_usd if count and pictures else None
    return replace(quote, samples=count, samples_usd=usd)


def has_unpriced_samples(job: Job) -> bool:
    """Whether samples follow of which nobody knows the price: all that was set aside for the training may be spent."""
    if not isinstance(job, Training) or job.status is not Status.SUCCEEDED or not job.samples:
        return False
    return job.quote is None or job.quote.samples_usd is None


def request_samples(training: Training, *, models: ModelRepository, desk: Desk) -> None:
    """Ask for the samples of a training that succeeded and is to have some, once however often this is called.

    Whatever becomes of them, the training and its model are done: what makes them impossible is logged and left.
    """
    if training.status is not Status.SUCCEEDED or not training.samples or training.model_id is None:
        return
    try:
        model = models.get(training.model_id)
        count = min(training.samples, drawable(model).max_count)
        prompt = PROMPTS.get(training.preset, PROMPTS[None])
        wish = ImageWish(prompt=prompt, count=count, size=SIZE, origin=Origin.SAMPLES)
        start_images(model, _key(training.id), wish, desk)
    except (ModelErased, ModelNotFound, InvalidRequest, Conflict) as error:
        logs.warning("samples_not_requested", training_id=training.id, code=error.code)


def samples_id(owner_id: str, training_id: str) -> str:
    """The id of the samples of a training of that owner's, whether there are any or not."""
    return keyed_id(PREFIX, owner_id, _key(training_id))


def _key(training_id: str) -> str:
    return derived_key("samples", training_id)
