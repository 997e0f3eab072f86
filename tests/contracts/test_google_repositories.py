"""What is particular to the repositories on Cloud Firestore."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from google.cloud.firestore import Client

from infra.local.emulator_processes import free_port
from infra.local.emulators import Emulators
from shared.adapters.google.clients import firestore_client
from shared.adapters.google.documents import Patience
from shared.adapters.google.jobs import FirestoreTrainings
from shared.adapters.google.models import FirestoreModels
from shared.adapters.google.shoots import FirestoreShoots
from shared.errors import DatabaseUnavailable, InvalidRequest, ModelNotFound, TrainingNotFound
from shared.trainings import Training
from tests.builders import a_training
from tests.contracts.google_backend import a_project
from tests.contracts.google_wire import LoseAnswers, firestore_through

HASTY = Patience(attempts=3, pause_s=0.001, call_s=5.0)


@pytest.fixture(scope="module")
def emulators() -> Emulators:
    return a_project()


@pytest.fixture(scope="module")
def client(emulators: Emulators) -> Iterator[Client]:
    client = firestore_client(emulators.settings())
    yield client
    client.close()


def document(client: Client, training: Training) -> dict[str, Any]:
    return client.collection("trainings").document(training.id).get().to_dict() or {}


def test_times_are_native_timestamps_and_come_back_as_plain_datetimes(client: Client) -> None:
    training = a_training(id="t_times")
    FirestoreTrainings(client).create(training)
    assert isinstance(document(client, training)["history"][0]["at"], datetime)
    read = FirestoreTrainings(client).get("t_times")
    assert read == training
    assert {type(move.at) for move in read.history} == {type(read.created_at)} == {datetime}


def test_fields_that_this_version_does_not_know_survive_an_update(client: Client) -> None:
    training = a_training(id="t_newer")
    FirestoreTrainings(client).create(training)
    client.collection("trainings").document("t_newer").update({"from_the_future": 1})
    FirestoreTrainings(client).update("t_newer", lambda t: replace(t, log_count=7))
    stored = document(client, training)
    assert (stored["from_the_future"], stored["log_count"]) == (1, 7)


def test_a_change_that_changes_nothing_is_not_written(client: Client) -> None:
    training = a_training(id="t_same")
    FirestoreTrainings(client).create(training)
    before = client.collection("trainings").document("t_same").get().update_time
    FirestoreTrainings(client).update("t_same", lambda t: t)
    FirestoreTrainings(client).update("t_same", lambda t: replace(t, log_count=t.log_count))
    assert client.collection("trainings").document("t_same").get().update_time == before


def test_an_update_that_always_loses_gives_up(client: Client) -> None:
    FirestoreTrainings(client).create(a_training(id="t_loser"))

    def overtaken(training: Training) -> Training:
        FirestoreTrainings(client).update("t_loser", lambda t: replace(t, log_count=t.log_count + 1))
        return replace(training, trigger_word="LOST")

    with pytest.raises(DatabaseUnavailable):
        FirestoreTrainings(client, patience=HASTY).update("t_loser", overtaken)
    stored = FirestoreTrainings(client).get("t_loser")
    assert (stored.trigger_word == "LOST", stored.log_count) == (False, HASTY.attempts)


def test_a_training_deleted_meanwhile_is_not_found(client: Client) -> None:
    FirestoreTrainings(client).create(a_training(id="t_gone"))

    def deleted(training: Training) -> Training:
        client.collection("trainings").document("t_gone").delete()
        return replace(training, log_count=1)

    with pytest.raises(TrainingNotFound):
        FirestoreTrainings(client, patience=HASTY).update("t_gone", deleted)


def test_a_write_whose_answer_is_lost_counts_once(emulators: Emulators) -> None:
    with firestore_through(emulators.settings(), LoseAnswers(3)) as client:
        trainings = FirestoreTrainings(client)
        assert trainings.create(a_training(id="t_lost")) is True
        assert trainings.update("t_lost", lambda t: replace(t, log_count=t.log_count + 1)).log_count == 1
        assert FirestoreModels(client).allocate_version("p", "lost", "t_lost") == 1
        assert trainings.get("t_lost").log_count == 1
        assert trainings.create(a_training(id="t_lost")) is False


@pytest.mark.parametrize("bad", ["", ".", "..", "a/b", "__reserved__", "x" * 2000, "t_1\n"])
def test_what_is_no_id_is_not_found(client: Client, bad: str) -> None:
    with pytest.raises(TrainingNotFound):
        FirestoreTrainings(client).get(bad)
    with pytest.raises(ModelNotFound):
        FirestoreModels(client).get(bad)


@pytest.mark.parametrize("cursor", ["", "x", "WzEsIDJd", "WzksICJhL2IiXQ==", "Wzk5OTk5OTk5OTk5OTk5OTk5OSwgInQiXQ=="])
def test_a_cursor_that_is_not_ours_is_refused(client: Client, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        FirestoreShoots(client).list_for_owner("owner", limit=1, cursor=cursor)


def test_a_database_that_does_not_answer_is_unavailable_in_time(emulators: Emulators) -> None:
    nobody = replace(emulators, firestore_host=f"127.0.0.1:{free_port()}")
    client = firestore_client(nobody.settings())
    trainings = FirestoreTrainings(client, patience=Patience(call_s=0.5, list_s=0.5))
    started = time.monotonic()
    for call in (
        lambda: trainings.get("t_1"),
        lambda: trainings.create(a_training(id="t_1")),
        lambda: trainings.list_followed(limit=1),
    ):
        with pytest.raises(DatabaseUnavailable, match=r"ServiceUnavailable|DeadlineExceeded"):
            call()
    assert time.monotonic() - started < 10
    client.close()
