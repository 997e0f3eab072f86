"""The mirror: weights from an HTTPS server into the bucket, hashed and verified on the way."""

from __future__ import annotations

import json
import os
import random
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from functions.mirror.fetch_artifacts import fetch_artifacts
from shared.adapters.embedded.objects import DirectoryObjects
from shared.adapters.embedded.signing import UrlSigner
from shared.adapters.fal.artifacts import HttpArtifactSource
from shared.ports import Artifact, Objects, RunOutput
from shared.settings import FalSettings, MirrorSettings
from shared.stages import Status
from tests.bench.figures import Figure, at_most, side_by_side, within
from tests.bench.memory import ROOT, growing, peak_growth_mib
from tests.builders import a_training

MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running `tests.bench.weights_server`: where it serves weights and a configuration, and how it is trusted."""

    origin: str
    tls: ssl.SSLContext

    def weights(self, size: int) -> Artifact:
        """Weights of `size` bytes."""
        return Artifact(url=f"{self.origin}/{size}/weights.safetensors", size=size)


@contextmanager
def weights_server() -> Iterator[Server]:
    """An HTTPS server in a process of its own, with a certificate of its own, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        command = [sys.executable, "-m", "tests.bench.weights_server", folder]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            tls = ssl.create_default_context(cafile=str(Path(folder) / "certificate.pem"))
            yield Server(origin=f"https://127.0.0.1:{port}", tls=tls)
        finally:
            process.terminate()
            process.wait()


class Mirror:
    """The mirror's fetching half, from `server` into `bucket`, else into a directory."""

    def __init__(self, server: Server, folder: Path, *, bucket: Objects | None = None) -> None:
        self._server = server
        hosts = server.origin.removeprefix("https://")
        settings = FalSettings.model_validate({"FAL_MEDIA_HOSTS": hosts})
        self._source = HttpArtifactSource(settings, tls=server.tls)
        self._bucket = bucket or DirectoryObjects(folder, "models", UrlSigner("http://127.0.0.1", b"bench"))

    def run(self, size: int) -> None:
        """Fetch, verify and keep weights of `size` bytes and their configuration."""
        artifacts = {
            "diffusers_lora_file": self._server.weights(size),
            "config_file": Artifact(url=f"{self._server.origin}/config.json"),
        }
        kept = fetch_artifacts(
            a_training(status=Status.MIRRORING),
            RunOutput(artifacts=artifacts, raw={}),
            source=self._source,
            bucket=self._bucket,
            run=f"{random.getrandbits(64):x}",
            settings=MirrorSettings(),
        )
        for file in kept.files:
            self._bucket.delete(file.name)


def download(server: Server, size: int, target: Path, *, keep: bool = False) -> None:
    """The same bytes, written to a file as durably as the bucket does, and nothing else."""
    with (
        httpx.Client(verify=server.tls) as client,
        client.stream("GET", server.weights(size).url) as response,
        target.open("wb") as out,
    ):
        for chunk in response.iter_raw(1 << 20):
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    if not keep:
        target.unlink()


def mirror_throughput() -> Iterator[Figure]:
    """1 GB of weights, hashed and verified, against the same download written to a file."""
    size = 1000 * MB
    with weights_server() as server, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        mirror = Mirror(server, Path(folder))
        ours, plain = side_by_side(3, lambda: mirror.run(size), lambda: download(server, size, Path(folder) / "plain"))
    note = "1 GB over TLS: sha256, crc32c, header and values looked at"
    yield at_most("mirror_throughput", ours, "s", peer="download to a file", peer_value=plain, times=1.3, note=note)


def mirror_memory() -> Iterator[Figure]:
    """The peak growth of the mirror's memory with 100 MB and with 2 GB of weights."""
    small, large = (peak_growth_mib("tests.bench.mirroring", str(size * MB)) for size in (100, 2000))
    yield within("mirror_memory", large, "MiB", 48, note="2 GB of weights")
    yield at_most("mirror_memory_flat", large, "MiB", peer="100 MB", peer_value=small, times=1.1)


if __name__ == "__main__":
    with weights_server() as server, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        mirror = Mirror(server, Path(folder))
        print(json.dumps(growing(lambda: mirror.run(int(sys.argv[1])))))  # noqa: T201 - the answer to who started this
