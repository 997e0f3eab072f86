"""A dataset's ZIP, a server that serves it and receives webhooks, and a customer who knows only fal.md."""

import base64
import hashlib
import io
import json
import threading
import time
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import httpx
import safetensors
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from PIL import Image

from infra.local.fal_simulator import RunningSimulator

FAST = "fal-ai/flux-lora-fast-training"


def a_picture(shade: int = 0, kind: str = "PNG") -> bytes:
    """A small picture that really decodes."""
    file = io.BytesIO()
    Image.new("RGB", (8, 6), (shade % 256, 0, 0)).save(file, kind)
    return file.getvalue()


def a_dataset(pictures: int = 4) -> dict[str, bytes]:
    """Pictures with captions, by file name."""
    files: dict[str, bytes] = {}
    for number in range(pictures):
        files |= {f"{number}.png": a_picture(number), f"{number}.txt": b"ohwx, a coat"}
    return files


def a_zip(files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """The files as a ZIP."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def tensors_in(content: bytes) -> dict[str, dict[str, Any]]:
    """A safetensors file as the reference implementation reads it; raises safetensors.SafetensorError."""
    return dict(safetensors.deserialize(content))


@dataclass(frozen=True)
class Letter:
    """A webhook that arrived."""

    body: bytes
    headers: dict[str, str]
    arrived_at: float

    @property
    def message(self) -> dict[str, Any]:
        """The decoded body."""
        return cast(dict[str, Any], json.loads(self.body))


@dataclass
class Mailbox:
    """One webhook URL: how it answers (the last answer stays) and what has arrived."""

    url: str
    answers: list[int] = field(default_factory=lambda: [200])
    answer_after_s: float = 0.0
    letters: list[Letter] = field(default_factory=list)

    def wait_for(self, count: int = 1, timeout_s: float = 10.0) -> list[Letter]:
        """Wait until so many have arrived."""
        deadline = time.monotonic() + timeout_s
        while len(self.letters) < count:
            assert time.monotonic() < deadline, f"{len(self.letters)} webhooks arrived, not {count}"
            time.sleep(0.01)
        return self.letters


class Receiver:
    """Our side of fal.ai: serves ZIPs under /zips/ and takes webhooks under /hooks/."""

    def __init__(self, url: str) -> None:
        """`url` is where it listens."""
        self.url = url
        self.zips: dict[str, bytes] = {}
        self.boxes: dict[str, Mailbox] = {}

    def mailbox(self, *answers: int, answer_after_s: float = 0.0) -> Mailbox:
        """A new webhook URL."""
        path = f"/hooks/{uuid.uuid4()}"
        self.boxes[path] = Mailbox(self.url + path, list(answers) or [200], answer_after_s)
        return self.boxes[path]

    def serve(self, archive: bytes) -> str:
        """Serve an archive; returns its URL."""
        path = f"/zips/{uuid.uuid4()}.zip"
        self.zips[path] = archive
        return self.url + path


def _handler(receivers: list[Receiver]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            archive = receivers[0].zips.get(self.path.partition("?")[0])
            self.send_response(404 if archive is None else 200)
            self.send_header("Content-Length", str(len(archive or b"")))
            self.end_headers()
            self.wfile.write(archive or b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            box = receivers[0].boxes[self.path.partition("?")[0]]
            box.letters.append(Letter(body, dict(self.headers.items()), time.time()))
            answer = box.answers[min(len(box.letters), len(box.answers)) - 1]
            time.sleep(box.answer_after_s if len(box.letters) == 1 else 0)
            self.send_response(answer)
            self.send_header("Location", receivers[0].url + "/hooks/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def a_receiver() -> Iterator[Receiver]:
    """A receiver on a free port of this machine."""
    receivers: list[Receiver] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receivers))
    server.daemon_threads = True
    receivers.append(Receiver(f"http://127.0.0.1:{server.server_port}"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receivers[0]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Customer:
    """Calls the simulator as fal.md §1 has it, with plain httpx."""

    simulator: RunningSimulator
    receiver: Receiver
    client: httpx.Client
    key: str = "our-key"

    def http(self, method: str, url: str, **options: Any) -> httpx.Response:
        """One call with the key."""
        authorization = {"Authorization": f"Key {self.key}"} if self.key else {}
        headers = {**authorization, **options.pop("headers", {})}
        return self.client.request(method, url, headers=headers, **options)

    def post(
        self, given: Mapping[str, Any], *, webhook: str | None = None, endpoint: str = FAST, **options: Any
    ) -> httpx.Response:
        """Submit an input as it is."""
        params = {} if webhook is None else {"fal_webhook": webhook}
        url = f"{self.simulator.queue_url}/{endpoint}"
        return self.http("POST", url, params=params, json=dict(given), **options)

    def an_input(self, archive: bytes | None = None, **more: Any) -> dict[str, Any]:
        """A good input for the default trainer."""
        url = self.receiver.serve(a_zip(a_dataset()) if archive is None else archive)
        return {"images_data_url": url, "trigger_word": "ohwx", **more}

    def submit(self, archive: bytes | None = None, webhook: Mailbox | None = None, **faults: Any) -> dict[str, Any]:
        """Submit a good input, with these faults; returns the answer."""
        if faults:
            self.simulator.control.plan(**faults)
        answer = self.post(self.an_input(archive), webhook=webhook.url if webhook else None)
        assert answer.status_code == 200, answer.text
        return cast(dict[str, Any], answer.json())

    def finish(self, answer: Mapping[str, Any]) -> httpx.Response:
        """Wait for the end of a run and fetch its result."""
        self.simulator.control.wait_for(answer["request_id"])
        return self.http("GET", answer["response_url"])

    def output(self, **faults: Any) -> dict[str, Any]:
        """The output of a run with these faults."""
        return cast(dict[str, Any], self.finish(self.submit(**faults)).json())


def is_genuine(letter: Letter, jwks: Mapping[str, Any], *, now: float | None = None) -> bool:
    """Verification in fal.md §2's words, written independently of the simulator."""
    heads = {name.lower(): value for name, value in letter.headers.items()}
    wanted = [f"x-fal-webhook-{part}" for part in ("request-id", "user-id", "timestamp", "signature")]
    if not all(name in heads for name in wanted):
        return False
    request_id, user_id, timestamp, signature = (heads[name] for name in wanted)
    if abs((now or time.time()) - int(timestamp)) > 300:
        return False
    digest = hashlib.sha256(letter.body).hexdigest()
    message = f"{request_id}\n{user_id}\n{timestamp}\n{digest}".encode()
    for key in jwks["keys"]:
        public = base64.urlsafe_b64decode(key["x"] + "=" * (-len(key["x"]) % 4))
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(bytes.fromhex(signature), message)
        except InvalidSignature:
            continue
        return True
    return False
