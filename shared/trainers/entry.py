"""What the registry knows about one trainer, as data, and the little that follows from it. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from shared.quotes import Expectation, Quote
from shared.trainers.parameters import Parameter, Value

PREFIX = "fal-ai/"

PRICE_IS_NOT_KNOWN = "fal.ai's pricing API tells the price; here it is known once the run has been billed."


class Preset(StrEnum):
    """What a LoRA is to learn; the words for users are in `presets.py`."""

    PERSON = "person"
    COSTUME = "costume"
    STYLE = "style"


@dataclass(frozen=True, kw_only=True)
class Price:
    """What fal.ai charges, linear in one parameter: `usd` per `per` of `parameter`, as of `at` (ISO date).

    Of that parameter `at_least` is billed, also where less was asked for.
    """

    usd: float
    per: int
    parameter: str
    at: str
    at_least: int = 0

    @property
    def unit(self) -> str:
        """The unit in words: `1000 steps`."""
        return f"{self.per} {self.parameter}"

    @property
    def note(self) -> str:
        """What else there is to know about the price; may be empty."""
        return f"At least {self.at_least} {self.parameter} are billed." if self.at_least else ""

    def of(self, parameters: Mapping[str, Value]) -> float:
        """What a run with these (complete) parameters costs, in US dollars."""
        return round(self.usd * max(float(parameters[self.parameter]), self.at_least) / self.per, 4)


# What fal.ai counts as one megapixel: a picture of 1024 × 1024 is one.
MEGAPIXEL = 1024 * 1024

# The sizes that every endpoint knows by name, in pixels (fal.md §4).
PICTURE_SIZES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "square_hd": (1024, 1024),
        "square": (512, 512),
        "portrait_4_3": (768, 1024),
        "portrait_16_9": (576, 1024),
        "landscape_4_3": (1024, 768),
        "landscape_16_9": (1024, 576),
    }
)

MAX_PICTURES = 4


@dataclass(frozen=True, kw_only=True)
class PicturesPrice:
    """What fal.ai charges for pictures: `usd` for each megapixel of each, as of `at` (ISO date).

    Whether it rounds is told nowhere: a megapixel that is begun counts here, so that a quote is never too low.
    """

    usd: float
    at: str
    source: str
    note: str = ""

    def of(self, size: str, count: int) -> float:
        """What `count` pictures of that size cost, in US dollars."""
        width, height = PICTURE_SIZES[size]
        return round(self.usd * math.ceil(width * height / MEGAPIXEL) * count, 4)


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """How pictures are made with a LoRA: the endpoint, and the names of its fields that this depends on.

    `loras_field` takes a list of `{path, scale}`, `scale` from 0 to `max_scale`, at most `max_loras` (None: any
    number); `images_field` of the output is a list of pictures, or one picture where `one_image`. `safety_fields` are
    sent as true. A `price` of None is not known.
    """

    endpoint: str
    source: str
    loras_field: str = "loras"
    path_field: str = "path"
    scale_field: str = "scale"
    max_scale: float = 4.0
    max_loras: int | None = None
    images_field: str = "images"
    one_image: bool = False
    safety_fields: tuple[str, ...] = ("enable_safety_checker",)
    price: PicturesPrice | None = None

    @property
    def max_count(self) -> int:
        """How many pictures one request may ask for."""
        return 1 if self.one_image else MAX_PICTURES

    def quote(self, size: str, count: int) -> Quote:
        """What `count` pictures of that size cost, as far as that is known before."""
        if self.price is None:
            return Quote(trainer=self.endpoint, note=PRICE_IS_NOT_KNOWN)
        return Quote(
            trainer=self.endpoint,
            price_usd=self.price.of(size, count),
            unit_price_usd=self.price.usd,
            unit="megapixel",
            priced_at=self.price.at,
            note=f"Every megapixel that is begun counts, of each picture. {self.price.note}".rstrip(),
        )


@dataclass(frozen=True, kw_only=True)
class BaseModel:
    """What a LoRA is trained on top of; `pictures` is None where no endpoint is known that takes such a LoRA."""

    id: str
    title: str
    pictures: Pictures | None = None


@dataclass(frozen=True, kw_only=True)
class WeightsOutput:
    """A field of the output that is a file of weights.

    Where there are several, `part` tells them apart in file names and words, and `in_loras` is what its item in
    `Pictures.loras_field` needs besides path and scale.
    """

    output: str = "diffusers_lora_file"
    part: str = ""
    in_loras: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrainerSpec:
    """One trainer at fal.ai: what it takes, gives, costs and can. docs/trainers.md tells how to add one.

    `version` counts the changes of what fal.ai is sent; it is kept with every training. `source` says where all this
    is from. `fal_only` are fields that fal.ai has and that we neither send nor offer. `resume_field` takes the URL of
    weights to continue from. `default_caption` names the parameter that is used for pictures without a caption, of
    those trainers that fail without one: the trigger word is put into it. `replaces_placeholder` means that the trainer
    itself replaces `[trigger]` in captions. `masks` names the parameter that weighs the loss by masks. `presets` are
    those that it offers, with what each of them sets. A `price` of None is not known. `other_outputs` are fields of its
    output that are not fetched.
    """

    endpoint: str
    version: int
    title: str
    summary: str
    source: tuple[str, ...]
    base_model: BaseModel
    data_field: str
    trigger_field: str | None
    parameters: tuple[Parameter, ...]
    price: Price | None
    minimum_images: int = 4
    trigger_required: bool = False
    fal_only: tuple[str, ...] = ()
    resume_field: str | None = None
    default_caption: str | None = None
    replaces_placeholder: bool = False
    masks: str | None = None
    presets: Mapping[Preset, Mapping[str, Value]] = field(default_factory=dict)
    weights: tuple[WeightsOutput, ...] = (WeightsOutput(),)
    config_field: str = "config_file"
    other_outputs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The endpoint without fal.ai's own prefix: what people call it."""
        return self.endpoint.removeprefix(PREFIX)

    @property
    def own_fields(self) -> frozenset[str]:
        """The fields of its input that users cannot set: we fill them in, or never send them."""
        return frozenset({self.data_field, self.trigger_field or "", self.resume_field or "", *self.fal_only} - {""})

    def quote(self, parameters: Mapping[str, Value], expected: Expectation | None = None) -> Quote:
        """What a training with these (complete) parameters costs, as far as that is known before."""
        if self.price is None:
            return Quote(trainer=self.endpoint, note=PRICE_IS_NOT_KNOWN, expected_s=expected)
        return Quote(
            trainer=self.endpoint,
            price_usd=self.price.of(parameters),
            unit_price_usd=self.price.usd,
            unit=self.price.unit,
            priced_at=self.price.at,
            note=self.price.note,
            expected_s=expected,
        )
