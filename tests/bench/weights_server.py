"""Serves safetensors files of any size over HTTPS, as fast as it can; `python -m tests.bench.weights_server FOLDER`.

Prints its port. The certificate that it is to be trusted by lies in the folder.
"""

from __future__ import annotations

import ipaddress
import json
import random
import ssl
import struct
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_VALUES = random.Random(1)
BLOCK = struct.pack("<4096e", *(_VALUES.gauss() for _ in range(4096))) * 128


def weights(size: int) -> Iterator[bytes]:
    """A safetensors file of exactly `size` bytes with one pair of LoRA tensors, in blocks of 1 MiB."""
    header = _header(size, 0)
    body = size - 8 - len(header)
    header = _header(size, body)
    yield len(header).to_bytes(8, "little") + header
    while body > 0:
        yield BLOCK[:body]
        body -= len(BLOCK)


def _header(size: int, body: int) -> bytes:
    half = body // 4 * 2
    tensors = {
        f"blocks.0.attn.to_q.lora_{side}.weight": {
            "dtype": "F16",
            "shape": [1, (end - begin) // 2] if side == "A" else [(end - begin) // 2, 1],
            "data_offsets": [begin, end],
        }
        for side, begin, end in (("A", 0, half), ("B", half, body))
    }
    text = json.dumps({"__metadata__": {"format": "pt"}, **tensors}).encode()
    padded = text + b" " * (1000 - len(text))
    return padded + (b" " if (size - 8 - len(padded)) % 2 else b"")


class Handler(BaseHTTPRequestHandler):
    """`/{size}/weights.safetensors` and `/config.json`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Serve one of them."""
        if self.path == "/config.json":
            self._send(11, iter([b'{"steps":1}']))
        else:
            size = int(self.path.split("/")[1])
            self._send(size, weights(size))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _send(self, size: int, blocks: Iterator[bytes]) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        for block in blocks:
            self.wfile.write(block)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    return public, private


def main() -> None:
    """Serve until the process is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(Path(sys.argv[1])))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)  # noqa: T201 - the answer to whoever started this
    threading.Thread(target=server.serve_forever).run()


if __name__ == "__main__":
    main()
