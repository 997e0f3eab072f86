"""One function as production runs it, on gunicorn in a process of its own, and raw sockets to it."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.local.stack import ONE_HEAP, free_port

ROOT = Path(__file__).resolve().parents[1]
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Said:
    """An answer as it came; `status` is 0 where the connection was closed without one."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class FunctionProcess:
    """A function that listens on a loopback port."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def connect(self, timeout_s: float = 10.0) -> socket.socket:
        """A connection of its own."""
        return socket.create_connection(("127.0.0.1", self.port), timeout_s)

    def say(self, *pieces: bytes, half_close: bool = False) -> Said:
        """Send these bytes as they are, and read what is answered."""
        with self.connect() as connection:
            return exchange(connection, pieces, half_close=half_close)

    @property
    def printed(self) -> str:
        """What it has logged so far."""
        return self.log.read_text(errors="replace")

    @property
    def peak_bytes(self) -> int:
        """The most memory that its serving processes ever had, as the kernel counted."""
        family = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        if not family.exists():
            pytest.skip("what a process takes is read from /proc, which Linux has: run this test there")
        children = family.read_text().split()
        statuses = [Path(f"/proc/{child}/status").read_text() for child in children]
        peaks = (line for status in statuses for line in status.splitlines() if line.startswith("VmHWM:"))
        return sum(int(line.split()[1]) << 10 for line in peaks)


def exchange(connection: socket.socket, pieces: Sequence[bytes], *, half_close: bool = False) -> Said:
    """Send the pieces, as far as they are taken, and read one answer."""
    with suppress(OSError):
        for piece in pieces:
            connection.sendall(piece)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
    return answer_on(connection, pieces[0].partition(b" ")[0].decode("latin-1"))


def answer_on(connection: socket.socket, method: str = "POST") -> Said:
    """The next answer on this connection, to a request of this method."""
    with closing(http.client.HTTPResponse(connection, method=method)) as response:
        try:
            response.begin()
            body = response.read()
        except (http.client.HTTPException, ConnectionError):
            return Said(status=0)
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Said(status=response.status, headers=headers, body=body)


@contextmanager
def function_process(
    name: str, folder: Path, *, source: str | None = None, **environment: str
) -> Iterator[FunctionProcess]:
    """Run the function on the embedded backend in `folder` until the block ends; `source` where it is not ours."""
    port, log = free_port(), folder / f"{name}.log"
    given = {
        **ONE_HEAP,
        **os.environ,
        "BACKEND": "embedded",
        "DATA_DIR": str(folder),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    given |= {"FUNCTION_TARGET": name, "FUNCTION_SOURCE": str(ROOT / (source or f"functions/{name}/main.py"))}
    given |= {"HOST": "127.0.0.1", "PORT": str(port)}
    command = [sys.executable, "-m", "shared.serving"]
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, env={**given, **environment}, stdout=output, stderr=output)
    try:
        _wait_until_it_listens(process, port, log)
        yield FunctionProcess(port=port, process=process, log=log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < end, log.read_text(errors="replace")
            time.sleep(0.02)
