"""Cold starts: how long importing a function takes, against the framework with the clients that it needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial

from tests.bench.figures import Figure, at_most, side_by_side
from tests.bench.memory import ROOT

STORAGE = "google.cloud.storage"
FIRESTORE = "google.cloud.firestore"
PUBSUB = "google.cloud.pubsub_v1"

# What each function talks to (docs/architecture.md), with nothing of ours.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "api": ("functions_framework.aio", "fastapi", STORAGE, FIRESTORE, PUBSUB, "PIL.Image", "blake3"),
    "packager": ("functions_framework", STORAGE, FIRESTORE, PUBSUB, "PIL.Image", "blake3"),
    "submitter": ("functions_framework", FIRESTORE, "fal_client"),
    "webhook": ("functions_framework.aio", PUBSUB, "cryptography.hazmat.primitives.asymmetric.ed25519"),
    "mirror": ("functions_framework", STORAGE, FIRESTORE, PUBSUB, "fal_client", "PIL.Image"),
    "monitor": ("functions_framework", STORAGE, FIRESTORE, PUBSUB, "fal_client"),
}


def cold_start() -> Iterator[Figure]:
    """Each function in a new interpreter, until it listens; the note has it with the clients that come later."""
    for name, needed in NEEDS.items():
        main = f"functions.{name}.main"
        ours, bare, whole = side_by_side(
            3, partial(_import, main), partial(_import, *needed), partial(_import, main, *needed)
        )
        note = f"with its clients, which the first request imports: {whole * 1e3:.0f} ms, {whole / bare:.2f} ×"
        peer = "framework and clients"
        yield at_most(f"cold_start_{name}", ours * 1e3, "ms", peer=peer, peer_value=bare * 1e3, times=1.2, note=note)


def _import(*modules: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {', '.join(modules)}"], cwd=ROOT, check=True)
