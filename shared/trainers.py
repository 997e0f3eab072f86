"""The trainers at fal.ai that can be chosen, as data (fal.md §3). Pure.

fal.ai ignores unknown input silently, so a parameter that a trainer does not have is refused here.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import InvalidRequest
from shared.quotes import Expectation, Quote

PREPROCESSED = "is_input_format_already_preprocessed"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One input of a trainer: its type, our default, its range where it has one, and a word of help."""

    name: str
    kind: type[int] | type[float] | type[bool] | type[str]
    default: Any
    minimum: float | None = None
    maximum: float | None = None
    help: str = ""

    def checked(self, value: Any) -> Any:
        """`value` where it fits; `InvalidRequest` naming the parameter where it does not."""
        fits = type(value) is self.kind or (self.kind is float and type(value) is int)
        if not fits:
            raise InvalidRequest(reason=f"{self.name} must be of type {self.kind.__name__}")
        low = self.minimum is not None and value < self.minimum
        if low or (self.maximum is not None and value > self.maximum):
            raise InvalidRequest(reason=f"{self.name} must be from {self.minimum} to {self.maximum}")
        return value


@dataclass(frozen=True, kw_only=True)
class Price:
    """What fal.ai charges, linear in one parameter: `usd` per `per` of `parameter`, as of `at` (ISO date)."""

    usd: float
    per: int
    parameter: str
    at: str

    @property
    def unit(self) -> str:
        """The unit in words: `1000 steps`."""
        return f"{self.per} {self.parameter}"


@dataclass(frozen=True, kw_only=True)
class TrainerSpec:
    """One trainer: its endpoint and the names under which it takes what we send."""

    endpoint: str
    title: str
    data_field: str
    trigger_field: str | None
    parameters: tuple[Parameter, ...]
    minimum_images: int
    price: Price
    weights_field: str = "diffusers_lora_file"
    config_field: str = "config_file"

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Every parameter with its value, given or default. `InvalidRequest` for one that the trainer does not have."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"; {near[0]} may be meant" if near else f"; it has {', '.join(known)}"
                raise InvalidRequest(reason=f"the trainer {self.endpoint} has no {name}{hint}")
        return {name: p.checked(given.get(name, p.default)) for name, p in known.items()}

    def quote(self, parameters: Mapping[str, Any], expected: Expectation | None = None) -> Quote:
        """What a training with these (complete) parameters costs."""
        amount = self.price.usd * parameters[self.price.parameter] / self.price.per
        return Quote(
            trainer=self.endpoint,
            price_usd=round(amount, 4),
            unit_price_usd=self.price.usd,
            unit=self.price.unit,
            priced_at=self.price.at,
            expected_s=expected,
        )

    def arguments(self, archive_url: str, trigger_word: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The bare model input for fal.ai."""
        trigger = {self.trigger_field: trigger_word} if self.trigger_field else {}
        return {self.data_field: archive_url, **trigger, **parameters}


DEFAULT_TRAINER = "fal-ai/flux-lora-fast-training"

TRAINERS: Mapping[str, TrainerSpec] = {
    DEFAULT_TRAINER: TrainerSpec(
        endpoint=DEFAULT_TRAINER,
        title="FLUX.1 LoRA, fast",
        data_field="images_data_url",
        trigger_field="trigger_word",
        minimum_images=4,
        price=Price(usd=2.0, per=1000, parameter="steps", at="2026-11-01"),
        parameters=(
            Parameter(
                name="steps",
                kind=int,
                default=1000,
                minimum=1,
                maximum=10_000,
                help="How long to train; the price grows with it.",
            ),
            Parameter(name="create_masks", kind=bool, default=True, help="Weigh the loss by masks of the subject."),
            Parameter(name="is_style", kind=bool, default=False, help="Learn a style instead of a subject."),
            Parameter(
                name=PREPROCESSED,
                kind=bool,
                default=True,
                help="The pictures are preprocessed already.",
            ),
        ),
    ),
}


def trainer(endpoint: str) -> TrainerSpec:
    """The trainer of that name; `InvalidRequest` where there is none, with the names that there are."""
    if endpoint not in TRAINERS:
        raise InvalidRequest(reason=f"there is no trainer {endpoint}; there is {', '.join(TRAINERS)}")
    return TRAINERS[endpoint]
