"""`lora train --from-model`, and `lora models tree`, `diff` and `promote`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api_documents import Document, a_model
from tests.fake_api import FakeApi, running_api
from tests.running_cli import run, run_on_a_terminal

SAME: Document = {"added": [], "removed": [], "changed": [], "same": 3}
GREW: Document = {
    "same_dataset": False,
    "dataset": {"pictures": {**SAME, "added": ["04.jpg"], "removed": ["01.jpg", "02.jpg"]}, "captions": SAME},
    "settings": [],
    "parameters": [{"name": "steps", "before": 1000, "after": 1500}],
}


def a_version(number: int, parent: str | None = None, **fields: object) -> Document:
    model = {**a_model(id=f"m_{number}", version=number, parent_model_id=parent), "continues": False, "cost_usd": 2.0}
    item: Document = {"model": model, "current": False, "dataset": {"pictures": 4, "captions": 3}}
    return {**item, "parent_is_gone": False, "difference": GREW if parent else None, **fields}


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with running_api() as api:
        api.models["m_1"] = a_model()
        yield api


def test_a_model_is_trained_again_by_its_id_alone(api: FakeApi) -> None:
    outcome = run(api, "train", "--from-model", "m_1", "--json")
    assert (outcome.exit_code, outcome.json["id"]) == (0, "t_1")
    assert api.orders == [{"retrain": "m_1", "parameters": {}}]


def test_what_is_said_is_different_and_read_as_the_models_trainer_has_it(api: FakeApi) -> None:
    words = ["--steps", "500", "--set", "is_style=true", "--without", "07", "--without", "12", "--continue", "--force"]
    assert run(api, "train", "--from-model", "m_1", "--trigger", "HOOD", *words).exit_code == 0
    assert api.orders == [
        {
            "retrain": "m_1",
            "trigger_word": "HOOD",
            "parameters": {"is_style": True, "steps": 500},
            "without": ["07", "12"],
            "continue_weights": True,
            "force": True,
        }
    ]


def test_the_price_is_that_of_the_models_own_parameters(api: FakeApi) -> None:
    api.models["m_1"] = a_model(parameters={"steps": 4000})
    outcome = run_on_a_terminal(api, "train", "--from-model", "m_1", typed="n\n")
    assert api.quotes[0]["parameters"] == {"steps": 4000}
    assert "$8.00" in outcome.stdout
    assert not api.orders


def test_pictures_can_be_left_out_of_any_training(api: FakeApi) -> None:
    run(api, "train", "s_1", "--trigger", "TOK", "--without", "07")
    assert api.orders[0]["without"] == ["07"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["s_1", "--from-model", "m_1"], "SHOOT stays"),
        (["--from-model", "m_1", "--name", "Cape"], "--name stays"),
        (["--trigger", "TOK"], "Name the shoot"),
        (["s_1"], "--trigger"),
        (["s_1", "--trigger", "TOK", "--continue"], "needs the model to continue"),
    ],
)
def test_what_does_not_go_together_is_a_mistake_in_the_command(api: FakeApi, words: list[str], told: str) -> None:
    outcome = run(api, "train", *words)
    assert outcome.exit_code == 2
    assert told in " ".join(outcome.stderr.split())
    assert not api.orders


def test_the_tree_shows_each_version_below_the_one_that_it_grew_from(api: FakeApi) -> None:
    items = [a_version(4, "m_gone", parent_is_gone=True, difference=None), a_version(3, "m_1", current=True)]
    api.lineage = {"model_id": "m_1", "current_model_id": "m_3", "items": [*items, a_version(2, "m_1"), a_version(1)]}
    outcome = run(api, "models", "tree", "m_1")
    lines = outcome.stdout.splitlines()[1:]
    assert [line.split("  m_")[0].rstrip() for line in lines] == ["v1", "└ v2", "└ v3 (current)", "v4"]
    assert "pictures +1 -2; steps 1000 → 1500" in lines[1]
    assert "what it grew from is deleted" in lines[3]
    assert run(api, "models", "tree", "m_1", "--json").json == api.lineage


def test_a_diff_shows_both_sides_and_names_the_files(api: FakeApi) -> None:
    api.difference = {"before": a_version(1), "after": a_version(2, "m_1", current=True), "difference": GREW}
    outcome = run(api, "models", "diff", "m_2")
    words = [line.split() for line in outcome.stdout.splitlines()]
    assert ["steps", "1000", "1500"] in words
    assert ["current", "no", "yes"] in words
    assert "pictures removed  01.jpg, 02.jpg" in outcome.stdout
    run(api, "models", "diff", "m_1", "m_2", "--json")
    assert api.compared == [("m_2", None), ("m_2", "m_1")]


@pytest.mark.parametrize(
    ("difference", "told"),
    [
        ({"same_dataset": True, "dataset": None}, "dataset  the same"),
        ({"same_dataset": False, "dataset": None}, "which files it had was not kept"),
    ],
)
def test_what_nobody_kept_is_said_to_be_so(api: FakeApi, difference: Document, told: str) -> None:
    nothing: Document = {"settings": [], "parameters": []}
    unknown = {"dataset": None}
    api.difference = {
        "before": a_version(1, **unknown),
        "after": a_version(2, **unknown),
        "difference": {**difference, **nothing},
    }
    assert told in run(api, "models", "diff", "m_2").stdout


def test_promote_says_which_version_is_current_now(api: FakeApi) -> None:
    assert run(api, "models", "promote", "m_1").stdout == "red-cape v2 is the current version now.\n"
    assert run(api, "models", "promote", "m_1", "--json").json == api.models["m_1"]
    assert run(api, "models", "promote", "m_9").exit_code == 3
