"""The emulators as processes, and what importing the adapters costs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.emulator_processes import EmulatorFailed, EmulatorProcess, Installation, free_port
from infra.local.emulators import FIRESTORE, PUBSUB, STORAGE, Emulators, missing_emulators, running_emulators
from infra.local.provision import make_buckets
from shared.adapters.google.clients import firestore_client, storage_client, storage_signer
from shared.adapters.google.jobs import FirestoreTrainings
from shared.adapters.google.objects import CloudStorageObjects
from tests.builders import a_training
from tests.contracts.google_backend import session_emulators

ROOT = Path(__file__).parents[2]
NOTHING = Installation(java=None, java_version=0, pubsub_jar=None, firestore_jar=None, has_storage=False)

RUN_AND_TELL = """
import time
from infra.local.emulators import running_emulators
with running_emulators() as emulators:
    print(emulators.firestore_host, emulators.pubsub_host, emulators.storage_host, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def installed() -> Iterator[None]:
    if missing := missing_emulators():
        pytest.skip(missing)
    yield


def listens(host: str) -> bool:
    address, _, port = host.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((address, int(port))) == 0


def keep_and_find(emulators: Emulators, *, keep: bool) -> tuple[bool, bytes]:
    settings = emulators.settings()
    make_buckets(settings, ["kept"])
    documents, storage = firestore_client(settings), storage_client(settings)
    objects = CloudStorageObjects(storage, "kept", storage_signer(settings))
    if keep:
        FirestoreTrainings(documents).create(a_training(id="t_kept"))
        objects.write("a/b", [b"content"], content_type="text/plain")
    found = FirestoreTrainings(documents).get("t_kept") == a_training(id="t_kept")
    content = b"".join(objects.read("a/b"))
    documents.close()
    storage.close()
    return found, content


def test_what_is_missing_is_said_in_a_sentence_that_tells_how_to_get_it() -> None:
    sentence = NOTHING.missing or ""
    for word in ("pubsub-emulator", "cloud-firestore-emulator", "Java 11", "gcp-storage-emulator"):
        assert word in sentence
    assert sentence.startswith("The Google Cloud emulators need ")
    assert sentence.endswith(".")


def test_only_what_is_missing_is_named() -> None:
    almost = Installation(java="java", java_version=8, pubsub_jar=Path("a"), firestore_jar=Path("b"), has_storage=True)
    sentence = almost.missing or ""
    assert "Java 11" in sentence
    assert "firestore" not in sentence


def test_documents_and_objects_survive_restarts_with_a_data_dir(installed: None, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), running_emulators(tmp_path) as emulators:
        keep_and_find(emulators, keep=True)
        emulators.save()
        emulators.restart(FIRESTORE, PUBSUB, STORAGE)
        assert keep_and_find(emulators, keep=False) == (True, b"content")
        raise KeyboardInterrupt
    with running_emulators(tmp_path) as again:
        assert session_emulators().project != again.project == emulators.project
        assert keep_and_find(again, keep=False) == (True, b"content")
        hosts = (again.firestore_host, again.pubsub_host, again.storage_host)
        assert all(map(listens, hosts))
    assert not any(map(listens, hosts))
    assert len(list((tmp_path / "firestore").iterdir())) == 1


def test_the_emulators_end_when_whoever_started_them_is_killed_and_no_others_do(installed: None) -> None:
    others = session_emulators()
    starter = subprocess.Popen((sys.executable, "-c", RUN_AND_TELL), stdout=subprocess.PIPE, cwd=ROOT)
    assert starter.stdout is not None
    hosts = starter.stdout.readline().decode().split()
    assert len(hosts) == 3 and all(map(listens, hosts))
    assert not {others.firestore_host, others.pubsub_host, others.storage_host} & set(hosts)
    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    deadline = time.monotonic() + 15
    while any(map(listens, hosts)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(listens, hosts))
    assert listens(others.firestore_host)


def test_an_emulator_that_ends_while_starting_is_reported_with_its_log(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "print('the port is taken'); raise SystemExit(1)")
    process = EmulatorProcess.start("Pub/Sub", command, port=free_port(), log=tmp_path / "log")
    with pytest.raises(EmulatorFailed, match="the port is taken"):
        process.wait_until(lambda _: False, timeout_s=30)
    process.stop()


@pytest.mark.parametrize(
    ("module", "own"),
    [
        ("clients", set[str]()),
        ("indexes", set[str]()),
        ("publisher", set[str]()),
        ("jobs", {"google.cloud.firestore"}),
        ("objects", {"google.cloud.storage"}),
    ],
)
def test_each_adapter_imports_its_own_sdk_only(module: str, own: set[str]) -> None:
    script = f"import sys, shared.adapters.google.{module}; print(*sys.modules)"
    output = subprocess.run((sys.executable, "-c", script), cwd=ROOT, capture_output=True, text=True, check=True)
    sdks = {"google.cloud.firestore", "google.cloud.storage", "google.cloud.pubsub_v1", "google.pubsub_v1"}
    assert sdks & set(output.stdout.split()) == own
