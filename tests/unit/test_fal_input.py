"""What fal.ai is sent for each trainer: exactly its own fields; and what of that is kept: all but signed URLs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.submitter.fal_input import NOT_KEPT, input_of, kept_input
from shared.trainers import TRAINERS, TrainerSpec, checked, trainer
from tests.builders import a_training

URL = "https://storage.example/datasets/trainings/t_1/nonce-1.zip?signature=secret"
ALL = [pytest.param(spec, id=spec.name) for spec in TRAINERS.values()]


def sent(name: str, **parameters: Any) -> dict[str, Any]:
    spec = trainer(name)
    training = a_training(trainer=spec.endpoint, parameters=checked(spec, parameters), trigger_word="TOK")
    return input_of(training, spec, URL)


def test_the_default_trainer_gets_what_it_always_got() -> None:
    assert sent("flux-lora-fast-training", steps=20) == {
        "images_data_url": URL,
        "trigger_word": "TOK",
        "steps": 20,
        "create_masks": True,
        "is_style": False,
        "is_input_format_already_preprocessed": True,
    }


def test_wan_gets_its_required_trigger_phrase_and_its_own_data_field() -> None:
    fields = sent("wan-22-image-trainer")
    assert (fields["training_data_url"], fields["trigger_phrase"]) == (URL, "TOK")
    assert "images_data_url" not in fields


@pytest.mark.parametrize("name", ["flux-2-trainer", "qwen-image-2512-trainer", "z-image-trainer"])
@pytest.mark.parametrize(
    ("given", "caption"),
    [
        ("", "TOK"),
        ("a person in a cape", "TOK, a person in a cape"),
        ("[trigger] in a cape", "TOK in a cape"),
        ("TOK in a cape", "TOK in a cape"),
    ],
)
def test_without_a_field_of_its_own_the_trigger_word_is_in_the_caption_of_pictures_without_one(
    name: str, given: str, caption: str
) -> None:
    fields = sent(name, default_caption=given)
    assert fields["default_caption"] == caption
    assert not {"trigger_word", "trigger_phrase"} & set(fields)


@pytest.mark.parametrize("spec", ALL)
def test_no_trainer_is_sent_a_field_that_it_does_not_have(spec: TrainerSpec) -> None:
    fields = set(sent(spec.endpoint))
    own = {spec.data_field, *(parameter.name for parameter in spec.parameters)}
    assert fields == own | ({spec.trigger_field} if spec.trigger_field else set())


@pytest.mark.parametrize("spec", ALL)
def test_all_of_it_is_kept_but_the_signed_url(spec: TrainerSpec) -> None:
    training = a_training(trainer=spec.endpoint, parameters=checked(spec, {}))
    kept = kept_input(training)
    assert (kept.endpoint, kept.trainer_version) == (spec.endpoint, spec.version)
    assert kept.fields == {**input_of(training, spec, URL), spec.data_field: NOT_KEPT}
    assert "https:" not in json.dumps(dict(kept.fields))
