"""fal.ai's trainers as the registry has them: inputs as pydantic models, whose errors are fal.ai's 422s, and prices.

The registry is the product's; that it says what fal.md §3 says is tested for itself.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from shared.trainers import TRAINERS, TrainerSpec
from shared.trainers.parameters import Kind, Parameter

# Where nobody tells the price, something is billed all the same.
MADE_UP_USD_PER_STEP = 0.002
# What a trainer without steps counts in its log.
STEPS_WITHOUT_ANY = 100

_TYPES: dict[Kind, type] = {Kind.INTEGER: int, Kind.NUMBER: float, Kind.BOOLEAN: bool, Kind.TEXT: str}


@dataclass(frozen=True)
class Order:
    """An input as the trainer understands it: defaults filled in, unknown fields gone (fal.md §3)."""

    data_url: str
    trigger: str | None
    steps: int
    parameters: dict[str, Any]
    captions_required: bool = False
    resume_url: str | None = None

    @property
    def archive_format_unknown(self) -> bool:
        """Whether the archive's format is neither given nor to be read off the URL's path."""
        path = self.data_url.partition("?")[0]
        return not self.parameters.get("data_archive_format") and not path.lower().endswith(".zip")


def trainer_at(endpoint: str) -> TrainerSpec | None:
    """The trainer of that endpoint; None where there is none, as fal.ai has many others."""
    return TRAINERS.get(endpoint)


def read_order(spec: TrainerSpec, given: dict[str, Any]) -> Order:
    """Validate an input; raises pydantic.ValidationError, unknown fields are silently ignored."""
    parameters = _input_model(spec).model_validate(given).model_dump()
    return Order(
        data_url=parameters[spec.data_field],
        trigger=parameters.get(spec.trigger_field) if spec.trigger_field else None,
        steps=int(parameters.get("steps", STEPS_WITHOUT_ANY)),
        parameters=parameters,
        resume_url=parameters.get(spec.resume_field) or None if spec.resume_field else None,
        captions_required=spec.default_caption is not None and not parameters[spec.default_caption],
    )


def _input_model(spec: TrainerSpec) -> type[BaseModel]:
    fields: dict[str, Any] = {parameter.name: _field(parameter) for parameter in spec.parameters}
    for name in spec.own_fields:
        fields[name] = (str | None, None)
    if spec.trigger_field and spec.trigger_required:
        fields[spec.trigger_field] = (str, ...)
    fields[spec.data_field] = (str, ...)
    return create_model(spec.endpoint, __config__=ConfigDict(extra="ignore"), **fields)


def _field(parameter: Parameter) -> tuple[Any, Any]:
    """A parameter's type and what fal.ai takes where it is missing; a text may also be null."""
    default = parameter.default if parameter.fal_default is None else parameter.fal_default
    if parameter.choices:
        return Literal[parameter.choices], default
    if parameter.kind is Kind.TEXT:
        return str | None, default
    rules = Field(ge=parameter.minimum, le=parameter.maximum, multiple_of=parameter.step)
    return (bool if parameter.kind is Kind.BOOLEAN else Annotated[_TYPES[parameter.kind], rules]), default


def unit_price(spec: TrainerSpec) -> float:
    """US dollars for one of what is counted; made up where the registry has no price."""
    return round(spec.price.usd / spec.price.per, 9) if spec.price else MADE_UP_USD_PER_STEP


def units_of(spec: TrainerSpec, order: Order) -> int:
    """How many of what is counted a run is billed for."""
    if spec.price is None:
        return order.steps
    return max(int(order.parameters[spec.price.parameter]), spec.price.at_least)


def details_of(error: ValidationError) -> list[dict[str, Any]]:
    """A schema error as fal.ai words it: `[{loc, msg, type, url, input, ctx?}]` (fal.md §1, Errors)."""
    found = error.errors(include_url=True)
    return [{**item, "loc": ["body", *item["loc"]]} for item in found]
