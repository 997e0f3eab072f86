"""A bucket as a directory. Objects appear whole, keep their checksums, and never lie outside their bucket."""

from __future__ import annotations

import contextlib
import errno
import mimetypes
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from shared.adapters.clock import SystemClock
from shared.adapters.crc32c import Crc32c
from shared.adapters.embedded.files import Drafts, SteadyWriter, remove_empty_parents
from shared.adapters.embedded.sidecars import Sidecar, Sidecars
from shared.adapters.embedded.signing import UrlSigner
from shared.adapters.object_names import checked_bucket, checked_name, checked_prefix, is_object_name
from shared.errors import InvalidRequest, StorageUnavailable
from shared.ports import Clock, ObjectInfo

_READ_BYTES = 1 << 20


class DirectoryObjects:
    """The bucket `bucket` as the directory `root/bucket`; fulfils `Objects`.

    Files that people put there are objects too. Symbolic links are none. Names that mean something else in a
    directory than in a bucket raise `InvalidRequest`; what the file system refuses is `StorageUnavailable`,
    among it an object `a` beside an object `a/b`.
    """

    def __init__(self, root: Path, bucket: str, signer: UrlSigner, *, clock: Clock | None = None) -> None:
        """Use the directory `root`, which appears on first use, and sign URLs with `signer`."""
        self._bucket = checked_bucket(bucket)
        self._directory = Path(os.path.realpath(root)) / bucket
        self._signer = signer
        self._clock = clock or SystemClock()
        self._drafts = Drafts(self._directory.parent / ".tmp")
        self._sidecars = Sidecars(self._directory.parent / ".meta" / bucket, self._drafts.place_bytes)

    @property
    def uri(self) -> str:
        """`gs://` and the bucket's name."""
        return f"gs://{self._bucket}"

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Everything under `prefix`, by name; reads no object whose checksum is known."""
        prefix = checked_prefix(prefix)
        folder, slash, _ = prefix.rpartition("/")
        with _translated(prefix):
            for name in _names(self._path(folder) if folder else self._directory, folder + slash, prefix):
                if (found := self.stat(name)) is not None:
                    yield found

    def stat(self, name: str) -> ObjectInfo | None:
        """The object; None where there is none."""
        sidecar = self._described(name)
        return _info(name, sidecar) if sidecar else None

    def read(self, name: str, *, chunk_bytes: int = _READ_BYTES) -> Iterator[bytes]:
        """Its bytes in order, as they were at the first read; `StorageUnavailable` where it is not there."""
        path = self._path(name)
        with _translated(name), _opened(path) as file:
            while chunk := file.read(chunk_bytes):
                yield chunk

    def write(self, name: str, chunks: Iterable[bytes], *, content_type: str) -> ObjectInfo:
        """Stream `chunks` into the object: whole and durable at the end, replacing what was there."""
        path, checksum = self._path(name), Crc32c()
        with _translated(name):
            self._drafts.prepare()
        with self._drafts.draft() as draft, _created(draft, name) as file:
            # what `chunks` raises passes through, an OSError too: only our own writing is translated
            writer = SteadyWriter(file)
            for chunk in chunks:
                checksum.update(chunk)
                with _translated(name):
                    writer.write(chunk)
            with _translated(name):
                writer.finish()
                return self._place(draft, path, name, crc32c=checksum.text(), content_type=content_type)

    def copy(self, source: str, target: str) -> ObjectInfo:
        """Copy within the bucket without reading it; `StorageUnavailable` where `source` is not there."""
        path, origin = self._path(target), self._path(source)
        with _translated(source):
            self._drafts.prepare()
            with self._drafts.draft() as draft:
                sidecar = self._described(source)
                if sidecar is None:
                    raise FileNotFoundError(errno.ENOENT, "there is no such object")
                self._drafts.duplicate(origin, draft)
                crc32c = sidecar.crc32c if sidecar.describes(draft.lstat()) else _crc32c(draft)
                return self._place(draft, path, target, crc32c=crc32c, content_type=sidecar.content_type)

    def delete(self, name: str) -> None:
        """Delete it and the directories that it leaves empty; no error where it is not there."""
        path = self._path(name)
        with _translated(name):
            if _regular(path) is None:
                return
            path.unlink(missing_ok=True)
            self._sidecars.delete(name)
            remove_empty_parents(path, below=self._directory)

    def sign(self, name: str, *, ttl_s: float, download_name: str | None = None) -> str:
        """A URL that the local host answers for `ttl_s` seconds, at most 12 h."""
        name, now = checked_name(name), self._clock.now()
        return self._signer.sign(self._bucket, name, now=now, ttl_s=ttl_s, download_name=download_name)

    def locate(self, name: str) -> tuple[Path, str] | None:
        """The object's file, for serving it, and its content type; None where there is none."""
        sidecar = self._described(name)
        return (self._path(name), sidecar.content_type) if sidecar else None

    def _path(self, name: str) -> Path:
        path = self._directory / checked_name(name)
        if os.path.realpath(path.parent) != str(path.parent):
            raise InvalidRequest(reason=f"{name!r} leads through a symbolic link")
        return path

    def _described(self, name: str) -> Sidecar | None:
        path = self._path(name)
        with _translated(name), contextlib.suppress(FileNotFoundError):
            if (found := _regular(path)) is None:
                return None
            sidecar = self._sidecars.load(name)
            return sidecar if sidecar and sidecar.describes(found) else self._describe(name, path)
        return None

    def _describe(self, name: str, path: Path) -> Sidecar:
        with _opened(path) as file:
            found = os.fstat(file.fileno())
            crc32c = _crc32c_of(file)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        sidecar = Sidecar.about(found, crc32c=crc32c, content_type=kind, updated_at=found.st_mtime)
        self._sidecars.save(name, sidecar)
        return sidecar

    def _place(self, draft: Path, path: Path, name: str, *, crc32c: str, content_type: str) -> ObjectInfo:
        now = self._clock.now().timestamp()
        sidecar = Sidecar.about(draft.lstat(), crc32c=crc32c, content_type=content_type, updated_at=now)
        # first the sidecar: after a crash in between it describes no file, and the old one gets a new sidecar
        self._sidecars.save(name, sidecar)
        self._drafts.place(draft, path)
        return _info(name, sidecar)


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # an OSError's own text would name the path
        raise StorageUnavailable(reason=f"{name}: {error.strerror or type(error).__name__}") from error


