"""What the embedded backend keeps when its process is killed, and when several start at once."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.clock import SystemClock
from shared.adapters.embedded.database import Database
from shared.adapters.embedded.jobs import SqliteTrainings
from shared.adapters.embedded.models import SqliteModels
from shared.adapters.embedded.objects import DirectoryObjects
from shared.adapters.embedded.queue import SqliteQueue
from shared.adapters.embedded.signing import UrlSigner, load_or_create_secret
from shared.adapters.memory import FixedClock
from tests.contracts.durability_writer import BUCKET, CHUNK, CHUNKS

SIGNER = UrlSigner("http://127.0.0.1:1", b"secret")
ROOT = Path(__file__).parents[2]


def start(directory: Path, name: str, *, first: int = 1, rounds: int = 1_000_000) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.contracts.durability_writer", str(directory), name, str(first), str(rounds)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def killed_after(process: subprocess.Popen[bytes], *, lines: int, pause_s: float) -> list[dict[str, Any]]:
    """Kill the writer in the middle of things; everything that it said until then."""
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(lines)]
    time.sleep(pause_s)
    process.kill()
    rest, _ = process.communicate()
    # the last line may be cut off: what it says may or may not be done
    said += [line for line in rest.splitlines(keepends=True) if line.endswith(b"\n")]
    return [json.loads(line) for line in said]


def of(said: list[dict[str, Any]], kind: str) -> list[Any]:
    return [line[kind] for line in said if kind in line]


def check_objects(directory: Path, said: list[dict[str, Any]]) -> None:
    objects = DirectoryObjects(directory / "objects", BUCKET, SIGNER)
    told = {line["object"]: line["number"] for line in said if "object" in line}
    found = {info.name: info for info in objects.list("")}
    assert told.keys() <= found.keys()
    for name, info in found.items():
        content = b"".join(objects.read(name))
        number = int.from_bytes(content[:4], "big")
        assert content == number.to_bytes(4, "big") * (CHUNK * CHUNKS // 4), f"{name} is not whole"
        assert number >= told.get(name, 0), f"{name} is older than was told"
        copied = objects.write("check", [content], content_type="text/plain")
        assert info.crc32c == copied.crc32c
    objects.delete("check")


def check_messages(directory: Path, said: list[dict[str, Any]]) -> None:
    database = Database(directory / "app.sqlite")
    later = FixedClock(SystemClock().now() + timedelta(hours=2))
    queue = SqliteQueue(database, clock=later, max_attempts=100)
    left = [json.loads(message.data)["training_id"] for message in queue.lease(limit=100_000, lease_s=0)]
    published, acked = of(said, "published"), of(said, "acked")
    assert set(published) - set(acked) <= {*left, *unsaid_ack(published, acked, left)}
    assert not set(acked) & set(left)
    assert len(left) == len(set(left))
    database.close()


def unsaid_ack(published: list[str], acked: list[str], left: list[str]) -> list[str]:
    """At most one message: the one that was acked just before the kill, which the writer could not say any more."""
    missing = [name for name in published if name not in acked and name not in left]
    return missing[:1]


def test_nothing_that_was_committed_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    said: list[dict[str, Any]] = []
    for kill, pause_s in enumerate((0.0, 0.013, 0.037)):
        first = kill * 100_000 + 1
        # every kill may have swallowed one word about an ack: check each for itself
        before = len(said)
        said += killed_after(start(tmp_path, "w", first=first), lines=60, pause_s=pause_s)
        database = Database(tmp_path / "app.sqlite")
        assert SqliteTrainings(database).get("t_w").log_count >= max(of(said, "counted"))
        versions = of(said, "version")
        assert len(set(versions)) == len(versions)
        assert SqliteModels(database).allocate_version("person", "wolf", "w-1") == 1
        database.close()
        check_objects(tmp_path, said)
        check_messages(tmp_path, [*said[before:], *({"acked": name} for name in of(said[:before], "acked"))])
    assert set(of(said, "secret")) == {load_or_create_secret(tmp_path / "secret").hex()}


@pytest.mark.parametrize("processes", [4])
def test_processes_that_start_at_once_share_one_backend(tmp_path: Path, processes: int) -> None:
    rounds = 5
    writers = [start(tmp_path, f"w{number}", rounds=rounds) for number in range(processes)]
    said: list[dict[str, Any]] = []
    for writer in writers:
        output, _ = writer.communicate(timeout=30)
        assert writer.returncode == 0
        said += [json.loads(line) for line in output.splitlines()]
    assert len(set(of(said, "secret"))) == 1
    assert sorted(of(said, "version")) == list(range(1, processes * rounds + 1))
    acked = of(said, "acked")
    assert len(acked) == len(set(acked))
    check_objects(tmp_path, said)
    check_messages(tmp_path, said)


def test_the_numbers_of_an_older_file_stay_and_no_longer_tell_whose_they_are(tmp_path: Path) -> None:
    path = tmp_path / "documents.sqlite3"
    with closing(sqlite3.connect(path)) as older:
        older.execute("CREATE TABLE model_versions (person_id, name, training_id, version)")
        rows = [("anna-maria", "cape", "t_1", 1), ("anna-maria", "cape", "t_2", 2)]
        older.executemany("INSERT INTO model_versions VALUES (?, ?, ?, ?)", rows)
        older.commit()
    for number in (3, 4):
        database = Database(path)
        models = SqliteModels(database)
        assert models.version_of("anna-maria", "cape", "t_2") == 2
        assert models.allocate_version("anna-maria", "cape", f"t_{number}") == number
        with database.reading() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        database.close()
    assert b"anna-maria" not in path.read_bytes()
