"""Sample pictures: a few that are made by themselves with every new model, so that its user sees what it learned."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared import logs
from shared.accounts import Limits
from shared.errors import Conflict, InvalidRequest, ModelNotFound
from shared.image_jobs import Origin
from shared.jobs import derived_key
from shared.ports import ModelRepository
from shared.stages import Status
from shared.start_images import ImageDesk, ImageWish, drawable, start_images
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


def samples_usd(spec: TrainerSpec, count: int) -> float | None:
    """What so many samples cost, in US dollars; None where there are none or nobody knows."""
    pictures = spec.base_model.pictures
    if not count or pictures is None:
        return None
    return pictures.quote(SIZE, min(count, pictures.max_count)).price_usd


def request_samples(training: Training, *, models: ModelRepository, desk: ImageDesk) -> None:
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
        start_images(model, derived_key("samples", training.id), wish, desk)
    except (ModelNotFound, InvalidRequest, Conflict) as error:
        logs.warning("samples_not_requested", training_id=training.id, code=error.code)
