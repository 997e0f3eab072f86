"""The simulated endpoints for pictures: what they draw depends on all that it should depend on, and on nothing else."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from infra.local.fal_simulator.drawing import draw_picture
from infra.local.fal_simulator.pictures import pictures_at, read_picture_order
from shared.trainers import TRAINERS
from shared.trainers.base_models import FLUX_1, WAN_2_2

GIVEN: dict[str, Any] = {"prompt": "TOK in the rain", "seed": 7, "weights": "ab" * 32, "scale": 1.0, "size": (96, 64)}


def test_the_same_order_is_the_same_picture() -> None:
    assert draw_picture(**GIVEN) == draw_picture(**GIVEN)
    assert Image.open(io.BytesIO(draw_picture(**GIVEN))).size == (96, 64)


@pytest.mark.parametrize("change", [{"prompt": "TOK at sea"}, {"seed": 8}, {"weights": "cd" * 32}, {"scale": 0.5}])
def test_a_picture_depends_on_prompt_seed_model_and_scale(change: dict[str, Any]) -> None:
    assert draw_picture(**{**GIVEN, **change}) != draw_picture(**GIVEN)


def test_at_scale_0_no_model_is_seen() -> None:
    without = [draw_picture(**{**GIVEN, "scale": 0.0, "weights": weights}) for weights in ("ab" * 32, "cd" * 32)]
    assert without[0] == without[1]


def test_every_trainer_that_names_an_endpoint_for_pictures_has_it() -> None:
    for spec in TRAINERS.values():
        if (pictures := spec.base_model.pictures) is not None:
            assert pictures_at(pictures.endpoint) == pictures
    assert pictures_at("fal-ai/flux/dev") is None


def test_an_order_is_read_as_fal_ai_reads_it() -> None:
    assert FLUX_1.pictures is not None and WAN_2_2.pictures is not None
    given = {"prompt": "x", "loras": [{"path": "https://l", "scale": 2}], "num_images": 3, "unknown": 1}
    order = read_picture_order(FLUX_1.pictures, given)
    assert (order.loras, order.size, order.count, order.megapixels) == ((("https://l", 2.0),), (1024, 768), 3, 3)
    assert read_picture_order(WAN_2_2.pictures, given).count == 1
    for wrong in ({"num_images": 5}, {"image_size": "huge"}, {"loras": [{"path": "l", "scale": 5}]}, {"prompt": None}):
        with pytest.raises(ValidationError):
            read_picture_order(FLUX_1.pictures, {**given, **wrong})
