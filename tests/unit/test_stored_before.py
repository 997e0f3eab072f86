"""Documents that were stored before trainers were a registry are read, shown and used as they always were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shared.documents import from_document, to_document
from shared.models import Model
from shared.stages import Status
from shared.trainings import Training
from tests.api_world import api_world
from tests.builders import a_model, a_shoot, a_training

# What has been added to the documents since.
NEW_OF_TRAININGS = {"samples", "preset", "sent", "delivered", "without", "parent_model_id", "continues"}
NEW_OF_MODELS = {"part", "further_weights", "continues", "promoted_at", "erasure_id"}


def as_before(value: Training | Model) -> dict[str, Any]:
    """The document as an earlier version wrote it."""
    document = json.loads(json.dumps(to_document(value, mode="json")))
    new = NEW_OF_TRAININGS if isinstance(value, Training) else NEW_OF_MODELS
    assert new <= set(document)
    if quote := document.get("quote"):
        del quote["note"]
        del quote["samples"]
        del quote["samples_usd"]
    return {name: item for name, item in document.items() if name not in new}


def test_a_model_of_before_has_its_one_file() -> None:
    model = from_document(Model, as_before(a_model()))
    (file,) = model.files
    assert (file.part, file.uri, file.sha256) == ("", model.lora_uri, model.sha256)


def test_a_training_of_before_is_shown_and_downloaded(tmp_path: Path) -> None:
    with api_world(tmp_path) as world:
        world.shoots.create(a_shoot(owner_id=world.user))
        training = a_training(status=Status.SUCCEEDED, owner_id=world.user)
        world.trainings.create(from_document(Training, as_before(training)))
        shown = world.client.get(f"/v1/trainings/{training.id}").json()
        assert (shown["preset"], shown["sent"], shown["delivered"]) == (None, None, None)

        uris = {"lora_uri": f"{world.kept.uri}/lora.safetensors", "config_uri": f"{world.kept.uri}/config.json"}
        model = from_document(Model, as_before(a_model(owner_id=world.user, **uris)))
        world.kept.write("lora.safetensors", [b"weights"], content_type="application/octet-stream")
        world.models.create(model)
        assert [f["part"] for f in world.client.get(f"/v1/models/{model.id}").json()["files"]] == [""]
        download = world.client.get(f"/v1/models/{model.id}/download").json()
        assert download["files"] == [download["weights"]]
        assert download["weights"]["file_name"] == "red-riding-hood-v1.safetensors"
        assert world.fetch(download["weights"]["url"]) == b"weights"


def test_a_training_of_before_is_retried_with_all_that_it_had() -> None:
    before = from_document(Training, as_before(a_training(status=Status.FAILED)))
    assert (before.preset, before.parameters["steps"]) == (None, 1000)
