"""Bringing a file home from a signed URL: resumed, verified, and under its name only when it is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from cli.client import DIRECT, TIMEOUT, TransferFailed, reason_of, tls

TRIES_WITHOUT_PROGRESS = 3


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file behind a signed URL; `size` (bytes) and `sha256` (hex) are None where nobody promises them."""

    url: str
    name: str
    size: int | None = None
    sha256: str | None = None

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """The file that the API's answer names."""
        name = str(document["file_name"])
        if not name or name != Path(name).name or name.startswith(".") or not name.isprintable():
            raise TransferFailed("unsafe_file_name", f"The API names a file {name!r}, which is not saved.")
        return cls(url=document["url"], name=name, size=document.get("size"), sha256=document.get("sha256"))


def is_here(file: RemoteFile, folder: Path) -> bool:
    """Whether the folder has this very file already."""
    path = folder / file.name
    return file.sha256 is not None and path.is_file() and _sha256(path) == file.sha256


def fetch(file: RemoteFile, folder: Path, *, on_bytes: Callable[[int], None], fresh: Callable[[], RemoteFile]) -> Path:
    """The path of the file in `folder`, verified; goes on from a `.part` that an earlier try left.

    `fresh` gives the file with a new signed URL when the old one ran out. Raises `TransferFailed`; what came
    so far is kept for the next try, unless it is not what was promised.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sentence = f"{folder} cannot be written to ({error.strerror}): name another folder."
        raise TransferFailed("folder_not_writable", sentence) from error
    part = folder / f"{file.name}.part"
    resumed = part.exists()
    _fill(file, part, on_bytes=on_bytes, fresh=fresh)
    if resumed and _flaw(file, part):
        # the part may have been of another file with the same name
        part.unlink()
        _fill(file, part, on_bytes=on_bytes, fresh=fresh)
    if flaw := _flaw(file, part):
        part.unlink()
        raise TransferFailed(
            "download_corrupt",
            f"{file.name} did not arrive whole ({flaw}) and was deleted.",
            "Download it again.",
        )
    return part.rename(folder / file.name)


def _fill(file: RemoteFile, part: Path, *, on_bytes: Callable[[int], None], fresh: Callable[[], RemoteFile]) -> None:
    tries = 0
    with httpx.Client(timeout=TIMEOUT, mounts=DIRECT, follow_redirects=True, verify=tls()) as http:
        while not _is_full(file, part):
            before = _length(part)
            try:
                return _append(http, file, part, on_bytes)
            except httpx.TransportError as error:
                reason = reason_of(error)
            except httpx.HTTPStatusError as error:
                reason = f"the storage answered {error.response.status_code}"
                file = fresh()
            tries = 0 if _length(part) > before else tries + 1
            if tries == TRIES_WITHOUT_PROGRESS:
                raise _stopped(file, part, reason)


def _append(http: httpx.Client, file: RemoteFile, part: Path, on_bytes: Callable[[int], None]) -> None:
    have = _length(part)
    # identity: a compressed answer has other bytes than were promised
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    with http.stream("GET", file.url, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()
        response.raise_for_status()
        goes_on = response.status_code == httpx.codes.PARTIAL_CONTENT
        with part.open("ab" if goes_on else "wb") as opened:
            for piece in response.iter_bytes():
                opened.write(piece)
                on_bytes(opened.tell())


def _is_full(file: RemoteFile, part: Path) -> bool:
    return file.size is not None and _length(part) >= file.size > 0


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _flaw(file: RemoteFile, path: Path) -> str:
    if file.size is not None and (length := path.stat().st_size) != file.size:
        return f"{length} instead of {file.size} bytes"
    if file.sha256 is not None and _sha256(path) != file.sha256:
        return "its sha256 is another one"
    return ""


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _stopped(file: RemoteFile, part: Path, reason: str) -> TransferFailed:
    have = f"{_length(part)} of {file.size or 'its'} bytes are here"
    return TransferFailed(
        "download_stopped",
        f"{file.name} could not be fetched ({reason}); {have}.",
        "The same command goes on from there.",
    )
