"""Whether given parameters fit a trainer. fal.ai ignores unknown input silently, so it is refused here. Pure.

What is accepted here and what the JSON Schema in `schema.py` accepts is the same.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from shared.errors import InvalidParameter
from shared.trainers.entry import TrainerSpec
from shared.trainers.parameters import TEXT_PATTERN, Kind, Parameter, Value
from shared.trainers.presets import preset_values
from shared.trainers.registry import TRAINERS

_ECHO_CHARACTERS = 60
_KINDS = {
    Kind.INTEGER: "a whole number",
    Kind.NUMBER: "a number",
    Kind.BOOLEAN: "true or false",
    Kind.TEXT: "text",
}


def checked(spec: TrainerSpec, given: Mapping[str, Any], preset: str | None = None) -> dict[str, Value]:
    """Every parameter with its value: given, else by the preset, else the default.

    `InvalidParameter` says for what does not fit what would, `InvalidRequest` for an unknown preset.
    """
    known = {parameter.name: parameter for parameter in spec.parameters}
    for name in given:
        if name not in known:
            raise _unknown(spec, name)
    wanted = {**{name: p.default for name, p in known.items()}, **preset_values(spec, preset), **given}
    return {name: _fitting(spec, known[name], value) for name, value in wanted.items()}


def _unknown(spec: TrainerSpec, name: str) -> InvalidParameter:
    told = name[:_ECHO_CHARACTERS]
    if name in spec.own_fields:
        return _refusal(spec, told, f"gets {told} from us and not as a parameter")
    own = [parameter.name for parameter in spec.parameters]
    near = difflib.get_close_matches(name, own, n=1)
    others = [other.name for other in TRAINERS.values() if name in {p.name for p in other.parameters}]
    hints = [f"did you mean {near[0]}?"] if near else []
    if others:
        hints.append(f"{_listed(others)} {'has' if len(others) == 1 else 'have'} it")
    reason = f"has no {told}; {', or '.join(hints) if hints else f'it has {_listed(own)}'}"
    return _refusal(spec, told, reason, did_you_mean=near[0] if near else None, trainers_with_it=others)


def _fitting(spec: TrainerSpec, parameter: Parameter, value: Any) -> Value:
    if (converted := _of_kind(parameter.kind, value)) is None:
        reason = f"takes {parameter.name} as {_KINDS[parameter.kind]}, not {_echo(value)}"
        raise _refusal(spec, parameter.name, reason)
    if isinstance(converted, str):
        _check_text(spec, parameter, converted)
    elif not isinstance(converted, bool):
        _check_number(spec, parameter, converted)
    return converted


def _of_kind(kind: Kind, value: Any) -> Value | None:
    """The value as its kind has it, None where it is of another; JSON knows no difference between 1 and 1.0."""
    if kind is Kind.BOOLEAN:
        return value if isinstance(value, bool) else None
    if kind is Kind.TEXT:
        return value if isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < math.inf:
        return None
    if kind is Kind.INTEGER:
        return int(value) if value == int(value) else None
    try:
        return float(value)
    except OverflowError:
        return None


def _check_number(spec: TrainerSpec, parameter: Parameter, value: float) -> None:
    low, high, step = parameter.minimum, parameter.maximum, parameter.step
    if (low is not None and value < low) or (high is not None and value > high):
        reason = f"takes {parameter.name} {range_words(parameter)}, not {_echo(value)}"
        raise _refusal(spec, parameter.name, reason, minimum=low, maximum=high)
    if step and value % step:
        nearest = _nearest(value, step, low, high)
        reason = f"takes {parameter.name} in steps of {step}, not {_echo(value)}; the nearest is {nearest}"
        raise _refusal(spec, parameter.name, reason, multiple_of=step, nearest=nearest)


def _nearest(value: float, step: int, low: float | None, high: float | None) -> int:
    """The multiple of `step` that is nearest to `value` and still in the range."""
    least = math.ceil(low / step) if low is not None else None
    most = math.floor(high / step) if high is not None else None
    count = math.floor(value / step + 0.5)  # as the console's form rounds
    count = count if least is None else max(count, least)
    return (count if most is None else min(count, most)) * step


def _check_text(spec: TrainerSpec, parameter: Parameter, text: str) -> None:
    if parameter.choices and text not in parameter.choices:
        reason = f"takes {parameter.name} as {_listed(parameter.choices, 'or')}, not {_echo(text)}"
        near = difflib.get_close_matches(text, parameter.choices, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise _refusal(spec, parameter.name, f"{reason}{hint}", choices=list(parameter.choices))
    if parameter.max_length is not None and len(text) > parameter.max_length:
        reason = f"takes at most {parameter.max_length} characters of {parameter.name}, not {len(text)}"
        raise _refusal(spec, parameter.name, reason, max_length=parameter.max_length)
    if not re.search(TEXT_PATTERN, text) or not _is_unicode(text):
        raise _refusal(spec, parameter.name, f"takes {parameter.name} as plain text, without control characters")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def range_words(parameter: Parameter) -> str:
    """The range in words, such as `from 1 to 10000`; empty without one."""
    low, high = parameter.minimum, parameter.maximum
    if low is not None and high is not None:
        return f"from {low:g} to {high:g}"
    if low is not None:
        return f"from {low:g} on"
    return f"up to {high:g}" if high is not None else ""


def _refusal(spec: TrainerSpec, name: str, reason: str, **facts: Any) -> InvalidParameter:
    known = {fact: value for fact, value in facts.items() if value is not None}
    return InvalidParameter(trainer=spec.name, parameter=name, reason=reason, **known)


def _listed(names: tuple[str, ...] | list[str], last: str = "and") -> str:
    return f" {last} ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "none"


def _echo(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = type(value).__name__
    return text if len(text) <= _ECHO_CHARACTERS else f"{text[:_ECHO_CHARACTERS]}…"
