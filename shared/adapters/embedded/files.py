"""Files that appear whole or not at all: drafts beside the listed tree, put in place at the end."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_ABANDONED_S = 24 * 60 * 60
_PLACE_ATTEMPTS = 20
_WRITE_BACK_BYTES = 8 << 20


class Drafts:
    """Unfinished files in one directory, on the same file system as their targets. Raises `OSError`."""

    def __init__(self, directory: Path) -> None:
        """Keep drafts in `directory`, which `prepare` makes."""
        self._directory = directory
        self._prepared = False

    def prepare(self) -> None:
        """Make the directory and delete the drafts of processes that are gone, and those of a day ago; once.

        A draft may hold pictures of people, so it goes with the first write after its process was killed.
        """
        if self._prepared:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        with os.scandir(self._directory) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if _has_lost_its_process(entry.name) or time.time() - entry.stat().st_mtime > _ABANDONED_S:
                        os.unlink(entry.path)
        self._prepared = True

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """A name for a new draft; whatever is left under it when the block ends is deleted."""
        path = self._directory / f"{os.getpid()}-{secrets.token_hex(16)}"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def place(self, draft: Path, target: Path) -> None:
        """Move `draft` to `target`, whole and durable, replacing what was there; makes its directories."""
        for attempt in range(_PLACE_ATTEMPTS):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.replace(draft, target)
                break
            except FileNotFoundError:
                # somebody deleted the last object beside it, and with it the directory
                if attempt + 1 == _PLACE_ATTEMPTS or not draft.exists():
                    raise
        sync_directory(target.parent)

    def place_bytes(self, content: bytes, target: Path) -> None:
        """Write `content` to `target`, whole, replacing what was there; makes its directories.

        For what can be made again: after a power cut it may be gone.
        """
        self.prepare()
        with self.draft() as draft:
            draft.write_bytes(content)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(draft, target)

    def duplicate(self, source: Path, draft: Path) -> None:
        """Make `draft` the same as the file `source`, by a link where the file system has them.

        Sharing the bytes is safe because files here are replaced and never written to.
        """
        try:
            os.link(source, draft, follow_symlinks=False)
        except FileNotFoundError:
            raise
        except OSError:
            shutil.copyfile(source, draft, follow_symlinks=False)


def _has_lost_its_process(draft: str) -> bool:
    """Whether the process whose id a draft's name begins with has ended; its id may have a new owner by now."""
    owner = draft.partition("-")[0]
    if not owner.isdecimal():
        return False
    try:
        os.kill(int(owner), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


class SteadyWriter:
    """Writes into `file`, and lets the kernel bring it to the disk meanwhile: little is left to wait for at the end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._written = self._begun = 0

    def write(self, chunk: bytes) -> None:
        """Write all of `chunk`."""
        self._written += self._file.write(chunk)
        # no Python names the call for just this; this one begins by it, and then forgets what is on the disk already
        if self._written - self._begun >= _WRITE_BACK_BYTES and hasattr(os, "posix_fadvise"):
            length = self._written - self._begun
            os.posix_fadvise(self._file.fileno(), self._begun, length, os.POSIX_FADV_DONTNEED)
            self._begun = self._written

    def finish(self) -> None:
        """Return when everything is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())


def sync_directory(directory: Path) -> None:
    """Make the names in `directory` durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_empty_parents(path: Path, *, below: Path) -> None:
    """Remove the directories above `path` that are empty now, up to and without `below`."""
    for parent in path.parents:
        if parent == below or below not in parent.parents:
            return
        try:
            parent.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return
