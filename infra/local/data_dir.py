"""The folder of one stack: made where it is missing, and held by one stack at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.errors import StackError

LOCK = "stack.lock"


@contextmanager
def held_folder(folder: Path, url: str) -> Iterator[Path]:
    """The folder, which no other stack uses while the block runs; `url` is told to whoever comes meanwhile.

    `StackError` where another stack has it. The operating system gives the lock back when its process ends, however
    that ends.
    """
    found = _writable(folder.expanduser().resolve())
    lock = os.open(found / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StackError(_in_use(found, os.pread(lock, 1000, 0).decode(errors="replace"))) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{url} (process {os.getpid()})".encode(), 0)
        yield found
    finally:
        os.close(lock)


def _in_use(folder: Path, holder: str) -> str:
    at = f" at {holder}" if holder else ""
    return (
        f"another stack{at} keeps its data in {folder}: use that one, or stop it with Ctrl-C where it was started; "
        "or set DATA_DIR to another folder and PORT to another port, to have both."
    )


def _writable(folder: Path) -> Path:
    try:
        # what lies in it are pictures of people: nobody else on this machine may look
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "functions.log").open("ab").close()
    except OSError as error:
        raise StackError(
            f"{folder} cannot be written to ({error.strerror}): set DATA_DIR to another folder."
        ) from error
    return folder
