"""The webhook: signed callbacks until the report is durably queued, against the same framework answering "ok"."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

from infra.local.fal_simulator.signing import SigningKeys, signed_headers
from tests.bench.figures import Figure, at_least, at_most, percentile, settle
from tests.bench.load import Load, load, post
from tests.function_process import FunctionProcess, function_process

CALLBACKS = 2000
AT_ONCE = 50
RUNS = 3


@contextmanager
def jwks_server(keys: SigningKeys) -> Iterator[str]:
    """Publishes the keys until the block ends; its URL."""
    body = json.dumps(keys.jwks()).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/jwks.json"
    finally:
        server.shutdown()


def callbacks(keys: SigningKeys) -> Callable[[int], bytes]:
    """Different signed callbacks, of the size that fal.ai's have."""

    def callback(number: int) -> bytes:
        payload = {"diffusers_lora_file": {"url": "https://v3.fal.media/files/x/y.safetensors", "file_size": 89745224}}
        body = json.dumps({"request_id": f"r{number}", "status": "OK", "payload": payload}).encode()
        headers = signed_headers(
            keys.current, request_id=f"r{number}", user_id="user", timestamp=int(time.time()), body=body
        )
        return post(f"/webhooks/fal/t_{number}/nonce{number}", headers, body)

    return callback


@dataclass(frozen=True, kw_only=True)
class Rival:
    """What the webhook is compared with: a function's file, the settings of both, and how the two are called."""

    source: str = "tests/bench/ok.py"
    environment: Mapping[str, str] = field(default_factory=dict)
    name: str = "webhook"
    peer: str = 'answering "ok"'
    note: str = "verified, and committed to disk before the answer"
    callbacks: int = CALLBACKS


def webhook(rival: Rival | None = None) -> Iterator[Figure]:
    """Latency at fifty at once, and throughput; both functions run side by side and are asked in turns."""
    rival = rival or Rival()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        ours, plain = _measured(Path(folder), rival)
    p50, p99 = (_over([list(run.taken) for run in ours], share) * 1e3 for share in (0.5, 0.99))
    plain_p50, plain_p99 = (_over([list(run.taken) for run in plain], share) * 1e3 for share in (0.5, 0.99))
    note = f"p50 {p50:.1f} ms, the peer's {plain_p50:.1f} ms; {AT_ONCE} at once"
    name = rival.name
    yield at_most(f"{name}_latency", p99, "ms", peer=rival.peer, peer_value=plain_p99, times=2, note=note)
    rate, plain_rate = (median(run.per_second for run in runs) for runs in (ours, plain))
    throughput = f"{name}_throughput"
    yield at_least(throughput, rate, "1/s", peer=rival.peer, peer_value=plain_rate, times=0.6, note=rival.note)


def _measured(folder: Path, rival: Rival) -> tuple[list[Load], list[Load]]:
    keys = SigningKeys(folder)
    with (
        jwks_server(keys) as jwks,
        function_process("webhook", folder, FAL_JWKS_URL=jwks, **rival.environment) as ours,
        function_process("ok", folder, source=rival.source, **rival.environment) as plain,
    ):
        for process in (ours, plain):
            load(process.port, callbacks(keys), count=200, at_once=AT_ONCE)
        turns = [(_asked(ours, keys, rival), _asked(plain, keys, rival)) for _ in range(RUNS)]
    return [one for one, _ in turns], [other for _, other in turns]


def _asked(process: FunctionProcess, keys: SigningKeys, rival: Rival) -> Load:
    settle()
    return load(process.port, callbacks(keys), count=rival.callbacks, at_once=AT_ONCE)


def _over(runs: list[list[float]], share: float) -> float:
    return median(percentile(taken, share) for taken in runs)
