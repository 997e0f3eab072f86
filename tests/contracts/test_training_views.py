"""What the app sees of a training in Firestore: all that is for its user, in step with the training, and no secret."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from google.cloud.firestore import Client

from shared.adapters.google.clients import firestore_client
from shared.adapters.google.documents import Patience
from shared.adapters.google.jobs import FirestoreImageJobs, FirestoreTrainings
from shared.adapters.google.views import IMAGE_VIEWS, TRAINING_VIEWS
from shared.errors import DatabaseUnavailable
from shared.image_jobs import ImageJob
from shared.stages import Status
from shared.trainings import Training
from tests.builders import NONCE, a_training, an_image_job
from tests.contracts.google_backend import a_project

# What the app is not shown, and why.
HIDDEN: Mapping[str, str] = {
    "claim": "holds the attempt's nonce, with which somebody could speak for fal.ai",
    "fal": "holds the nonce and fal.ai's addresses",
    "dataset": "holds the nonce, and where the ZIP with the pictures lies",
    "idempotency_hash": "is for the API alone",
    "press_hash": "is for the API alone",
    "forced": "is for the API alone",
    "recipe": "is for finding the same training again",
    "successor_id": "is for the API alone: the successor names whose place it takes",
    "erasure_id": "is for the eraser alone: the training is gone a moment later",
    "announced_at": "is for the monitor alone",
    "attention": "is for the monitor alone",
    "sent": "is long; the API has it",
    "delivered": "is long; the API has it",
    "captions": "are long; the API has them",
    "without": "can be long; the API has it",
    "log_tail": "is long, and would be sent again with every line; the API has it",
    "log_count": "is of the log",
}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    client = firestore_client(a_project().settings())
    yield client
    client.close()


def view_of(client: Client, training: Training) -> dict[str, Any]:
    return client.collection(TRAINING_VIEWS.collection).document(training.id).get().to_dict() or {}


def test_of_every_field_it_is_decided_whether_the_app_sees_it() -> None:
    fields = {field.name for field in dataclasses.fields(Training)}
    assert set(TRAINING_VIEWS.fields) | set(HIDDEN) == fields
    assert not set(TRAINING_VIEWS.fields) & set(HIDDEN)


def test_of_every_field_of_pictures_it_is_decided_whether_the_app_sees_it() -> None:
    # of a comparison, how many sets were asked for is told by the API
    hidden = {*HIDDEN, "nonce", "group_sets"} - {"dataset", "forced", "press_hash", "recipe", "captions", "without"}
    assert set(IMAGE_VIEWS.fields) | hidden == {field.name for field in dataclasses.fields(ImageJob)}
    assert not set(IMAGE_VIEWS.fields) & hidden


@pytest.mark.parametrize("status", list(Status))
def test_the_app_sees_pictures_and_no_nonce_and_no_address(client: Client, status: Status) -> None:
    job, images = an_image_job(id=f"i_{status}", status=status), FirestoreImageJobs(client)
    images.create(job)
    there = client.collection(IMAGE_VIEWS.collection).document(job.id).get().to_dict() or {}
    assert there["prompt"] == job.prompt
    seen = json.dumps(there, default=str)
    for secret in (NONCE, "https://"):
        assert secret not in seen
    images.delete(job.id)
    assert not client.collection(IMAGE_VIEWS.collection).document(job.id).get().exists


def test_the_app_sees_a_training_from_its_first_moment_and_every_move(client: Client) -> None:
    trainings, training = FirestoreTrainings(client), a_training(id="t_seen")
    trainings.create(training)
    assert view_of(client, training)["status"] == Status.REQUESTED
    trainings.update("t_seen", lambda t: t.canceled("by its user", at=t.created_at, charged=False))
    seen = view_of(client, training)
    assert (seen["status"], seen["error"]["code"], seen["owner_id"]) == ("canceled", "canceled", training.owner_id)
    assert set(seen) == set(TRAINING_VIEWS.fields)


@pytest.mark.parametrize("status", list(Status))
def test_the_app_sees_no_nonce_and_no_address(client: Client, status: Status) -> None:
    training = a_training(id=f"t_{status}", status=status)
    FirestoreTrainings(client).create(training)
    stored, seen = (json.dumps(d, default=str) for d in (dataclasses.asdict(training), view_of(client, training)))
    nonces = [part.nonce for part in (training.claim, training.fal, training.dataset) if part]
    for secret in (*nonces, "https://", ".zip"):
        assert secret not in seen
    if status in (Status.SUBMITTED, Status.RUNNING, Status.MIRRORING):
        assert all(nonce in stored for nonce in nonces) and nonces, "or this would show nothing"


def test_a_write_that_lost_shows_nothing(client: Client) -> None:
    trainings = FirestoreTrainings(client, patience=Patience(attempts=2, pause_s=0.001))
    trainings.create(training := a_training(id="t_overtaken"))

    def overtaken(mine: Training) -> Training:
        FirestoreTrainings(client).update("t_overtaken", lambda t: replace(t, log_count=t.log_count + 1))
        return replace(mine, trigger_word="LOST")

    with pytest.raises(DatabaseUnavailable):
        trainings.update("t_overtaken", overtaken)
    assert view_of(client, training)["trigger_word"] == training.trigger_word
    assert trainings.create(replace(training, trigger_word="TWICE")) is False
    assert view_of(client, training)["trigger_word"] == training.trigger_word


def test_what_the_app_sees_goes_with_the_training(client: Client) -> None:
    trainings, training = FirestoreTrainings(client), a_training(id="t_gone")
    trainings.create(training)
    assert view_of(client, training)
    trainings.delete(training.id)
    assert view_of(client, training) == {}
