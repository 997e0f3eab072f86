"""The routes of versions: retrain, lineage, diff, promote; and pictures that are left out of a report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.documents import to_document
from shared.manifests import Manifest, to_bytes
from shared.models import Model, version_prefix
from shared.stages import Status
from tests.api_world import ApiWorld, api_world
from tests.builders import AT, STEP, a_model, a_shoot, a_training
from tests.world import jpeg

PORTRAIT = "fal-ai/flux-lora-portrait-trainer"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApiWorld]:
    with api_world(tmp_path) as world:
        world.shoots.create(a_shoot(owner_id=world.user))
        for i in range(10):
            world.put("s_1", f"{i}.jpg", jpeg(i))
        yield world


def a_version(world: ApiWorld, number: int, pictures: tuple[str, ...] | None = None, **changes: Any) -> Model:
    """A version of the name, with its training, its weights and, where `pictures` are given, its manifest."""
    prefix = version_prefix("person-1", "red-riding-hood", number)
    training = a_training(status=Status.SUCCEEDED, id=f"t_{number}", owner_id=world.user)
    trainer = changes.get("trainer", training.trainer)
    world.trainings.create(replace(training, trainer=trainer))
    own = {"id": f"m_{number}", "version": number, "training_id": training.id, "owner_id": world.user}
    uri = f"{world.kept.uri}/{prefix}lora.safetensors"
    model = a_model(**{**own, "lora_uri": uri, "trained_at": AT + number * STEP, **changes})
    world.models.create(model)
    world.kept.write(f"{prefix}lora.safetensors", [b"weights"], content_type="application/octet-stream")
    if pictures is not None:
        manifest = Manifest(pictures=dict.fromkeys(pictures, "AAAA"), captions={})
        world.kept.write(f"{prefix}dataset.json", [to_bytes(manifest)], content_type="application/json")
    return model


def retrain(world: ApiWorld, model: Model, key: str = "key", **body: Any) -> Any:
    return world.client.post(f"/v1/models/{model.id}/retrain", json=body, headers={"Idempotency-Key": key})


def get(world: ApiWorld, path: str, **params: Any) -> Any:
    answer = world.client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_train_again_is_one_press_and_one_training(world: ApiWorld) -> None:
    model = a_version(world, 1)
    answer = retrain(world, model, without=["7"], parameters={"steps": 200})
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/v1/trainings/{answer.json()['id']}")
    training = answer.json()
    assert (training["parent_model_id"], training["without"], training["model_name"]) == (model.id, ["7"], model.name)
    assert (training["parameters"]["steps"], training["trigger_word"]) == (200, "TOK")
    assert retrain(world, model, without=["7"], parameters={"steps": 200}).json()["id"] == training["id"]
    assert len(world.trainings.list_for_owner(world.user, limit=10).items) == 2


def test_a_trainer_that_cannot_continue_answers_with_what_to_do(world: ApiWorld) -> None:
    refused = retrain(world, a_version(world, 1), continue_weights=True)
    assert (refused.status_code, refused.json()["code"]) == (422, "cannot_continue")
    assert "flux-lora-portrait-trainer can continue" in refused.json()["detail"]
    model = a_version(world, 2, trainer=PORTRAIT, parameters={"steps": 100})
    accepted = retrain(world, model, continue_weights=True)
    assert (accepted.status_code, accepted.json()["continues"]) == (202, True)
    assert "http" not in json.dumps(to_document(world.trainings.get(accepted.json()["id"]), mode="json"))


def test_with_a_model_whose_erasure_has_begun_nothing_new_begins(world: ApiWorld) -> None:
    model = a_version(world, 1, trainer=PORTRAIT, parameters={"steps": 100}, erasure_id="e_1")
    drawn = world.client.post(f"/v1/models/{model.id}/images", json={"prompt": "in the rain"})
    for refused in (drawn, retrain(world, model, continue_weights=True)):
        assert (refused.status_code, refused.json()["code"]) == (409, "model_erased")
        assert "nothing was charged" in refused.json()["detail"]
    assert "about to be" in get(world, f"/v1/models/{model.id}/retraining")["cannot_continue"]
    assert retrain(world, model, "afresh", continue_weights=False).status_code == 202, "its settings are still known"


def test_a_form_begins_with_what_the_model_was_trained_with(world: ApiWorld) -> None:
    model = a_version(world, 1)
    wish: dict[str, Any] = {"captions": {"1": "a hood"}, "without": ("7",), "preset": "costume"}
    world.trainings.update("t_1", lambda t: replace(t, **wish))
    found = get(world, f"/v1/models/{model.id}/retraining")
    assert (found["captions"], found["without"], found["preset"]) == ({"1": "a hood"}, ["7"], "costume")
    assert (found["parameters"], found["trigger_word"]) == (dict(model.parameters), "TOK")
    assert "flux-lora-portrait-trainer can continue" in found["cannot_continue"]
    gone = a_version(world, 2, trainer=PORTRAIT, training_id="t_gone")
    found = get(world, f"/v1/models/{gone.id}/retraining")
    assert (found["captions"], found["without"], found["cannot_continue"]) == ({}, [], None)


def test_nobody_trains_a_strangers_model_or_compares_with_it(world: ApiWorld) -> None:
    mine, theirs = a_version(world, 1), a_version(world, 2, owner_id="bob")
    assert retrain(world, theirs).json()["code"] == "model_not_found"
    asked = world.client.get(f"/v1/models/{mine.id}/diff", params={"against": theirs.id})
    assert (asked.status_code, asked.json()["code"]) == (404, "model_not_found")
    assert [item["model"]["id"] for item in get(world, f"/v1/models/{mine.id}/lineage")["items"]] == [mine.id]


def test_the_lineage_tells_of_every_version_how_it_differs_from_its_parent(world: ApiWorld) -> None:
    a_version(world, 1, ("01.jpg", "02.jpg"))
    changed = {"parent_model_id": "m_1", "dataset_fingerprint": "ef" * 32, "parameters": {"steps": 20}}
    a_version(world, 2, ("02.jpg", "03.jpg"), **changed)
    a_version(world, 3, parent_model_id="m_gone")
    found = get(world, "/v1/models/m_1/lineage")
    third, second, first = found["items"]
    assert (found["model_id"], found["current_model_id"]) == ("m_1", "m_3")
    assert (first["difference"], first["dataset"]) == (None, {"pictures": 2, "captions": 0})
    pictures = second["difference"]["dataset"]["pictures"]
    assert pictures == {"added": ["03.jpg"], "removed": ["01.jpg"], "changed": [], "same": 1}
    assert second["difference"]["parameters"][1] == {"name": "steps", "before": 1000, "after": 20}
    assert (third["parent_is_gone"], third["difference"], third["dataset"]) == (True, None, None)


def test_a_diff_is_against_the_parent_or_the_version_before_unless_one_is_named(world: ApiWorld) -> None:
    a_version(world, 1, ("01.jpg",))
    a_version(world, 2, ("01.jpg",))
    a_version(world, 3, ("01.jpg", "02.jpg"), parent_model_id="m_1", trigger_word="HOOD")
    found = get(world, "/v1/models/m_3/diff")
    assert (found["before"]["model"]["id"], found["after"]["current"]) == ("m_1", True)
    assert found["difference"]["settings"] == [{"name": "trigger_word", "before": "TOK", "after": "HOOD"}]
    assert get(world, "/v1/models/m_2/diff")["before"]["model"]["id"] == "m_1"
    assert get(world, "/v1/models/m_1/diff", against="m_3")["difference"]["settings"][0]["after"] == "TOK"
    refused = world.client.get("/v1/models/m_1/diff")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


def test_the_promoted_version_is_current_until_another_is_promoted(world: ApiWorld) -> None:
    for number in (1, 2, 3):
        a_version(world, number)

    def current() -> set[str]:
        versions = get(world, "/v1/models/m_2/versions")["current_model_id"]
        lineage = get(world, "/v1/models/m_2/lineage")
        return {versions, lineage["current_model_id"], *(i["model"]["id"] for i in lineage["items"] if i["current"])}

    assert current() == {"m_3"}
    promoted = world.client.post("/v1/models/m_1/promote").json()
    assert promoted["promoted_at"]
    assert current() == {"m_1"}
    world.client.post("/v1/models/m_2/promote")
    assert current() == {"m_2"}
    world.models.delete("m_2")
    assert get(world, "/v1/models/m_3/versions")["current_model_id"] == "m_1"


def test_a_report_says_what_is_left_without_some_pictures(world: ApiWorld) -> None:
    world.put("s_1", "5.jpg", b"no picture")
    assert get(world, "/v1/shoots/s_1/report")["blocking"]
    report = get(world, "/v1/shoots/s_1/report", without=["5", "6"])
    assert (report["blocking"], report["image_count"]) == (False, 8)
    few = get(world, "/v1/shoots/s_1/report", without=["5", "6"], trainer=PORTRAIT)
    assert [finding["code"] for finding in few["findings"] if finding["severity"] == "error"] == ["too_few_images"]
