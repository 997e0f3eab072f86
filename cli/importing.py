"""Sending a folder of pictures and captions to a shoot, only what the shoot does not have yet."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import google_crc32c
from rich.console import Console

from cli.client import PIECE_BYTES, ApiClient, TransferFailed, at
from cli.output import OnBytes, transfer
from shared.shoots import CAPTION_TYPE, IMAGE_TYPES, split_name

Document = dict[str, Any]

# enough to hide the waiting for answers, too few to crowd a home connection
UPLOADS_AT_ONCE = 4


def files_to_import(folder: Path) -> list[Path]:
    """The pictures directly in the folder and their captions, by name; none where there is no picture."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    kinds = {path: split_name(path.name) for path in files}
    stems = {stem for stem, kind in kinds.values() if kind in IMAGE_TYPES}
    return [
        path for path, (stem, kind) in kinds.items() if kind in IMAGE_TYPES or (kind == CAPTION_TYPE and stem in stems)
    ]


def import_shoot(
    client: ApiClient, files: Sequence[Path], *, folder: Path, costume: str, person: str, console: Console
) -> tuple[Document, int]:
    """The shoot with all of `files`, and how many had to be sent.

    The same folder, costume and person always mean the same shoot.
    """
    body = {"costume_name": costume, "person_id": person}
    created = client.post("/v1/shoots", body, idempotency_key=import_key(folder, costume, person))
    path = at("shoots", created["id"])
    missing = _missing(files, client.get(path))
    if missing:
        total = sum(file.stat().st_size for file in missing)
        with transfer(console, f"Sending {len(missing)} files", total) as on_bytes:
            _send_all(client, created["id"], missing, on_bytes)
    return client.get(path), len(missing)


def import_key(folder: Path, costume: str, person: str) -> str:
    """The idempotency key of an import: the same for the same costume, person and absolute folder."""
    said = "\0".join((costume, person, str(folder.resolve())))
    return f"import-{hashlib.sha256(said.encode()).hexdigest()[:40]}"


def checksum(file: Path) -> str:
    """The crc32c of a file's bytes, base64, as Cloud Storage writes it."""
    crc = 0
    with file.open("rb") as opened:
        while piece := opened.read(PIECE_BYTES):
            crc = google_crc32c.extend(crc, piece)
    return base64.b64encode(crc.to_bytes(4, "big")).decode()


def _missing(files: Sequence[Path], shoot: Document) -> list[Path]:
    there = {stored["name"]: stored for stored in shoot["files"]}
    return [file for file in files if not _is_same(file, there.get(file.name))]


def _is_same(file: Path, stored: Document | None) -> bool:
    if stored is None or stored["size"] != file.stat().st_size:
        return False
    return bool(stored["crc32c"] == checksum(file))


def _send_all(client: ApiClient, shoot_id: str, files: Sequence[Path], on_bytes: OnBytes) -> None:
    sent = _Sent(on_bytes)
    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        try:
            for _ in pool.map(lambda file: _send(client, shoot_id, file, sent.of(file)), files):
                pass
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _send(client: ApiClient, shoot_id: str, file: Path, on_position: Callable[[int], None]) -> None:
    kind = IMAGE_TYPES.get(split_name(file.name)[1], "text/plain; charset=utf-8")
    answer = client.put_file(at("shoots", shoot_id, "files", file.name), file, kind, on_position)
    if not _is_same(file, answer):
        raise TransferFailed(
            "upload_corrupt",
            f"{file.name} did not arrive as it is here.",
            "Run the import again: it is sent again.",
        )


class _Sent:
    """How much of all files has been sent; a file that begins again counts from its beginning."""

    def __init__(self, on_bytes: OnBytes) -> None:
        self._on_bytes = on_bytes
        self._positions: dict[Path, int] = {}
        self._lock = threading.Lock()

    def of(self, file: Path) -> Callable[[int], None]:
        def on_position(position: int) -> None:
            with self._lock:
                self._positions[file] = position
                self._on_bytes(sum(self._positions.values()))

        return on_position
