"""Erasing a person in the running system, on every backend: then nothing anywhere knows her but the receipt."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from cli.erase import await_receipt
from tests.pipeline.conftest import Document, System, pictures


def erase(system: System, person: str) -> Document:
    """What the command line does."""
    wanted = {"subject": "person", "subject_id": person, "confirm": person}
    return await_receipt(system.api, system.api.post("/v1/erasures", wanted))


def objects_of(system: System) -> Iterator[str]:
    for setting in ("shoots_bucket", "datasets_bucket", "models_bucket", "thumbnails_bucket"):
        yield from (found.name for found in system.bucket(setting).list(""))


def test_of_an_erased_person_nothing_is_anywhere_but_the_receipt(system: System) -> None:
    trigger = f"T{uuid.uuid4().hex[:8]}"
    shoot_id = system.shoot(pictures())
    person = str(system.api.get(f"/v1/shoots/{shoot_id}")["person_id"])
    training = system.wait(str(system.start(shoot_id, trigger)["id"]))
    assert training["status"] == "succeeded"
    assert any(person in name for name in objects_of(system))

    receipt = erase(system, person)

    assert (receipt["state"], receipt["subject_id"]) == ("done", "")
    assert {"fal_request", "model_files", "model", "training", "shoot"} <= {line["what"] for line in receipt["deleted"]}
    assert not [name for name in objects_of(system) if person in name or shoot_id in name or training["id"] in name]
    assert person not in [found["id"] for found in system.api.get("/v1/people")["items"]]
    (run,) = [run for run in system.fal.requests() if training["id"] in run["webhook_url"]]
    assert (run["input"], run["billed"]) == ({}, True)
    if system.stack.emulators is None:
        await_the_last_look(system.stack.data_dir)
        assert_nowhere(person, system.stack.data_dir)


def await_the_last_look(data_dir: Path) -> None:
    """Wait until the monitor had the eraser look once more, after which the receipt knows no places any more."""
    with closing(sqlite3.connect(data_dir / "documents.sqlite3", timeout=30)) as database:
        end = time.monotonic() + 60
        while database.execute("SELECT count(*) FROM erasures WHERE open").fetchone()[0]:
            assert time.monotonic() < end, "an erasure is still to be looked at once more"
            time.sleep(0.2)


def assert_nowhere(word: str, data_dir: Path) -> None:
    """The word is in no file's name or bytes, once SQLite has emptied its log of writes: nor in the functions' log."""
    with closing(sqlite3.connect(data_dir / "documents.sqlite3", timeout=30)) as database:
        end = time.monotonic() + 30
        while database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            assert time.monotonic() < end, "somebody reads all the time"
            time.sleep(0.05)
    for path in data_dir.rglob("*"):
        assert word not in path.name
        assert not path.is_file() or word.encode() not in path.read_bytes(), path
