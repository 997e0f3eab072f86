"""Signed URLs of the embedded backend: whoever has one may GET one object until it expires."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlencode

from shared.errors import NotAllowed, StorageUnavailable
from shared.settings import MAX_SIGNED_S

OBJECTS_PATH = "/_objects"


@dataclass(frozen=True)
class UrlSigner:
    """Signs and verifies the URLs of objects under `base_url`, with HMAC-SHA256 and `secret`."""

    base_url: str
    secret: bytes = field(repr=False)

    def sign(self, bucket: str, name: str, *, now: datetime, ttl_s: float, download_name: str | None = None) -> str:
        """The object's URL, good until `ttl_s` seconds from `now`, at most 12 h.

        Its path ends as the object's name does. `download_name` makes browsers save it under that name.
        """
        expires = str(int(now.timestamp() + min(ttl_s, MAX_SIGNED_S)))
        query = {"expires": expires, "signature": self._signature(bucket, name, expires, download_name or "")}
        if download_name:
            query["download"] = download_name
        return f"{self.base_url.rstrip('/')}{OBJECTS_PATH}/{quote(bucket)}/{quote(name)}?{urlencode(query)}"

    def verify(self, bucket: str, name: str, query: Mapping[str, str], *, now: datetime) -> str | None:
        """The download name that was signed in, if any.

        `NotAllowed` where the URL is not one that `sign` gave for this object, or has expired.
        """
        expires, download = query.get("expires", ""), query.get("download", "")
        expected = self._signature(bucket, name, expires, download)
        if not hmac.compare_digest(expected.encode(), query.get("signature", "").encode(errors="replace")):
            raise NotAllowed(reason="the link is not one that was given out")
        if now.timestamp() >= int(expires):
            raise NotAllowed(reason="the link has expired")
        return download or None

    def _signature(self, bucket: str, name: str, expires: str, download: str) -> str:
        # only the last part may have line ends in it, so the parts cannot be shifted
        signed = "\n".join(("objects", bucket, name, expires, download))
        return hmac.new(self.secret, signed.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


def load_or_create_secret(path: Path) -> bytes:
    """The secret in the file `path`, made at the first call, readable for its owner only.

    Processes that start at once get the same one. `StorageUnavailable` where the file cannot be made or read.
    """
    try:
        if not path.exists():
            _create_secret(path)
        return path.read_bytes()
    except OSError as error:
        raise StorageUnavailable(reason=f"the signing secret: {error.strerror}") from error


def _create_secret(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        # a link appears whole or not at all, and never over another process's secret
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
