"""What a directory does not keep about an object: its checksum, content type and time, in a file of its own.

A sidecar names the very file (inode, size, modification time) that it describes. One that describes another
file, for example because a crash came in between, is not believed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """About one object: `crc32c` base64, `updated_at` in Unix seconds, and which file it is about."""

    crc32c: str
    content_type: str
    updated_at: float
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def about(cls, found: os.stat_result, *, crc32c: str, content_type: str, updated_at: float) -> Sidecar:
        """The sidecar of the file that `found` is the status of."""
        return cls(
            crc32c=crc32c,
            content_type=content_type,
            updated_at=updated_at,
            inode=found.st_ino,
            size=found.st_size,
            modified_ns=found.st_mtime_ns,
        )

    def describes(self, found: os.stat_result) -> bool:
        """Whether this is about the file that `found` is the status of."""
        return (self.inode, self.size, self.modified_ns) == (found.st_ino, found.st_size, found.st_mtime_ns)


@dataclass(frozen=True)
class Sidecars:
    """The sidecars of one bucket under `root`; `replace` puts a file in place, whole. Raises `OSError`."""

    root: Path
    replace: Callable[[bytes, Path], None]

    def load(self, name: str) -> Sidecar | None:
        """The sidecar of that name; None where there is none or it cannot be understood."""
        try:
            return Sidecar(**json.loads(self._path(name).read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def save(self, name: str, sidecar: Sidecar) -> None:
        """Keep `sidecar` under that name."""
        self.replace(json.dumps(asdict(sidecar)).encode(), self._path(name))

    def delete(self, name: str) -> None:
        """Forget that name's."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        # by hash: any name fits, and "a" beside "a.json/b" is no conflict
        digest = hashlib.sha256(name.encode()).hexdigest()
        return self.root / digest[:2] / f"{digest[2:]}.json"
