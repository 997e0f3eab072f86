"""What goes over the wire, on the official emulators and with Google's own client libraries: `BACKEND=emulators`.

The emulators are processes on this machine that share its processors, and Cloud Storage's takes one request at a time.
So these figures tell what our adapters add to the client libraries, and nothing of how fast Google Cloud is.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from google.cloud.storage import Client

from infra.local.emulators import Emulators, running_emulators
from infra.local.provision import provision
from infra.local.settings import LocalBackend
from shared.adapters.google.clients import storage_client, storage_signer
from shared.adapters.google.objects import CloudStorageObjects
from shared.events import ResultReported
from shared.settings import DatasetSettings, StoreSettings
from shared.shoots import preprocessed_prefix
from tests.bench.figures import Figure, at_most, printed, side_by_side
from tests.bench.mirroring import Mirror, Server, download, weights_server
from tests.bench.packaging import CAPTION, MB, Packager, photo
from tests.bench.pipelines import PICTURES, own_seconds
from tests.bench.webhooks import Rival, webhook

PACKAGED = 24
WEIGHTS_BYTES = 90 * MB
CALLBACKS = 600


@dataclass(frozen=True, kw_only=True)
class Wire:
    """Running emulators with our buckets and topics, and a client of the storage."""

    emulators: Emulators
    settings: StoreSettings
    client: Client

    def bucket(self, name: str) -> CloudStorageObjects:
        """A bucket by our adapter."""
        return CloudStorageObjects(self.client, name, storage_signer(self.settings))


@contextmanager
def wire() -> Iterator[Wire]:
    """The emulators until the block ends."""
    with running_emulators() as emulators:
        settings = emulators.settings()
        # pushed to nobody: what is published is kept
        provision(emulators, "http://127.0.0.1:9")
        client = storage_client(settings)
        try:
            yield Wire(emulators=emulators, settings=settings, client=client)
        finally:
            client.close()


def package_on_the_wire() -> Iterator[Figure]:
    """24 pictures of 1 MB from bucket to bucket, against downloading and uploading the same bytes by the client."""
    with wire() as there:
        names = there.settings
        shoots, datasets, thumbnails = (
            there.bucket(name) for name in (names.shoots_bucket, names.datasets_bucket, names.thumbnails_bucket)
        )
        prefix = preprocessed_prefix("s_1")
        for number in range(PACKAGED):
            shoots.write(f"{prefix}{number:04}.jpg", [photo(MB)], content_type="image/jpeg")
            shoots.write(f"{prefix}{number:04}.txt", [CAPTION], content_type="text/plain")
        packager = Packager(shoots=shoots, datasets=datasets, thumbnails=thumbnails)
        packager.look()

        def move() -> None:
            found = list(there.client.list_blobs(names.shoots_bucket, prefix=prefix))
            with ThreadPoolExecutor(DatasetSettings().read_ahead_objects) as pool:
                content = b"".join(pool.map(lambda blob: blob.download_as_bytes(), found))
            there.client.bucket(names.datasets_bucket).blob("plain").upload_from_string(content)

        ours, plain = side_by_side(5, packager.run, move)
    note = f"{PACKAGED} pictures of 1 MB and captions, looked at before"
    peer = "download as many at a time, upload"
    yield at_most("wire_package", ours, "s", peer=peer, peer_value=plain, times=1.3, note=note)


def mirror_on_the_wire() -> Iterator[Figure]:
    """90 MB of weights from an HTTPS server into a bucket, against doing just that with the client."""
    with wire() as there, weights_server() as server, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        mirror = Mirror(server, Path(folder), bucket=there.bucket(there.settings.models_bucket))
        ours, plain = side_by_side(3, lambda: mirror.run(WEIGHTS_BYTES), lambda: _forward(server, there))
    note = "90 MB over TLS: sha256, crc32c, header and values looked at"
    yield at_most("wire_mirror", ours, "s", peer="download, upload", peer_value=plain, times=1.3, note=note)


def _forward(server: Server, there: Wire) -> None:
    """Into the bucket by way of a file, as the client's documentation has it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / "weights"
        download(server, WEIGHTS_BYTES, file, keep=True)
        blob = there.client.bucket(there.settings.models_bucket).blob(f"plain-{random.getrandbits(32):x}")
        blob.upload_from_filename(str(file))
        blob.delete()


def webhook_on_the_wire() -> Iterator[Figure]:
    """The webhook on Pub/Sub's emulator, against the same framework publishing what it was sent."""
    with wire() as there:
        topic = f"projects/{there.emulators.project}/topics/{ResultReported.topic}"
        rival = Rival(
            source="tests/bench/ok_on_pubsub.py",
            environment={"BACKEND": "google", "TOPIC": topic, **there.emulators.environment()},
            name="wire_webhook",
            peer='publishing and answering "ok"',
            note="verified, and taken by Pub/Sub's emulator before the answer",
            callbacks=CALLBACKS,
        )
        yield from webhook(rival)


def pipeline_on_the_wire() -> Iterator[Figure]:
    """One training at a time on all three emulators: everything but what fal.ai took."""
    note = f"{PICTURES} pictures of 256 × 256, three emulators on the same processors"
    yield printed("wire_pipeline_overhead", own_seconds(LocalBackend.EMULATORS), "s", note=note)
