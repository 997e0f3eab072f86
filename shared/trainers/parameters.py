"""What a parameter of a trainer is, as data. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Value = bool | int | float | str

# No control characters but line ends and tabs: the text goes into captions.
TEXT_PATTERN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"


class Kind(StrEnum):
    """The type of a parameter, by its name in JSON Schema."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "string"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One input of a trainer that users may set.

    `name` is fal.ai's; `title` and `help` are in users' words. `default` is what is sent where nothing is given, and
    `fal_default` what fal.ai itself would take, where that is something else. `minimum`, `maximum` and `step` are for
    numbers, `choices` and `max_length` for texts. What is not `advanced` is asked in front; `usual_maximum` is where a
    slider ends, the number itself may go further.
    """

    name: str
    kind: Kind
    title: str
    help: str
    default: Value
    fal_default: Value | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: int | None = None
    choices: tuple[str, ...] = ()
    max_length: int | None = None
    advanced: bool = True
    usual_maximum: float | None = None
