"""What pictures and comparisons cost, over HTTP, before anybody presses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api_answers import is_problem
from tests.api_world import ApiWorld, api_world
from tests.builders import a_model


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    with api_world(tmp_path_factory.mktemp("api"), BUDGET_USD_PER_DAY="5") as world:
        flux = {"person_id": "p1", "name": "flux", "owner_id": world.user}
        world.models.create(a_model(id="m_1", version=1, **flux))
        world.models.create(a_model(id="m_2", version=2, **flux))
        unpriced = "fal-ai/qwen-image-2512-trainer"
        world.models.create(a_model(id="m_3", version=3, trainer=unpriced, **flux))
        world.models.create(a_model(id="m_9", version=9, person_id="p9", name="other", owner_id="somebody"))
        yield world


def test_pictures_are_quoted_with_what_is_left_of_the_day(world: ApiWorld) -> None:
    quote = world.client.get("/v1/models/m_1/images/quote", params={"count": 3}).json()
    assert quote["price_usd"] == pytest.approx(3 * 0.035)
    assert quote["budget"]["left_usd"] == 5


def test_a_comparison_costs_what_all_its_sets_cost(world: ApiWorld) -> None:
    wanted = {"model_ids": ["m_1", "m_2"], "scales": 3, "count": 2}
    quote = world.client.post("/v1/comparisons/quote", json=wanted).json()
    assert (quote["sets"], quote["pictures"]) == (6, 12)
    assert quote["price_usd"] == pytest.approx(12 * 0.035)
    assert quote["budget"]["limit_usd"] == 5


def test_a_comparison_with_a_model_of_which_nobody_knows_the_price_has_none(world: ApiWorld) -> None:
    quote = world.client.post("/v1/comparisons/quote", json={"model_ids": ["m_1", "m_3"]}).json()
    assert quote["price_usd"] is None
    assert "pricing API" in quote["note"]


def test_what_is_not_ones_own_or_no_size_is_not_quoted(world: ApiWorld) -> None:
    assert is_problem(
        world.client.post("/v1/comparisons/quote", json={"model_ids": ["m_1", "m_9"]}), 404, "model_not_found"
    )
    wanted = {"model_ids": ["m_1"], "size": "enormous"}
    assert is_problem(world.client.post("/v1/comparisons/quote", json=wanted), 422, "invalid_request")
