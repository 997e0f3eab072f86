"""What `lora images` says of a set of pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cli.images import images_facts
from functions.api.image_views import images_view
from shared.errors import ModelErased, ProductError, SubmissionUncertain, TrainingFailed
from shared.stages import Status
from tests.builders import AT, an_image_job
from tests.fake_api import running_api
from tests.running_cli import run


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


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (
            SubmissionUncertain(reason="silence"),
            "asking again may cost a second time. If need be: lora images retry i_1",
        ),
        (ModelErased(id="m_1"), "Choose another model: lora models list"),
        (TrainingFailed(reason="no"), "Ask with another prompt, or as it was: lora images retry i_1"),
    ],
    ids=lambda given: getattr(given, "code", ""),
)
def test_a_set_that_failed_says_what_to_do(error: ProductError, what: str) -> None:
    failed = an_image_job().fail(error, at=AT, charged=False)
    told = images_facts(images_view(failed).model_dump(mode="json"))
    assert str(told["what to do"]).endswith(what)
    assert images_facts(a_set(asked=1, kept=1))["what to do"] is None


def test_the_sets_of_a_comparison_are_told_apart_by_version_and_scale() -> None:
    with running_api() as api:
        done = run(api, "images", "compare", "at sea", "m_1", "--scale", "0", "--scale", "0.5")
    lines = done.stderr.splitlines()
    assert [line for line in lines if line.startswith("red-riding-hood v1, scale 0 (i_1): ")]
    assert [line for line in lines if line.startswith("red-riding-hood v1, scale 0.5 (i_2): ")]
    assert done.exit_code == 0


@pytest.mark.parametrize(("words", "told"), [("compare", "{MODEL}..."), ("compare", "By default 1.0")])
def test_help_says_what_is_repeated_and_what_is_so_by_default(words: str, told: str) -> None:
    assert told in " ".join(run("http://127.0.0.1:1", "images", words, "--help").stdout.replace("│", " ").split())
