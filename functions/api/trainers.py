"""Route of the trainers that can be chosen: the registry, for forms and for people."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from functions.api.auth import User
from functions.api.views import View
from shared.start_images import DEFAULT_SIZE
from shared.trainers import DEFAULT_TRAINER, TRAINERS, TrainerSpec
from shared.trainers.entry import PICTURE_SIZES, PRICE_IS_NOT_KNOWN, Pictures, Price
from shared.trainers.presets import PRESET_WORDS
from shared.trainers.schema import parameters_schema

router = APIRouter(prefix="/v1", tags=["trainers"])


class PresetView(View):
    """A preset of a trainer: its words, and what it sets there; the rest is as the defaults are."""

    name: str = Field(examples=["person"])
    title: str = Field(examples=["A person"])
    help: str
    parameters: dict[str, Any] = Field(examples=[{"create_masks": True}])


class PriceRuleView(View):
    """What fal.ai charges: `usd` per `unit`, as of `at`; at least for `at_least` of `parameter`."""

    usd: float
    unit: str = Field(examples=["1000 steps"])
    parameter: str
    at: str = Field(examples=["2026-11-01"])
    at_least: int


class PictureSizeView(View):
    """A size of pictures by its name, in pixels."""

    name: str = Field(examples=["landscape_4_3"])
    width: int
    height: int


class PicturesView(View):
    """How pictures are made: where, how many at a time, in which sizes, and at a scale from 0 to `max_scale`."""

    endpoint: str = Field(examples=["fal-ai/flux-lora"])
    max_count: int
    max_scale: float
    sizes: list[PictureSizeView]
    default_size: str


class BaseModelView(View):
    """What the LoRA is made for, and how pictures are made with it, null where nobody knows."""

    id: str = Field(examples=["flux-1-dev"])
    title: str
    pictures: PicturesView | None


class TrainerView(View):
    """One trainer; `parameters` is a JSON Schema (draft 2020-12), and what it accepts is what is accepted."""

    endpoint: str = Field(examples=[DEFAULT_TRAINER])
    name: str = Field(description="The endpoint as it is called for short; both are understood")
    version: int = Field(description="Counts what has changed about this entry; kept with every training")
    title: str
    summary: str
    default: bool
    base_model: BaseModelView
    minimum_images: int
    price: PriceRuleView | None
    price_note: str
    resumable: bool = Field(description="Whether it can go on from the weights of an earlier model")
    masks: str | None = Field(description="The parameter that makes it look at the subject, where it has one")
    weights_files: list[str] = Field(description="The files of a model, by what tells them apart; one is nameless")
    presets: list[PresetView]
    parameters: dict[str, Any]
    source: list[str] = Field(description="Where all this is from")


class TrainersView(View):
    """Every trainer, the default one first."""

    items: list[TrainerView]


@router.get("/trainers")
def list_trainers(user: User) -> TrainersView:
    """The trainers at fal.ai that can be chosen, with their parameters, presets and prices."""
    return TrainersView(items=[trainer_view(spec) for spec in TRAINERS.values()])


def trainer_view(spec: TrainerSpec) -> TrainerView:
    """The entry's public side."""
    pictures = spec.base_model.pictures
    return TrainerView(
        endpoint=spec.endpoint,
        name=spec.name,
        version=spec.version,
        title=spec.title,
        summary=spec.summary,
        default=spec.endpoint == DEFAULT_TRAINER,
        base_model=BaseModelView(
            id=spec.base_model.id,
            title=spec.base_model.title,
            pictures=_pictures_view(pictures) if pictures else None,
        ),
        minimum_images=spec.minimum_images,
        price=_price_view(spec.price) if spec.price else None,
        price_note=spec.price.note if spec.price else PRICE_IS_NOT_KNOWN,
        resumable=spec.resume_field is not None,
        masks=spec.masks,
        weights_files=[output.part for output in spec.weights],
        presets=[
            PresetView(name=preset, parameters=dict(values), **vars(PRESET_WORDS[preset]))
            for preset, values in spec.presets.items()
        ],
        parameters=parameters_schema(spec),
        source=list(spec.source),
    )


def _pictures_view(pictures: Pictures) -> PicturesView:
    return PicturesView(
        endpoint=pictures.endpoint,
        max_count=pictures.max_count,
        max_scale=pictures.max_scale,
        sizes=[
            PictureSizeView(name=name, width=width, height=height) for name, (width, height) in PICTURE_SIZES.items()
        ],
        default_size=DEFAULT_SIZE,
    )


def _price_view(price: Price) -> PriceRuleView:
    return PriceRuleView(
        usd=price.usd, unit=price.unit, parameter=price.parameter, at=price.at, at_least=price.at_least
    )
