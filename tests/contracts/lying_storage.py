"""A stand-in for Cloud Storage that answers wrongly on purpose."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.cloud.storage import Client

from shared.adapters.google.clients import storage_client
from shared.settings import StoreSettings

UPDATED = "2026-01-02T03:04:05.678Z"


@dataclass(frozen=True)
class Lie:
    """What is said to have been `stored`; what a GET returns, with which headers and announced length."""

    stored: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    status: int = 206
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None


class LyingStorage(ThreadingHTTPServer):
    """Tells `lie`; `requests` are the methods and paths so far."""

    daemon_threads = True

    def __init__(self, lie: Lie) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lie = lie
        self.requests: list[tuple[str, str]] = []

    @property
    def client(self) -> Client:
        """A client that talks to it."""
        host = f"127.0.0.1:{self.server_port}"
        return storage_client(
            StoreSettings.model_validate({"storage_emulator_host": host, "GOOGLE_CLOUD_PROJECT": "p"})
        )

    def count(self, method: str) -> int:
        """How many requests of that method came."""
        return sum(1 for asked, _ in self.requests if asked == method)


class _Handler(BaseHTTPRequestHandler):
    server: LyingStorage

    def do_POST(self) -> None:
        status = self.server.lie.status if "/rewriteTo/" in self.path else 200
        session = f"http://127.0.0.1:{self.server.server_port}/upload?upload_id=1"
        self._answer(status, b"{}", {"Location": session})

    def do_PUT(self) -> None:
        self._answer(200, json.dumps({"name": "a", "updated": UPDATED, **self.server.lie.stored}).encode())

    def do_GET(self) -> None:
        lie = self.server.lie
        self._answer(lie.status, lie.body, lie.headers, length=lie.length)

    def do_DELETE(self) -> None:
        self._answer(204, b"")

    def _answer(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None, length: int | None = None
    ) -> None:
        self.server.requests.append((self.command, self.path))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(status)
        for name, value in {"Content-Length": str(length or len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def lying_storage(lie: Lie) -> Iterator[LyingStorage]:
    """Serve in a thread while the block runs."""
    with LyingStorage(lie) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()
