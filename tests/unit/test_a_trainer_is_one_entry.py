"""An entry in the registry is all that a trainer takes: API, CLI, pipeline and simulator have it at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local.fal_simulator import SimulatorSettings, running_simulator
from shared.errors import InvalidParameter
from shared.models import weights_name
from shared.stages import Status
from shared.trainers import TrainerSpec, checked, trainer
from tests.api_answers import is_problem
from tests.api_world import api_world
from tests.builders import a_shoot
from tests.fake_api import running_api
from tests.fal_vectors.world import Customer, a_dataset, a_receiver, a_zip
from tests.invented_trainer import with_glitter
from tests.running_cli import run
from tests.world import World, jpeg


@pytest.fixture(autouse=True)
def glitter() -> Iterator[TrainerSpec]:
    with with_glitter() as spec:
        yield spec


def test_the_api_offers_prices_takes_and_refuses_it(tmp_path: Path) -> None:
    with api_world(tmp_path) as world:
        world.shoots.create(a_shoot(owner_id=world.user))
        world.put("s_1", "1.jpg", jpeg())
        listed = world.client.get("/v1/trainers").json()["items"][-1]
        assert (listed["name"], listed["title"], listed["weights_files"]) == (
            "acme/glitter-trainer",
            "Glitter",
            ["fine", "coarse"],
        )
        wish: dict[str, Any] = {"trainer": "acme/glitter-trainer", "preset": "style"}
        quote = world.client.post("/v1/quotes", json={**wish, "parameters": {"rounds": 10}}).json()
        assert (quote["price_usd"], quote["note"]) == (1.0, "At least 20 rounds are billed.")
        started = world.client.post("/v1/trainings", json={**wish, "shoot_id": "s_1", "trigger_word": "TOK"}).json()
        assert started["parameters"] == {"rounds": 40, "sparkle": 1.0, "mood": "solemn"}
        refused = world.client.post("/v1/quotes", json={**wish, "parameters": {"rounds": 45}})
        assert is_problem(refused, 422, "invalid_parameter")
        assert "the nearest is 50" in refused.json()["detail"]


def test_other_trainers_point_to_it() -> None:
    with pytest.raises(InvalidParameter, match="has no sparkle; acme/glitter-trainer has it"):
        checked(trainer("z-image-trainer"), {"sparkle": 1})


def test_the_cli_shows_it_and_reads_its_options() -> None:
    with running_api() as api:
        shown = run(api, "trainers", "show", "acme/glitter-trainer").stdout
        assert "10 to 200, in steps of 10" in shown
        assert "sparkle=1.0, mood=solemn" in shown
        given = ["--set", "rounds=50", "--set", "mood=merry", "--preset", "style"]
        run(api, "train", "s_1", "--trigger", "TOK", "--trainer", "acme/glitter-trainer", *given, "--json")
        assert api.orders[0]["parameters"] == {"rounds": 50, "mood": "merry"}


def test_the_whole_pipeline_trains_with_it(glitter: TrainerSpec) -> None:
    world = World()
    world.media.further = {**world.media.further, "coarse_lora": world.media.further["high_noise_lora"]}
    world.shoot(images=2)
    training = world.start(trainer=glitter.endpoint, parameters={})
    world.run()
    done = world.finish(training)
    assert done.status is Status.SUCCEEDED, done.error
    assert done.sent is not None
    assert done.sent.fields["magic_word"] == "TOK"
    assert (done.sent.trainer_version, set(done.delivered or {})) == (3, {"glitter_lora", "coarse_lora", "recipe_file"})
    model = world.models.get(done.model_id or "")
    kept = {found.name.rpartition("/")[2] for found in world.kept.list("models/")}
    assert {weights_name(model.name, 1, part) for part in ("fine", "coarse")} <= kept


def test_the_simulated_fal_ai_accepts_validates_delivers_and_bills_it(tmp_path: Path, glitter: TrainerSpec) -> None:
    settings = SimulatorSettings(tmp_path, seconds_per_training=0.1, weights_mb=0.1)
    with (
        running_simulator(settings) as simulator,
        a_receiver() as receiver,
        httpx.Client(trust_env=False, timeout=20) as http,
    ):
        customer = Customer(simulator, receiver, http)
        album = receiver.serve(a_zip(a_dataset(2)))
        given = {"album_url": album, "magic_word": "TOK", "rounds": 10, "steps": 1}
        output = customer.finish(customer.post(given, endpoint=glitter.endpoint).json()).json()
        assert set(output) == {"glitter_lora", "coarse_lora", "recipe_file"}
        assert simulator.control.billing()["cost_total"] == 1.0
        config = http.get(output["recipe_file"]["url"]).json()
        assert config["parameters"] == {
            "rounds": 10,
            "sparkle": 0.5,
            "mood": "merry",
            "magic_word": "TOK",
        }
        failed = customer.finish(customer.post({"album_url": album}, endpoint=glitter.endpoint).json())
        assert failed.json()["detail"][0]["loc"] == ["body", "magic_word"]
