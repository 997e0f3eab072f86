"""A process that writes to the embedded backend and says what is done, until it is killed or has done enough.

`python -m tests.contracts.durability_writer DIRECTORY NAME FIRST ROUNDS`; each line on stdout is one JSON object.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from shared.adapters.embedded.database import Database
from shared.adapters.embedded.jobs import SqliteTrainings
from shared.adapters.embedded.models import SqliteModels
from shared.adapters.embedded.objects import DirectoryObjects
from shared.adapters.embedded.queue import SqliteQueue
from shared.adapters.embedded.signing import UrlSigner, load_or_create_secret
from shared.events import TrainingRequested
from tests.builders import a_training

BUCKET = "bucket"
CHUNK = 64 << 10
CHUNKS = 16
NAMES = 5


def said(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def main() -> None:
    directory, name, first, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    database = Database(directory / "app.sqlite")
    secret = load_or_create_secret(directory / "secret")
    said(secret=secret.hex())
    objects = DirectoryObjects(directory / "objects", BUCKET, UrlSigner("http://127.0.0.1:1", secret))
    trainings, models, queue = SqliteTrainings(database), SqliteModels(database), SqliteQueue(database)
    trainings.create(a_training(id=f"t_{name}"))
    for number in range(first, first + rounds):
        one_round(number, name, objects, trainings, models, queue)
    database.close()


def one_round(
    number: int,
    name: str,
    objects: DirectoryObjects,
    trainings: SqliteTrainings,
    models: SqliteModels,
    queue: SqliteQueue,
) -> None:
    written = f"{name}/{number % NAMES}"
    objects.write(written, [number.to_bytes(4, "big") * (CHUNK // 4)] * CHUNKS, content_type="text/plain")
    said(object=written, number=number)
    trainings.update(f"t_{name}", lambda training: replace(training, log_count=number))
    said(counted=number)
    said(version=models.allocate_version("person", "wolf", f"{name}-{number}"))
    queue.publish(TrainingRequested(training_id=f"{name}-{number}"))
    said(published=f"{name}-{number}")
    for message in queue.lease(limit=1, lease_s=3600):
        if number % 2:
            queue.ack(message)
            said(acked=json.loads(message.data)["training_id"])


if __name__ == "__main__":
    main()
