"""What `lora images` says of a set of pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cli.images import images_facts
from functions.api.image_views import images_view
from shared.stages import Status
from tests.builders import an_image_job


def a_set(*, asked: int, kept: int) -> dict[str, Any]:
    """A set that succeeded, as the API answers it."""
    made = an_image_job(status=Status.SUCCEEDED)
    return images_view(replace(made, count=asked, pictures=made.pictures * kept)).model_dump(mode="json")


@pytest.mark.parametrize(
    ("asked", "kept", "number", "shortfall"),
    [(1, 1, "1", None), (4, 4, "4", None), (4, 3, "3 of 4", "3 of 4: fal.ai delivered no more")],
)
def test_a_set_is_shown_with_how_many_came_of_how_many(asked: int, kept: int, number: str, shortfall: str) -> None:
    facts = images_facts(a_set(asked=asked, kept=kept))
    assert (facts["pictures"], facts["shortfall"]) == (number, shortfall)


def test_a_set_of_an_older_api_is_shown_all_the_same() -> None:
    told = a_set(asked=4, kept=4)
    del told["shortfall"]
    assert images_facts(told)["pictures"] == "4"
