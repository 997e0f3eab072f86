"""Objects in a Cloud Storage bucket.

Bytes are read in ranges that are each taken in whole, and written as one resumable upload: no connection
stays open while the caller thinks, and memory is bounded by one range or one part. A picture takes one
request.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import google_crc32c
import requests
import urllib3
from google.api_core.exceptions import GoogleAPIError, NotFound, RequestRangeNotSatisfiable, RetryError
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY

from shared.adapters.google.signers import Signer
from shared.adapters.google.uploads import Source
from shared.adapters.object_names import checked_name, checked_prefix
from shared.errors import StorageUnavailable
from shared.ports import ObjectInfo
from shared.settings import MAX_SIGNED_S

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Client

RANGE_BYTES = 8 << 20
PART_BYTES = 8 << 20
LIST_FIELDS = "items(name,size,crc32c,updated),nextPageToken"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long one request may take, to connect and between two pieces of the answer, and how long it is
    tried again."""

    connect_s: float = 10.0
    read_s: float = 60.0
    retry_s: float = 60.0


class CloudStorageObjects:
    """One bucket; may be used by many threads at once. `StorageUnavailable` where Cloud Storage refuses or is
    silent."""

    def __init__(self, client: Client, bucket: str, signer: Signer, *, limits: Limits | None = None) -> None:
        """Nothing is sent before the first call."""
        self._client = client
        self._bucket = client.bucket(bucket)
        self._signer = signer
        limits = limits or Limits()
        self._timeout = (limits.connect_s, limits.read_s)
        self._retry = DEFAULT_RETRY.with_timeout(limits.retry_s)

    @property
    def uri(self) -> str:
        """`gs://` and the bucket's name, without a final slash."""
        return f"gs://{self._bucket.name}"

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Everything under `prefix`, by name, without reading it; a thousand per request."""
        found = self._client.list_blobs(
            self._bucket,
            prefix=checked_prefix(prefix) or None,
            fields=LIST_FIELDS,
            timeout=self._timeout,
            retry=self._retry,
        )
        with _translated():
            for blob in found:
                yield _info(blob)

    def stat(self, name: str) -> ObjectInfo | None:
        """The object; None where there is none."""
        with _translated():
            blob = self._bucket.get_blob(checked_name(name), timeout=self._timeout, retry=self._retry)
        return _info(blob) if blob else None

    def read(self, name: str, *, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        """Its bytes in order, at most `chunk_bytes` at a time; `StorageUnavailable` where it is not there
        (any more).

        All of one version of the object: who replaces it meanwhile makes the reading fail, never mixes it.
        """
        blob = self._blob(name)
        checksum = google_crc32c.Checksum()
        with _translated():
            data = self._range(blob, 0)
            expected = blob.crc32c
            size = len(data)
            if size == RANGE_BYTES:  # there may be more
                expected, size = self._checksum_and_size(blob)
        position = 0
        while data:
            checksum.update(data)
            position += len(data)
            yield from _pieces(data, chunk_bytes)
            with _translated():
                data = b"" if position >= size else self._range(blob, position)
        if position != size or (expected and expected != _base64(checksum)):
            raise StorageUnavailable(reason="the object was read with a wrong size or checksum")

    def write(self, name: str, chunks: Iterable[bytes], *, content_type: str) -> ObjectInfo:
        """Stream `chunks` into the object: whole and visible at the end, replacing what was there.

        When `chunks` raises, that error passes through and no object appears or changes. Cloud Storage is
        told the checksum with the last part, and what it then has is compared once more with what was sent.
        """
        blob = self._blob(name)
        blob.chunk_size = PART_BYTES
        source = Source(chunks)
        with _translated(source):
            blob.upload_from_file(
                source, content_type=content_type, checksum="crc32c", timeout=self._timeout, retry=self._retry
            )
        info = _info(blob)
        if (info.size, info.crc32c) != (source.size, _base64(source.checksum)):
            self.delete(name)
            raise StorageUnavailable(reason="the object arrived with a wrong size or checksum")
        return info

    def copy(self, source: str, target: str) -> ObjectInfo:
        """Copy within the bucket without moving the bytes through this process."""
        from_blob, to_blob = self._blob(source), self._blob(target)
        with _translated():
            token, finished = None, False
            while not finished:
                token, _, _ = to_blob.rewrite(from_blob, token, timeout=self._timeout, retry=self._retry)
                finished = token is None
        return _info(to_blob)

    def delete(self, name: str) -> None:
        """Delete it; no error where it is not there."""
        with _translated():
            try:
                self._blob(name).delete(timeout=self._timeout, retry=self._retry)
            except NotFound:
                return

    def sign(self, name: str, *, ttl_s: float, download_name: str | None = None) -> str:
        """A URL that anybody can GET for `ttl_s` seconds, at most 12 h; `download_name` makes browsers save
        it."""
        seconds = max(1, math.ceil(min(ttl_s, MAX_SIGNED_S)))
        with _translated():
            url: str = self._blob(name).generate_signed_url(
                version="v4",
                method="GET",
                expiration=timedelta(seconds=seconds),
                response_disposition=_attachment(download_name) if download_name else None,
                **self._signer.arguments(),
            )
        return url

    def _blob(self, name: str) -> Blob:
        return self._bucket.blob(checked_name(name))

    def _checksum_and_size(self, blob: Blob) -> tuple[str, int]:
        # of another Blob: the answer names a URL to read from, which the emulator does not quote
        known = self._bucket.get_blob(blob.name, generation=blob.generation, timeout=self._timeout, retry=self._retry)
        if known is None:
            raise StorageUnavailable(reason="the object was replaced or deleted while it was read")
        return known.crc32c, int(known.size)

    def _range(self, blob: Blob, start: int) -> bytes:
        """Up to `RANGE_BYTES` from `start`, as they are stored; empty past the end."""
        try:
            data: bytes = blob.download_as_bytes(
                start=start,
                end=start + RANGE_BYTES - 1,
                raw_download=True,
                checksum=None,
                timeout=self._timeout,
                retry=self._retry,
            )
        except RequestRangeNotSatisfiable:
            return b""
        return data


@contextmanager
def _translated(source: Source | None = None) -> Iterator[None]:
    """Errors of Cloud Storage as `StorageUnavailable`; those of `source` as they are."""
    try:
        yield
    except (
        GoogleAPIError,
        GoogleAuthError,
        DataCorruption,
        InvalidResponse,
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        ConnectionError,
        TimeoutError,
        ValueError,  # the SDK's word for a part of an upload that was stored in part
    ) as error:
        if source is not None and source.failure is not None:
            raise source.failure from None
        cause = error.cause if isinstance(error, RetryError) else None
        raise StorageUnavailable(reason=type(cause or error).__name__) from error


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    if len(data) <= size:
        yield data
        return
    view = memoryview(data)
    for start in range(0, len(data), size):
        yield bytes(view[start : start + size])


def _info(blob: Blob) -> ObjectInfo:
    return ObjectInfo(name=blob.name, size=int(blob.size), crc32c=blob.crc32c, updated_at=blob.updated)


def _base64(checksum: google_crc32c.Checksum) -> str:
    return base64.b64encode(checksum.digest()).decode()


def _attachment(name: str) -> str:
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
