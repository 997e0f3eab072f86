"""The real stack as processes, once per backend and test run, and hands to drive it with."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from cli.client import ApiClient
from infra.local.emulators import missing_emulators
from infra.local.fal_simulator.control import SimulatorControl
from infra.local.settings import LocalBackend, StackSettings
from infra.local.stack import Stack, running_stack
from shared.events import Event
from shared.ports import Objects
from shared.settings import StoreSettings
from tests.notified import Receiver
from tests.scripted_server import scripted_server
from tests.world import jpeg

# Short enough that every wait which ends in a failure is seen in a test.
HURRIED = {
    # pictures are made where a test asks for them
    "SAMPLE_IMAGES": "0",
    "MAX_DELIVERY_ATTEMPTS": "5",
    "DEADLINE_SUBMITTING_S": "12",
    "DEADLINE_MIRRORING_S": "12",
    "CLAIM_LEASE_S": "2",
    "STALLED_S": "3",
    "ERASURE_SETTLES_S": "1",
    "RETRY_MIN_S": "0.2",
    "RETRY_MAX_S": "2",
}
PATIENCE_S = 60.0

Document = dict[str, Any]


@dataclass(frozen=True)
class System:
    """A running stack with its API and the simulator's control."""

    stack: Stack
    api: ApiClient
    fal: SimulatorControl
    receiver: Receiver = field(default_factory=Receiver)

    def shoot(self, files: dict[str, bytes]) -> str:
        """A new shoot with these files."""
        body = {"costume_name": "Red Riding Hood", "person_id": f"p-{uuid.uuid4().hex[:8]}"}
        shoot: Document = self.api.post("/v1/shoots", body, idempotency_key=uuid.uuid4().hex)
        for name, content in files.items():
            self.put(str(shoot["id"]), name, content)
        return str(shoot["id"])

    def put(self, shoot_id: str, name: str, content: bytes) -> None:
        """Put a file into a shoot."""
        file = self.stack.data_dir / f"upload-{uuid.uuid4().hex}"
        file.write_bytes(content)
        self.api.put_file(f"/v1/shoots/{shoot_id}/files/{name}", file, "application/octet-stream", lambda _: None)

    def start(self, shoot_id: str, trigger: str) -> Document:
        """Press the button."""
        wanted = {"shoot_id": shoot_id, "trigger_word": trigger, "parameters": {"steps": 100}}
        training: Document = self.api.post("/v1/trainings", wanted, idempotency_key=uuid.uuid4().hex)
        return training

    def training(self, training_id: str) -> Document:
        """The training as it is now."""
        found: Document = self.api.get(f"/v1/trainings/{training_id}")
        return found

    def wait(self, training_id: str, *, until: tuple[str, ...] = ("succeeded", "failed", "canceled")) -> Document:
        """The training when it has reached one of these statuses."""
        end = time.monotonic() + PATIENCE_S
        while (training := self.training(training_id))["status"] not in until:
            assert time.monotonic() < end, f"still {training['status']} after {PATIENCE_S} s: {training}"
            time.sleep(0.1)
        return training

    def billed(self, training: Document) -> int:
        """How many runs of this training fal.ai would have billed."""
        return sum(1 for row in self.fal.requests() if row["billed"] and training["id"] in row["webhook_url"])

    def accepted(self, trigger: str) -> int:
        """How many requests with this trigger word fal.ai accepted."""
        return sum(1 for row in self.fal.requests() if row["input"].get("trigger_word") == trigger)

    def publish(self, event: Event) -> None:
        """Send a message into the running system, as a second copy of one would come."""
        if self.stack.emulators is None:
            from shared.adapters.embedded.database import Database
            from shared.adapters.embedded.queue import SqliteQueue

            database = Database(self.stack.data_dir / "documents.sqlite3")
            SqliteQueue(database).publish(event)
            database.close()
            return
        from shared.adapters.google.clients import publisher_client
        from shared.adapters.google.publisher import PubSubPublisher

        settings = self.stack.emulators.settings()
        client = publisher_client(settings)
        PubSubPublisher(client, settings.project).publish(event)
        client.transport.close()

    def bucket(self, setting: str) -> Objects:
        """One of the buckets, by the name of its setting."""
        store = StoreSettings(**{**{k.lower(): v for k, v in self.stack.environment.items()}})  # type: ignore[arg-type]
        name = getattr(store, setting)
        if store.backend == "embedded":
            from shared.adapters.embedded.objects import DirectoryObjects
            from shared.adapters.embedded.signing import UrlSigner

            return DirectoryObjects(self.stack.data_dir / "objects", name, UrlSigner(self.stack.url, b"unused"))
        from shared.adapters.google.clients import storage_client, storage_signer
        from shared.adapters.google.objects import CloudStorageObjects

        return CloudStorageObjects(storage_client(store), name, storage_signer(store))


def pictures(count: int = 4, captions: int = 3) -> dict[str, bytes]:
    """Files of a small real shoot."""
    files = {f"{i:02}.jpg": jpeg(i) for i in range(count)}
    return {**files, **{f"{i:02}.txt": f"[trigger] in picture {i}".encode() for i in range(captions)}}


@pytest.fixture(scope="session", params=list(LocalBackend))
def system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The stack on each backend; the emulators are skipped, with a sentence, where the machine has none."""
    backend = request.param
    if backend is LocalBackend.EMULATORS and (missing := missing_emulators()):
        pytest.skip(missing)
    settings = StackSettings(
        port=0,
        data_dir=tmp_path_factory.mktemp(f"stack-{backend}"),
        backend=backend,
        tick_s=0.5,
        simulator_seconds=1.5,
        simulator_weights_mb=0.2,
    )
    with ExitStack() as cleanup:
        receiver = Receiver()
        server = cleanup.enter_context(scripted_server(receiver.answer))
        notified = {"notify_url": server.url, "notify_secret": receiver.secret}
        system = running_system(settings.model_copy(update=notified), cleanup)
        yield replace(system, receiver=receiver)


def running_system(settings: StackSettings, cleanup: ExitStack, **extra: str) -> System:
    """A stack of one's own until `cleanup` closes."""
    stack = cleanup.enter_context(running_stack(settings, extra={**HURRIED, **extra}))
    api = cleanup.enter_context(ApiClient(stack.url))
    fal = cleanup.enter_context(SimulatorControl(str(stack.simulator_url)))
    return System(stack, api, fal)


def log_of(path: Path) -> str:
    """What the functions logged."""
    return path.read_text(errors="replace")
