"""A bucket in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from shared.adapters.crc32c import Crc32c
from shared.adapters.embedded.signing import UrlSigner
from shared.adapters.memory.clock import FixedClock
from shared.adapters.memory.faults import Faults
from shared.adapters.object_names import checked_bucket, checked_name, checked_prefix
from shared.errors import StorageUnavailable
from shared.ports import Clock, ObjectInfo

SIGNER = UrlSigner("https://objects.invalid", b"memory")


class MemoryObjects:
    """The bucket `bucket`; fulfils `Objects`. `content_types` has those of its objects by name.

    The signed URLs lead nowhere; whoever plays the other side verifies them with `signer`.
    """

    def __init__(
        self,
        bucket: str,
        *,
        clock: Clock | None = None,
        signer: UrlSigner = SIGNER,
        faults: Faults | None = None,
    ) -> None:
        """Start empty."""
        self.faults = faults or Faults()
        self.content_types: dict[str, str] = {}
        self._bucket = checked_bucket(bucket)
        self._clock = clock or FixedClock()
        self._signer = signer
        self._objects: dict[str, tuple[ObjectInfo, bytes]] = {}
        self._lock = threading.Lock()

    @property
    def uri(self) -> str:
        """`gs://` and the bucket's name."""
        return f"gs://{self._bucket}"

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Everything under `prefix`, by name, as it is at the first."""
        with self.faults.around("list"):
            prefix = checked_prefix(prefix)
            with self._lock:
                found = [info for name, (info, _) in sorted(self._objects.items()) if name.startswith(prefix)]
            yield from found

    def stat(self, name: str) -> ObjectInfo | None:
        """The object; None where there is none."""
        with self.faults.around("stat"):
            found = self._objects.get(checked_name(name))
            return found[0] if found else None

    def read(self, name: str, *, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        """Its bytes in order, as they were at the first read; `StorageUnavailable` where it is not there."""
        with self.faults.around("read"):
            _, content = self._found(name)
            for start in range(0, len(content), chunk_bytes):
                yield content[start : start + chunk_bytes]

    def write(self, name: str, chunks: Iterable[bytes], *, content_type: str) -> ObjectInfo:
        """Keep all of `chunks`, whole at the end, replacing what was there."""
        with self.faults.around("write"):
            checked_name(name)
            return self._put(name, b"".join(chunks), content_type)

    def copy(self, source: str, target: str) -> ObjectInfo:
        """Copy within the bucket; `StorageUnavailable` where `source` is not there."""
        with self.faults.around("copy"):
            _, content = self._found(source)
            return self._put(checked_name(target), content, self.content_types[source])

    def delete(self, name: str) -> None:
        """Delete it; no error where it is not there."""
        with self.faults.around("delete"), self._lock:
            self._objects.pop(checked_name(name), None)

    def sign(self, name: str, *, ttl_s: float, download_name: str | None = None) -> str:
        """A URL that `signer` verifies for `ttl_s` seconds, at most 12 h."""
        with self.faults.around("sign"):
            now, name = self._clock.now(), checked_name(name)
            return self._signer.sign(self._bucket, name, now=now, ttl_s=ttl_s, download_name=download_name)

    def _found(self, name: str) -> tuple[ObjectInfo, bytes]:
        if (found := self._objects.get(checked_name(name))) is None:
            raise StorageUnavailable(reason=f"{name}: there is no such object")
        return found

    def _put(self, name: str, content: bytes, content_type: str) -> ObjectInfo:
        checksum = Crc32c()
        checksum.update(content)
        now = self._clock.now()
        info = ObjectInfo(name=name, size=len(content), crc32c=checksum.text(), updated_at=now)
        with self._lock:
            self._objects[name] = (info, content)
            self.content_types[name] = content_type
        return info
