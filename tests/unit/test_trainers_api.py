"""The registry over HTTP: what forms are made from, what a wish with a preset becomes, and how a misfit is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from shared.trainers import DEFAULT_TRAINER, TRAINERS
from tests.api_answers import is_problem
from tests.api_world import ApiWorld, api_world
from tests.builders import a_model, a_shoot
from tests.world import jpeg

Document = dict[str, Any]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    with api_world(tmp_path_factory.mktemp("api"), RATE_LIMIT_PER_MINUTE="0", BUDGET_USD_PER_DAY="50") as world:
        world.shoots.create(a_shoot(owner_id=world.user))
        for number in range(4):
            world.put("s_1", f"{number}.jpg", jpeg(number))
        yield world


@pytest.fixture
def listed(world: ApiWorld) -> dict[str, Document]:
    return {item["name"]: item for item in world.client.get("/v1/trainers").json()["items"]}


def test_the_whole_registry_is_served_the_default_first(listed: dict[str, Document]) -> None:
    assert [item["endpoint"] for item in listed.values()] == list(TRAINERS)
    assert [item["default"] for item in listed.values()] == [True, *([False] * (len(TRAINERS) - 1))]
    assert next(iter(listed.values()))["endpoint"] == DEFAULT_TRAINER


def test_each_trainer_brings_a_schema_that_its_own_presets_fit(listed: dict[str, Document]) -> None:
    for item in listed.values():
        Draft202012Validator.check_schema(item["parameters"])
        validator = Draft202012Validator(item["parameters"])
        for preset in item["presets"]:
            assert validator.is_valid(preset["parameters"]), (item["name"], preset["name"])
            assert preset["title"] and preset["help"]


def test_what_else_is_known_is_told(listed: dict[str, Document]) -> None:
    portrait, qwen, wan = (
        listed[n] for n in ("flux-lora-portrait-trainer", "qwen-image-2512-trainer", "wan-22-image-trainer")
    )
    assert (portrait["resumable"], portrait["minimum_images"], portrait["masks"]) == (True, 10, "create_masks")
    assert (portrait["base_model"]["id"], portrait["base_model"]["title"]) == ("flux-1-dev", "FLUX.1 [dev]")
    pictures = portrait["base_model"]["pictures"]
    assert (pictures["endpoint"], pictures["max_count"], pictures["max_scale"]) == ("fal-ai/flux-lora", 4, 4.0)
    assert {"name": "landscape_4_3", "width": 1024, "height": 768} in pictures["sizes"]
    assert pictures["default_size"] in [size["name"] for size in pictures["sizes"]]
    assert wan["base_model"]["pictures"]["max_count"] == 1
    assert (qwen["price"], qwen["resumable"]) == (None, False)
    assert "pricing API" in qwen["price_note"]
    assert wan["weights_files"] == ["low-noise", "high-noise"]
    assert (wan["price"]["at_least"], wan["price"]["unit"]) == (100, "1000 steps")


def ask(world: ApiWorld, path: str, **body: Any) -> Any:
    return world.client.post(path, json=body)


def start(world: ApiWorld, **wish: Any) -> Any:
    return ask(world, "/v1/trainings", shoot_id="s_1", trigger_word="TOK", **wish)


def test_a_preset_becomes_parameters_and_is_remembered(world: ApiWorld) -> None:
    training = start(world, preset="style", parameters={"steps": 20}).json()
    assert training["preset"] == "style"
    assert training["parameters"]["is_style"] is True
    assert training["parameters"]["steps"] == 20
    assert training["quote"]["price_usd"] == 0.04


def test_the_quote_tells_what_a_preset_comes_to(world: ApiWorld) -> None:
    quote = ask(world, "/v1/quotes", trainer="z-image-trainer", preset="style").json()
    assert quote["trainer"] == "fal-ai/z-image-trainer"
    assert quote["parameters"]["training_type"] == "style"
    assert quote["price_usd"] == 2.26


def test_a_price_that_is_not_known_is_null_and_said(world: ApiWorld) -> None:
    quote = ask(world, "/v1/quotes", trainer="qwen-image-2512-trainer").json()
    assert quote["price_usd"] is None
    assert "pricing API" in quote["note"]


@pytest.mark.parametrize("path", ["/v1/quotes", "/v1/trainings"])
@pytest.mark.parametrize(
    ("trainer", "parameters", "parameter", "words"),
    [
        (DEFAULT_TRAINER, {"learning_rate": 1e-4}, "learning_rate", "has no learning_rate; flux-lora-portrait-trainer"),
        (
            "flux-2-trainer",
            {"is_input_format_already_preprocessed": True},
            "is_input_format_already_preprocessed",
            "has no",
        ),
        ("flux-2-trainer", {"steps": 150}, "steps", "the nearest is 200"),
        ("flux-lora-portrait-trainer", {"learning_rate": 1}, "learning_rate", "from 1e-06 to 0.001"),
    ],
)
def test_a_misfit_names_the_parameter_and_what_would_fit(
    world: ApiWorld, path: str, trainer: str, parameters: Document, parameter: str, words: str
) -> None:
    wish = {"shoot_id": "s_1", "trigger_word": "TOK"} if path == "/v1/trainings" else {}
    answer = ask(world, path, trainer=trainer, parameters=parameters, **wish)
    assert is_problem(answer, 422, "invalid_parameter")
    assert answer.json()["details"]["parameter"] == parameter
    assert words in answer.json()["detail"]
    assert answer.json()["detail"].endswith("change that parameter, then ask again.")


def test_an_unknown_price_sets_aside_what_is_left_and_the_next_one_waits(world: ApiWorld) -> None:
    first = start(world, trainer="qwen-image-2512-trainer", model_name="first")
    assert first.status_code == 202, first.text
    assert first.json()["quote"]["price_usd"] is None
    budget = ask(world, "/v1/quotes").json()["budget"]
    assert (budget["left_usd"], budget["reserved_usd"]) == (0.0, 50.0)
    second = start(world, trainer="qwen-image-2512-trainer", model_name="second", parameters={"steps": 200})
    assert is_problem(second, 402, "budget_exceeded")
    assert "not known before" in second.json()["detail"]
    world.client.post(f"/v1/trainings/{first.json()['id']}/cancel")


def test_the_report_counts_by_the_trainers_own_minimum(world: ApiWorld) -> None:
    few = world.client.get("/v1/shoots/s_1/report", params={"trainer": "flux-lora-portrait-trainer"}).json()
    assert [(f["code"], f["severity"]) for f in few["findings"] if f["code"] == "too_few_images"] == [
        ("too_few_images", "error")
    ]
    assert "at least 10" in few["findings"][0]["message"]
    assert world.client.get("/v1/shoots/s_1/report").json()["blocking"] is False


def test_every_file_of_a_model_is_listed_and_signed(world: ApiWorld) -> None:
    files = {}
    for part in ("low-noise", "high-noise"):
        world.kept.write(f"{part}.safetensors", [part.encode()], content_type="application/octet-stream")
        files[part] = replace(a_model().files[0], part=part, uri=f"{world.kept.uri}/{part}.safetensors")
    first = files["low-noise"]
    uris = {"lora_uri": first.uri, "config_uri": f"{world.kept.uri}/config.json"}
    model = a_model(id="m_2", owner_id=world.user, part="low-noise", further_weights=(files["high-noise"],), **uris)
    world.models.create(model)

    shown = world.client.get("/v1/models/m_2").json()
    assert [(file["part"], file["uri"]) for file in shown["files"]] == [(p, f.uri) for p, f in files.items()]
    download = world.client.get("/v1/models/m_2/download").json()
    assert download["weights"] == download["files"][0]
    assert {file["file_name"]: world.fetch(file["url"]) for file in download["files"]} == {
        "red-riding-hood-v1-low-noise.safetensors": b"low-noise",
        "red-riding-hood-v1-high-noise.safetensors": b"high-noise",
    }
