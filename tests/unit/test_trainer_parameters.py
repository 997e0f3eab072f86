"""What a trainer does not take is refused in a sentence that helps; its JSON Schema accepts just what is accepted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from shared.errors import InvalidParameter, InvalidRequest
from shared.trainers import DEFAULT_TRAINER, PREPROCESSED, TRAINERS, TrainerSpec, checked, trainer
from shared.trainers.parameters import Kind, Parameter
from shared.trainers.schema import parameters_schema

FAST, PORTRAIT, FLUX_2, Z_IMAGE = (
    trainer(name)
    for name in ("flux-lora-fast-training", "flux-lora-portrait-trainer", "flux-2-trainer", "z-image-trainer")
)
ALL = [pytest.param(spec, id=spec.name) for spec in TRAINERS.values()]

REFUSED: list[tuple[TrainerSpec, dict[str, Any], str]] = [
    (FAST, {"learning_rate": 1e-4}, "has no learning_rate; flux-lora-portrait-trainer, turbo-flux-trainer"),
    (FAST, {"subject_crop": True}, "has no subject_crop; flux-lora-portrait-trainer has it"),
    (FAST, {"step": 10}, "has no step; did you mean steps?"),
    (FAST, {"use_masks": True}, "did you mean create_masks?, or wan-22-image-trainer has it"),
    (FAST, {"rank": 16}, "has no rank; it has steps, create_masks, is_style and is_input_format"),
    (FLUX_2, {PREPROCESSED: True}, "flux-2-trainer has no is_input_format_already_preprocessed; flux-lora-fast-trai"),
    (FAST, {"images_data_url": "https://example.com/a.zip"}, "gets images_data_url from us"),
    (FAST, {"data_archive_format": "zip"}, "gets data_archive_format from us"),
    (PORTRAIT, {"resume_from_checkpoint": "https://example.com"}, "gets resume_from_checkpoint from us"),
    (PORTRAIT, {"trigger_phrase": "TOK"}, "gets trigger_phrase from us"),
    (FAST, {"steps": 0}, "takes steps from 1 to 10000, not 0"),
    (FAST, {"steps": 10_001}, "takes steps from 1 to 10000, not 10001"),
    (FAST, {"steps": 10**400}, "takes steps from 1 to 10000, not 1000"),
    (PORTRAIT, {"learning_rate": 0.5}, "takes learning_rate from 1e-06 to 0.001, not 0.5"),
    (PORTRAIT, {"learning_rate": math.nan}, "takes learning_rate as a number, not NaN"),
    (PORTRAIT, {"learning_rate": 10**400}, "takes learning_rate as a number"),
    (FLUX_2, {"steps": 1250}, "takes steps in steps of 100, not 1250; the nearest is 1300"),
    (FLUX_2, {"steps": 1249}, "the nearest is 1200"),
    (FLUX_2, {"steps": 9999}, "the nearest is 10000"),
    (FLUX_2, {"steps": 101}, "the nearest is 100"),
    (FAST, {"steps": "10"}, 'takes steps as a whole number, not "10"'),
    (FAST, {"steps": 10.5}, "takes steps as a whole number, not 10.5"),
    (FAST, {"steps": True}, "takes steps as a whole number, not true"),
    (FAST, {"steps": None}, "takes steps as a whole number, not null"),
    (FAST, {"is_style": 1}, "takes is_style as true or false, not 1"),
    (FAST, {"is_style": "yes"}, "takes is_style as true or false"),
    (Z_IMAGE, {"training_type": "styles"}, "content, style or balanced, not .styles.; did you mean style?"),
    (Z_IMAGE, {"training_type": 3}, "takes training_type as text, not 3"),
    (Z_IMAGE, {"default_caption": "a" * 1001}, "at most 1000 characters of default_caption, not 1001"),
    (Z_IMAGE, {"default_caption": "\x00"}, "without control characters"),
    (Z_IMAGE, {"default_caption": "\ud800"}, "without control characters"),
]


@pytest.mark.parametrize(("spec", "parameters", "sentence"), REFUSED, ids=[sentence for *_, sentence in REFUSED])
def test_what_a_trainer_does_not_take_is_refused_with_what_it_would(
    spec: TrainerSpec, parameters: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidParameter, match=sentence.replace("?", r"\?")) as refusal:
        checked(spec, parameters)
    assert refusal.value.message.startswith(f"The trainer {spec.name} ")
    assert refusal.value.facts["parameter"] in parameters


def test_a_refusal_has_the_numbers_for_a_form() -> None:
    with pytest.raises(InvalidParameter) as wrong_step:
        checked(FLUX_2, {"steps": 1250})
    assert (wrong_step.value.facts["nearest"], wrong_step.value.facts["multiple_of"]) == (1300, 100)
    with pytest.raises(InvalidParameter) as too_much:
        checked(FAST, {"steps": 20_000})
    assert (too_much.value.facts["minimum"], too_much.value.facts["maximum"]) == (1, 10_000)


def test_a_name_that_goes_on_forever_is_not_repeated() -> None:
    with pytest.raises(InvalidParameter) as refusal:
        checked(FAST, {"x" * 100_000: 1})
    assert len(refusal.value.message) < 300


def test_numbers_that_are_the_same_in_json_are_the_same_here() -> None:
    assert checked(FAST, {"steps": 100.0})["steps"] == 100
    assert isinstance(checked(FAST, {"steps": 100.0})["steps"], int)
    assert isinstance(checked(FLUX_2, {"learning_rate": 0.001})["learning_rate"], float)


def test_what_is_given_counts_more_than_the_preset_and_that_more_than_the_default() -> None:
    assert checked(FAST, {}, "style") == {**checked(FAST, {}), "create_masks": False, "is_style": True}
    assert checked(FAST, {"create_masks": True}, "style")["create_masks"] is True


@pytest.mark.parametrize("preset", ["style", "nonsense", "x" * 1000])
def test_a_preset_that_a_trainer_does_not_offer_is_refused_with_those_that_it_does(preset: str) -> None:
    with pytest.raises(InvalidRequest, match="it has person, costume"):
        checked(PORTRAIT, {}, preset)


@pytest.mark.parametrize("spec", ALL)
def test_the_schema_is_valid_and_tells_each_parameter_in_full(spec: TrainerSpec) -> None:
    schema = parameters_schema(spec)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    for name, told in schema["properties"].items():
        assert {"type", "title", "description", "default", "x-advanced"} <= set(told), name
    assert Draft202012Validator(schema).is_valid({name: told["default"] for name, told in schema["properties"].items()})


def values_near(parameter: Parameter) -> st.SearchStrategy[Any]:
    """Values that this parameter takes, nearly takes, and does not take at all."""
    edges = [edge for edge in (parameter.minimum, parameter.maximum, parameter.default) if edge is not None]
    numbers = [edge for edge in edges if isinstance(edge, int | float) and not isinstance(edge, bool)]
    near = [n + by for n in numbers for by in (-100, -1, -0.5, 0, 0.0, 0.5, 1, 100)]
    choices = [*parameter.choices, *(choice.upper() for choice in parameter.choices)]
    anything = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
        st.lists(st.integers(), max_size=1),
    )
    within = {
        Kind.INTEGER: st.integers(int(parameter.minimum or 0), int(parameter.maximum or 100)),
        Kind.NUMBER: st.floats(parameter.minimum or 0.0, parameter.maximum or 1.0),
        Kind.BOOLEAN: st.booleans(),
        Kind.TEXT: st.text(max_size=(parameter.max_length or 10) + 2),
    }[parameter.kind]
    return st.one_of(st.sampled_from([*near, *edges, *choices, "", "\x07", 10**400]), within, anything)


def wishes(spec: TrainerSpec) -> st.SearchStrategy[dict[str, Any]]:
    """Some parameters of this trainer, seldom with one that it does not have."""
    own = {parameter.name: values_near(parameter) for parameter in spec.parameters}
    foreign = st.dictionaries(st.sampled_from(["rank", "seed", *sorted(spec.own_fields)]), st.integers(), max_size=1)
    return st.builds(
        lambda mine, others: {**mine, **others},
        st.fixed_dictionaries({}, optional=own),
        st.one_of(st.just({}), st.just({}), foreign),
    )


def is_accepted(spec: TrainerSpec, parameters: Mapping[str, Any]) -> bool:
    try:
        checked(spec, parameters)
    except InvalidParameter:
        return False
    return True


@pytest.mark.parametrize("spec", ALL)
def test_the_schema_accepts_what_is_accepted_and_nothing_else(spec: TrainerSpec) -> None:
    validator = Draft202012Validator(parameters_schema(spec))
    seen = set()

    @given(wishes(spec))
    @settings(max_examples=80, deadline=None)
    def agree(parameters: dict[str, Any]) -> None:
        accepted = is_accepted(spec, parameters)
        assert validator.is_valid(parameters) is accepted
        seen.add(accepted)

    agree()
    assert seen == {True, False}


@pytest.mark.parametrize("spec", ALL)
def test_each_single_value_is_judged_alike(spec: TrainerSpec) -> None:
    validator = Draft202012Validator(parameters_schema(spec))

    @given(st.data())
    @settings(max_examples=60, deadline=None)
    def agree(data: st.DataObject) -> None:
        parameter = data.draw(st.sampled_from(spec.parameters))
        parameters = {parameter.name: data.draw(values_near(parameter))}
        assert validator.is_valid(parameters) is is_accepted(spec, parameters)

    agree()


def test_what_was_accepted_is_accepted_again_and_stays_the_same() -> None:
    for spec in TRAINERS.values():
        once = checked(spec, {})
        assert checked(spec, once) == once


def test_the_default_trainer_still_takes_what_it_took() -> None:
    given_before = {"steps": 1000, "create_masks": True, "is_style": False, PREPROCESSED: True}
    assert checked(trainer(DEFAULT_TRAINER), {}) == given_before