@contextmanager
def _created(draft: Path, name: str) -> Iterator[BinaryIO]:
    with _translated(name):
        file = draft.open("xb")
    try:
        yield file
    finally:
        with _translated(name):
            file.close()


def _opened(path: Path) -> BinaryIO:
    return open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb", buffering=0)


def _regular(path: Path) -> os.stat_result | None:
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _names(directory: Path | str, above: str, prefix: str) -> Iterator[str]:
    """The names under `directory`, each beginning with `above`, that begin with `prefix`, in order."""
    try:
        with os.scandir(directory) as entries:
            # with its slash a folder sorts among the files as its objects do
            found = sorted((entry.name + "/" * entry.is_dir(follow_symlinks=False), entry) for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name, entry in found:
        full = above + name
        if name.endswith("/") and (full.startswith(prefix) or prefix.startswith(full)):
            yield from _names(entry.path, full, prefix)
        elif entry.is_file(follow_symlinks=False) and full.startswith(prefix) and is_object_name(full):
            yield full


def _info(name: str, sidecar: Sidecar) -> ObjectInfo:
    updated_at = datetime.fromtimestamp(sidecar.updated_at, UTC)
    return ObjectInfo(name=name, size=sidecar.size, crc32c=sidecar.crc32c, updated_at=updated_at)


def _crc32c(path: Path) -> str:
    with _opened(path) as file:
        return _crc32c_of(file)


def _crc32c_of(file: BinaryIO) -> str:
    checksum = Crc32c()
    while chunk := file.read(_READ_BYTES):
        checksum.update(chunk)
    return checksum.text()
