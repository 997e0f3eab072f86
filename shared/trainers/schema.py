"""A trainer's parameters as JSON Schema (draft 2020-12): what forms are made from, and what validates. Pure.

Hints for forms are in `x-` members: `x-advanced`, `x-usual-maximum` (where a slider ends) and `x-multiline`.
"""

from __future__ import annotations

from typing import Any

from shared.trainers.entry import TrainerSpec
from shared.trainers.parameters import TEXT_PATTERN, Kind, Parameter

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def parameters_schema(spec: TrainerSpec) -> dict[str, Any]:
    """The schema of the object that maps parameters to values; none is required, because each has a default."""
    return {
        "$schema": DRAFT,
        "title": spec.title,
        "description": f"The parameters of {spec.endpoint}.",
        "type": "object",
        "properties": {parameter.name: _property(parameter) for parameter in spec.parameters},
        "additionalProperties": False,
    }


def _property(parameter: Parameter) -> dict[str, Any]:
    members: dict[str, Any] = {
        "type": parameter.kind.value,
        "title": parameter.title,
        "description": parameter.help,
        "default": parameter.default,
        "minimum": parameter.minimum,
        "maximum": parameter.maximum,
        "multipleOf": parameter.step,
        "enum": list(parameter.choices) or None,
        "maxLength": parameter.max_length,
        "x-usual-maximum": parameter.usual_maximum,
        "x-advanced": parameter.advanced,
    }
    if parameter.kind is Kind.TEXT and not parameter.choices:
        members |= {"pattern": TEXT_PATTERN, "x-multiline": True}
    return {name: value for name, value in members.items() if value is not None}
