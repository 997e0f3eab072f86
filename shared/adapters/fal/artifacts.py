"""fal.ai's files as one unbroken stream each (fal.md §5, design §9 and §10)."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

import httpx

from shared.adapters.fal.media_client import MediaClient, Patience, pieces
from shared.adapters.fal.media_hosts import MediaHost, Resolve, admitted, label, system_resolve
from shared.errors import ArtifactCorrupt, ArtifactUnavailable
from shared.ports import Artifact
from shared.settings import FalSettings

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,19})-[0-9]{1,19}/([0-9]{1,19}|\*)")
# a strong one that can be sent back as a condition
_ETAG = re.compile(r'"[!-~]*"')


class HttpArtifactSource:
    """Fulfils `ArtifactSource`. Safe to share between threads; connects on first use."""

    def __init__(
        self,
        settings: FalSettings,
        patience: Patience | None = None,
        *,
        resolve: Resolve = system_resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """ValueError where FAL_MEDIA_HOSTS has an entry that is no host."""
        self._hosts = tuple(MediaHost.parse(entry) for entry in settings.fal_media_hosts)
        self._patience = patience or Patience()
        self._client = MediaClient(self._hosts, self._patience, resolve=resolve, tls=tls)

    @contextmanager
    def open(self, artifact: Artifact, *, max_bytes: int) -> Iterator[Iterator[bytes]]:
        """The file's bytes; nothing is fetched before the first of them is asked for.

        When the connection breaks the rest is asked for, a few times, so that the reader sees one stream.
        Errors name the host and the reason, never the URL, which is all it takes to fetch the file.
        """
        url, _ = admitted(artifact.url, self._hosts)
        download = _Download(self._client, artifact, label(url), max_bytes, self._patience)
        with closing(download.chunks()) as chunks:
            yield chunks

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class _Interrupted(Exception):
    """The host could not serve now; asking again may help."""


class _Download:
    """One file on its way: how much of it came, and what has to be the same when it is continued."""

    def __init__(self, client: MediaClient, artifact: Artifact, host: str, max_bytes: int, patience: Patience) -> None:
        self._client = client
        self._url = artifact.url
        self._host = host
        self._max_bytes = max_bytes
        self._patience = patience
        self._deadline = time.monotonic() + patience.total_s
        self._whole = artifact.size
        self._came = 0
        self._etag: str | None = None

    def chunks(self) -> Generator[bytes, None, None]:
        """The bytes, as they come."""
        self._limit(self._whole)
        for pause_s in (*self._patience.pauses_s, None):
            try:
                yield from self._attempt()
                break
            except (httpx.TransportError, _Interrupted) as error:
                if self._came == self._whole:
                    break
                if pause_s is None or time.monotonic() + pause_s > self._deadline:
                    raise self._unavailable(str(error) or type(error).__name__) from error
            time.sleep(pause_s)

    def _attempt(self) -> Iterator[bytes]:
        with self._client.get(self._url, self._headers(), deadline=self._deadline) as response:
            self._accept(response)
            for chunk in pieces(response, deadline=self._deadline):
                self._count(chunk)
                yield chunk
        if self._whole is not None and self._came < self._whole:
            raise ArtifactCorrupt(reason=f"{self._whole:,} bytes were announced and {self._came:,} came")

    def _headers(self) -> dict[str, str]:
        if not self._came:
            return {}
        if_range = {"If-Range": self._etag} if self._etag else {}
        return {"Range": f"bytes={self._came}-", **if_range}

    def _accept(self, response: httpx.Response) -> None:
        """Whether the body that follows is what is wanted next."""
        status, headers = response.status_code, response.headers
        if status >= 500 or status in (408, 429):
            raise _Interrupted(f"HTTP {status}")
        if self._came and status == 200:
            raise self._unavailable("the download broke and the host does not continue it")
        if status != (206 if self._came else 200):
            raise self._unavailable(f"HTTP {status}")
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise self._unavailable("it sends the file encoded")
        if self._came:
            self._accept_rest(headers)
        else:
            self._accept_whole(headers)

    def _accept_whole(self, headers: httpx.Headers) -> None:
        length = int(headers["content-length"]) if "content-length" in headers else None
        if length is not None and self._whole is not None and length != self._whole:
            raise ArtifactCorrupt(reason=f"{self._whole:,} bytes were announced and {length:,} are sent")
        self._limit(length)
        self._whole = length if self._whole is None else self._whole
        etag = headers.get("etag")
        self._etag = etag if etag and _ETAG.fullmatch(etag) else None

    def _accept_rest(self, headers: httpx.Headers) -> None:
        found = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
        if found is None or int(found[1]) != self._came:
            raise self._unavailable("the download broke and the host continues it elsewhere")
        if self._whole is not None and found[2] not in ("*", str(self._whole)):
            raise self._unavailable("the file changed during the download")
        if self._etag and headers.get("etag", self._etag) != self._etag:
            raise self._unavailable("the file changed during the download")

    def _count(self, chunk: bytes) -> None:
        self._came += len(chunk)
        self._limit(self._came)
        if self._whole is not None and self._came > self._whole:
            raise ArtifactCorrupt(reason=f"{self._whole:,} bytes were announced and more came")

    def _limit(self, size: int | None) -> None:
        if size is not None and size > self._max_bytes:
            raise ArtifactCorrupt(reason=f"the file has more than the {self._max_bytes:,} bytes that are allowed")

    def _unavailable(self, reason: str) -> ArtifactUnavailable:
        return ArtifactUnavailable(reason=f"{self._host}: {reason}")
