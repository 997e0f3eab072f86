"""Many requests at once, from one process that does little more than count: raw HTTP/1.1 on kept connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Load:
    """How long each request took, in seconds, and how many came through in a second."""

    taken: Sequence[float]
    per_second: float


def load(port: int, requests: Callable[[int], bytes], *, count: int, at_once: int) -> Load:
    """Send `count` requests on `at_once` connections; `requests` makes them beforehand. An answer but 200 raises."""
    return asyncio.run(_load(port, [requests(number) for number in range(count)], at_once))


async def _load(port: int, requests: list[bytes], at_once: int) -> Load:
    taken: list[float] = []
    waiting = iter(requests)
    began = time.perf_counter()
    await asyncio.gather(*(_connection(port, waiting, taken) for _ in range(at_once)))
    return Load(taken=taken, per_second=len(requests) / (time.perf_counter() - began))


async def _connection(port: int, waiting: object, taken: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in waiting:  # type: ignore[attr-defined]
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        status, _, rest = head.partition(b"\r\n")
        if b" 200 " not in status:
            raise RuntimeError(f"it answered {status!r}")
        length = next(line for line in rest.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        taken.append(time.perf_counter() - began)
    writer.close()
    await writer.wait_closed()


def post(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """A POST as bytes."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def get(path: str) -> bytes:
    """A GET as bytes."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
