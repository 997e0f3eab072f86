"""Asking an address, as the doctor does: once, and whatever answers is told by its origin."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from functions.api.checks import NotWellError
from shared.settings import is_loopback

ANSWER_S = 5.0
MAX_ANSWER_BYTES = 64 << 10


@dataclass(frozen=True)
class Answer:
    """What somebody answered, at most `MAX_ANSWER_BYTES` of it."""

    status: int
    body: bytes

    def member(self, name: str) -> Any:
        """That member of the JSON object, None where there is none."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return document.get(name) if isinstance(document, dict) else None


def ask(method: str, url: str) -> Answer:
    """Ask once, follow no redirect; `NotWellError` where no answer comes in time."""
    import httpx  # on first use: it would make every cold start of the API slower

    # a proxy of the surroundings is never the way to this machine itself
    proxied = not is_loopback(url)
    try:
        with (
            httpx.Client(timeout=ANSWER_S, follow_redirects=False, trust_env=proxied) as client,
            client.stream(method, url) as response,
        ):
            body = bytearray()
            for piece in response.iter_bytes():
                body += piece
                if len(body) >= MAX_ANSWER_BYTES:
                    break
            return Answer(response.status_code, bytes(body[:MAX_ANSWER_BYTES]))
    except httpx.HTTPError as error:
        raise NotWellError(f"{origin(url)} does not answer ({type(error).__name__}).") from error


def origin(url: str) -> str:
    """Where a URL leads, without its path and its signature."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
