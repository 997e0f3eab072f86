"""A real HTTP server on this machine that answers as a test says, and remembers what it was asked."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A request as it came, from which port of the client; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    port: int


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer; `drop` closes without a byte, `length` is announced in place of the body's own, "" for none.

    The body may come in pieces, with `pause_s` before each. With a `length` the connection is closed after it.
    With `raw` the body is the whole answer, from its first line on, byte for byte.
    """

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | str | None = None
    pause_s: float = 0.0
    drop: bool = False
    raw: bool = False


Script = Callable[[Asked], Reply]


class ScriptedServer(ThreadingHTTPServer):
    """Serves `script`, which a test may replace at any time; `asked` are the requests so far."""

    daemon_threads = True

    def __init__(self, script: Script) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.asked: list[Asked] = []
        self.scheme = "http"

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Its address, without a final slash."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is part of many tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScriptedServer

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, body, self.client_address[1])
        self.server.asked.append(asked)
        reply = self.server.script(asked)
        self.close_connection = reply.drop or reply.raw or reply.length is not None
        if not reply.drop:
            with suppress(OSError):
                self._send(reply)

    def _send(self, reply: Reply) -> None:
        if not reply.raw:
            self._send_head(reply)
        for piece in [reply.body] if isinstance(reply.body, bytes) else reply.body:
            time.sleep(reply.pause_s)
            self.wfile.write(piece)

    def _send_head(self, reply: Reply) -> None:
        length = len(reply.body) if isinstance(reply.body, bytes) and reply.length is None else reply.length
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if length not in (None, ""):
            self.send_header("Content-Length", str(length))
        self.end_headers()

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def scripted_server(script: Script, *, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """Serve in a thread while the block runs."""
    server = ScriptedServer(script)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name="scripted-server")
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
