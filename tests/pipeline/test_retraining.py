"""Training a model again and continuing it, over HTTP and through every function, on every backend."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest

from tests.pipeline.conftest import Document, System, pictures
from tests.world import jpeg

PORTRAIT = "fal-ai/flux-lora-portrait-trainer"


@pytest.fixture(scope="session")
def family(system: System) -> dict[str, Document]:
    """A model of the portrait trainer; the same with a picture more and one left out; and one that continues it."""
    shoot = system.shoot(pictures(11, captions=3))
    wanted: dict[str, Any] = {"shoot_id": shoot, "trigger_word": "TOK", "trainer": PORTRAIT}
    first = system.api.post("/v1/trainings", {**wanted, "parameters": {"steps": 100}}, idempotency_key=uuid.uuid4().hex)
    parent = system.wait(first["id"])
    system.put(shoot, "11.jpg", jpeg(11))
    again = retrain(system, parent, parameters={"steps": 200}, without=["04"])
    continued = retrain(system, parent, continue_weights=True)
    return {"parent": parent, "again": system.wait(again["id"]), "continued": system.wait(continued["id"])}


def retrain(system: System, parent: Document, **body: Any) -> Document:
    path = f"/v1/models/{parent['model_id']}/retrain"
    training: Document = system.api.post(path, body, idempotency_key=uuid.uuid4().hex)
    return training


def request_of(system: System, training: Document) -> Document:
    (found,) = [row for row in system.fal.requests() if training["id"] in row["webhook_url"]]
    request: Document = found
    return request


def model_of(system: System, training: Document) -> Document:
    assert training["status"] == "succeeded", training["error"]
    model: Document = system.api.get(f"/v1/models/{training['model_id']}")
    return model


def test_a_model_trained_again_is_a_version_that_knows_its_parent(system: System, family: dict[str, Document]) -> None:
    parent, again = (model_of(system, family[name]) for name in ("parent", "again"))
    assert (again["name"], again["parent_model_id"]) == (parent["name"], parent["id"])
    names = request_of(system, family["again"])["archive"]["names"]
    assert "11.jpg" in names
    assert "04.jpg" not in names
    difference = system.api.get(f"/v1/models/{again['id']}/diff")["difference"]
    pictures_changed = difference["dataset"]["pictures"]
    assert (pictures_changed["added"], pictures_changed["removed"]) == (["11.jpg"], ["04.jpg"])
    assert difference["parameters"] == [{"name": "steps", "before": 100, "after": 200}]


def test_continuing_really_begins_with_the_parents_weights(system: System, family: dict[str, Document]) -> None:
    parent, continued = (model_of(system, family[name]) for name in ("parent", "continued"))
    assert request_of(system, family["continued"])["input"]["resume_from_checkpoint"].startswith("http")
    assert "resume_from_checkpoint" not in request_of(system, family["again"])["input"]

    download = system.api.get(f"/v1/models/{continued['id']}/download")
    weights = httpx.get(download["weights"]["url"]).raise_for_status().content
    header = json.loads(weights[8 : 8 + int.from_bytes(weights[:8], "little")])
    assert header["__metadata__"]["resumed_from_sha256"] == parent["sha256"]
    assert f"sha256 {parent['sha256']}" in system.api.text(f"/v1/trainings/{family['continued']['id']}/log")


def test_the_link_to_the_weights_is_nowhere_afterwards(system: System, family: dict[str, Document]) -> None:
    link = request_of(system, family["continued"])["input"]["resume_from_checkpoint"]
    model = model_of(system, family["continued"])
    story = json.dumps(system.api.get(f"/v1/trainings/{family['continued']['id']}/story"))
    told = json.dumps([family["continued"], model]) + story + system.stack.processes.log.read_text(errors="replace")
    bucket = system.bucket("models_bucket")
    prefix = model["config_uri"].removeprefix(f"{bucket.uri}/").removesuffix("config.json")
    beside = [found.name for found in bucket.list(prefix) if not found.name.endswith(".safetensors")]
    assert f"{prefix}dataset.json" in beside
    told += b"".join(chunk for name in beside for chunk in bucket.read(name)).decode()
    assert [secret for secret in (link, link.partition("?")[2]) if secret in told] == []


def test_the_versions_are_a_tree_with_one_that_is_current(system: System, family: dict[str, Document]) -> None:
    ids = {name: training["model_id"] for name, training in family.items()}
    tree = system.api.get(f"/v1/models/{ids['again']}/lineage")
    parents = {item["model"]["id"]: item["model"]["parent_model_id"] for item in tree["items"]}
    assert parents == {ids["parent"]: None, ids["again"]: ids["parent"], ids["continued"]: ids["parent"]}
    system.api.post(f"/v1/models/{ids['parent']}/promote")
    tree = system.api.get(f"/v1/models/{ids['again']}/lineage")
    assert [item["model"]["id"] for item in tree["items"] if item["current"]] == [ids["parent"]]
