"""The emulators of Pub/Sub, Firestore and Cloud Storage as one thing that runs while a block does.

They are processes of our own on free loopback ports with a random project id, so that nothing ever talks to
somebody else's. What survives a restart with a `data_dir`: objects, always; documents, when `save` ran or the
block was left, since the Firestore emulator only writes on request. Messages never: the Pub/Sub
emulator keeps them in memory, and its topics and subscriptions too, so `provision` is due after every start.

They differ from the real services: no IAM and no OIDC header on pushes, no `deliveryAttempt`, no index is
required, preconditions of Cloud Storage and the expiry of signed URLs are ignored, and the Cloud Storage
emulator handles one request at a time.
"""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.emulator_processes import (
    LOOPBACK,
    EmulatorFailed,
    EmulatorServer,
    Installation,
    free_port,
)
from shared.settings import Backend, StoreSettings

START_S = 60.0
FIRESTORE, PUBSUB, STORAGE = "Firestore", "Pub/Sub", "Cloud Storage"
EXPORT_METADATA = "*/*.overall_export_metadata"


@dataclass(frozen=True, kw_only=True)
class Emulators:
    """Three running emulators: `host:port` of each, and the project that is used with them."""

    project: str
    firestore_host: str
    pubsub_host: str
    storage_host: str
    data_dir: Path | None = None
    servers: Mapping[str, EmulatorServer] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """The variables that point our settings, and Google's own tools and SDKs, at these emulators."""
        return {
            "FIRESTORE_EMULATOR_HOST": self.firestore_host,
            "PUBSUB_EMULATOR_HOST": self.pubsub_host,
            "STORAGE_EMULATOR_HOST": f"http://{self.storage_host}",
            "GOOGLE_CLOUD_PROJECT": self.project,
        }

    def settings(self) -> StoreSettings:
        """The store's settings with these emulators and otherwise the defaults, whatever the environment
        says."""
        named = {name.lower(): value for name, value in self.environment().items()}
        return StoreSettings.model_validate({**named, "backend": Backend.GOOGLE, "GOOGLE_CLOUD_PROJECT": self.project})

    def save(self) -> None:
        """Write the documents to `data_dir`; nothing where there is none. The previous ones go only after
        that."""
        if self.data_dir is None:
            return
        exports = self.data_dir / "firestore"
        known = list(exports.iterdir()) if exports.is_dir() else []
        exports.mkdir(parents=True, exist_ok=True)
        body = {
            "database": f"projects/{self.project}/databases/(default)",
            "export_directory": str(exports.absolute()),
            "export_name": f"export-{time.time_ns()}",
        }
        _post(f"http://{self.firestore_host}/emulator/v1/projects/{self.project}:export", body)
        for export in known:
            shutil.rmtree(export)

    def restart(self, *names: str) -> None:
        """End these emulators (`FIRESTORE`, `PUBSUB`, `STORAGE`) and start them again where they were.

        What was written to Firestore since `save` is gone, as is everything that Pub/Sub had: `provision` is due.
        """
        for name in names:
            self.servers[name].stop()
        for name in names:
            self.servers[name].start()
        for name in names:
            self.servers[name].wait(timeout_s=START_S)


def missing_emulators() -> str | None:
    """A sentence that says what this machine lacks and how to get it; None where the emulators can run."""
    return Installation.find().missing


@contextmanager
def running_emulators(data_dir: Path | None = None) -> Iterator[Emulators]:
    """The emulators while the block runs; `EmulatorFailed` where one does not start or is not installed.

    With a `data_dir` the project keeps its id, and objects and documents are there again the next time.
    """
    installation = Installation.find()
    if installation.missing:
        raise EmulatorFailed(installation.missing)
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="emulators-")))
        emulators = _started(stack, installation, logs, data_dir)
        try:
            yield emulators
        finally:  # also when the block is interrupted, which is how a local stack usually ends
            emulators.save()


def _started(stack: ExitStack, installation: Installation, logs: Path, data_dir: Path | None) -> Emulators:
    project = _project(data_dir)
    servers = _servers(installation, logs, data_dir, probe=f"{project}-probe")
    for server in servers.values():
        stack.callback(server.stop)
        server.start()
    for server in servers.values():
        server.wait(timeout_s=START_S)
    hosts = {name: f"{LOOPBACK}:{server.port}" for name, server in servers.items()}
    return Emulators(
        project=project,
        firestore_host=hosts[FIRESTORE],
        pubsub_host=hosts[PUBSUB],
        storage_host=hosts[STORAGE],
        data_dir=data_dir,
        servers=servers,
    )


def _servers(
    installation: Installation, logs: Path, data_dir: Path | None, *, probe: str
) -> Mapping[str, EmulatorServer]:
    """The three, each with a sign that can only come from it: its own log, or a bucket with our random name."""
    firestore, pubsub, storage = free_port(), free_port(), free_port()
    objects_dir = data_dir / "objects" if data_dir else None
    servers = (
        EmulatorServer(
            name=FIRESTORE,
            port=firestore,
            log=logs / f"{firestore}.log",
            command=lambda: installation.firestore(firestore, _latest_export(data_dir)),
            ready=lambda process: b"Dev App Server is now running" in process.log.read_bytes(),
        ),
        EmulatorServer(
            name=PUBSUB,
            port=pubsub,
            log=logs / f"{pubsub}.log",
            command=lambda: installation.pubsub(pubsub),
            ready=lambda process: b"Server started, listening on" in process.log.read_bytes(),
        ),
        EmulatorServer(
            name=STORAGE,
            port=storage,
            log=logs / f"{storage}.log",
            command=lambda: installation.storage(storage, objects_dir, probe),
            ready=lambda process: _has_bucket(process.port, probe),
        ),
    )
    return {server.name: server for server in servers}


def _project(data_dir: Path | None) -> str:
    fresh = f"local-{secrets.token_hex(4)}"
    if data_dir is None:
        return fresh
    data_dir.mkdir(parents=True, exist_ok=True)
    kept = data_dir / "project"
    if not kept.exists():
        kept.write_text(fresh)
    return kept.read_text()


def _latest_export(data_dir: Path | None) -> Path | None:
    if data_dir is None:
        return None
    complete = sorted((data_dir / "firestore").glob(EXPORT_METADATA))
    return complete[-1].absolute() if complete else None


def _has_bucket(port: int, bucket: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/storage/v1/b/{bucket}", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _post(url: str, body: dict[str, str]) -> None:
    request = urllib.request.Request(
        url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=60):
        pass
