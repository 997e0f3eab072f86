"""Makes callbacks.json: callbacks that fal.ai could have signed, and what only looks like one (fal.md §2).

python -m tests.fal_vectors.make_callbacks

Signed by OpenSSL (cryptography), which shares nothing with the libsodium that the product verifies with. The keys are
fixed, so that the file is the same each time it is made.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fal_vectors.signatures import NAMES, callback_headers, jwk

FILE = Path(__file__).with_name("callbacks.json")
NOW = 1_795_348_800
OURS, OLD, STRANGER = (
    Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name).digest()) for name in (b"ours", b"old", b"stranger")
)
REQUEST_ID, USER_ID, TIMESTAMP, SIGNATURE = NAMES
BODY = b'{"request_id": "r-1", "gateway_request_id": "g-1", "status": "OK", "payload": {"n": 1.0}}'
BODIES = {
    "an output": BODY,
    "an error": b'{"request_id": "r-1", "status": "ERROR", "error": "Invalid status code: 422"}',
    "a payload error": b'{"request_id": "r-1", "status": "OK", "payload": null, "payload_error": "\xe2\x80\xa6"}',
    "nothing": b"",
    "bytes that are no text": bytes(range(256)) * 40,
}
IDS = {
    "a UUID": "1b2c3d4e-5f60-4718-8293-a4b5c6d7e8f9",
    "with spaces inside": "r 1  2",
    "of every printable character but the comma": "".join(map(chr, range(33, 127))).replace(",", ""),
    "of 512 characters": "r" * 512,
}
# the order of the group: a signature's second half is to be smaller
ORDER = 2**252 + 27742317777372353535851937790883648493
SMALL_POINT = bytes([1]) + bytes(31)


@dataclass(frozen=True, kw_only=True)
class Vector:
    """One callback as it arrives at NOW, and what it proves: a request id, or nothing, for a reason.

    `user_id` is whose callbacks alone count, where one is pinned.
    """

    name: str
    body: bytes = BODY
    headers: dict[str, str]
    keys: list[dict[str, str]] = field(default_factory=lambda: [jwk(OURS)])
    user_id: str = ""
    request_id: str | None = None
    reason: str | None = None


def good(name: str, **changes: object) -> Vector:
    """A callback that is what it seems."""
    vector = Vector(name=name, headers=callback_headers(OURS, BODY, timestamp=NOW), request_id="r-1")
    return replace(vector, **changes)  # type: ignore[arg-type]


def forged(name: str, changes: dict[str, str] | None = None, *, reason: str = "fits none", **more: object) -> Vector:
    """A callback that is none, by other headers or something else."""
    vector = good(name, request_id=None, reason=reason, **more)
    return replace(vector, headers=vector.headers | (changes or {}))


def genuine() -> Iterator[Vector]:
    """What has to be taken."""
    for name, body in BODIES.items():
        yield good(f"the body is {name}", body=body, headers=callback_headers(OURS, body, timestamp=NOW))
    for name, text in IDS.items():
        headers = callback_headers(OURS, BODY, timestamp=NOW, request_id=text, user_id=text)
        yield good(f"the ids are {name}", headers=headers, request_id=text)
    for age_s in (300, -300):
        yield good(f"signed {age_s} s ago", headers=callback_headers(OURS, BODY, timestamp=NOW - age_s))
    yield good("a timestamp with a zero before it", headers=callback_headers(OURS, BODY, timestamp=f"0{NOW}"))
    headers = callback_headers(OURS, BODY, timestamp=NOW)
    yield good("capital hexadecimal digits", headers=headers | {SIGNATURE: headers[SIGNATURE].upper()})
    yield good("small letters in the names", headers={name.lower(): value for name, value in headers.items()})
    yield good("the second of two keys", keys=[jwk(OLD), jwk(OURS)])
    yield good("a key with its padding", keys=[jwk(OURS) | {"x": jwk(OURS)["x"] + "="}])
    yield good("the user who is pinned", user_id="u-1")


def changed() -> Iterator[Vector]:
    """What somebody changed on its way."""
    for place in (0, len(BODY) // 2, len(BODY) - 1):
        tampered = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]
        yield forged(f"bit 0 of byte {place} of the body", body=tampered)
    yield forged("a line break behind the body", body=BODY + b"\n")
    yield forged("the body is gone", body=b"")
    yield forged("another request id", {REQUEST_ID: "r-2"})
    yield forged("another user id", {USER_ID: "u-2"})
    yield forged("a fresher timestamp", {TIMESTAMP: str(NOW + 1)})
    signature = good("").headers[SIGNATURE]
    for place in (0, 63, 64, 127):
        other = f"{int(signature[place], 16) ^ 1:x}"
        yield forged(f"digit {place} of the signature", {SIGNATURE: signature[:place] + other + signature[place + 1 :]})
    yield forged(
        "ids in each other's place",
        callback_headers(OURS, BODY, timestamp=NOW, request_id="u-1", user_id="r-1")
        | {REQUEST_ID: "r-1", USER_ID: "u-1"},
    )
    yield forged("the headers of another callback of fal.ai's", callback_headers(OURS, b"{}", timestamp=NOW))


def of_others() -> Iterator[Vector]:
    """What somebody else signed, or fal.ai for somebody else, or at another time."""
    yield forged("another key", callback_headers(STRANGER, BODY, timestamp=NOW))
    yield forged("a key that was withdrawn", callback_headers(OLD, BODY, timestamp=NOW))
    for age_s in (301, -301):
        headers = callback_headers(OURS, BODY, timestamp=NOW - age_s)
        yield forged(f"signed {age_s} s ago", headers, reason="too old or too new")
    headers = callback_headers(OURS, BODY, timestamp=NOW, user_id="u-2")
    yield forged("fal.ai signed it for another user", headers, user_id="u-1", reason="another fal.ai user")
    yield forged(
        "capital letters in the pinned user", headers | {USER_ID: "U-1"}, user_id="u-1", reason="another fal.ai user"
    )


def misread() -> Iterator[Vector]:
    """What is signed over another reading of the documents."""
    digest = hashlib.sha256(BODY).hexdigest()
    start = f"r-1\nu-1\n{NOW}\n"
    readings = {
        "a line break at the end": f"{start}{digest}\n".encode(),
        "line breaks of Windows": f"{start}{digest}".replace("\n", "\r\n").encode(),
        "no line breaks": f"{start}{digest}".replace("\n", "").encode(),
        "the digest in capitals": f"{start}{digest.upper()}".encode(),
        "the digest as bytes": start.encode() + hashlib.sha256(BODY).digest(),
        "the body for its digest": start.encode() + BODY,
        "the digest alone": digest.encode(),
        "the body alone": BODY,
        "the digest of it all": hashlib.sha256(f"{start}{digest}".encode()).digest(),
    }
    for name, message in readings.items():
        yield forged(f"signed over {name}", {SIGNATURE: OURS.sign(message).hex()})


def constructed() -> Iterator[Vector]:
    """Signatures that some implementations take although nobody signed."""
    signature = bytes.fromhex(good("").headers[SIGNATURE])
    shifted = int.from_bytes(signature[32:], "little") + ORDER
    yield forged("a second half beyond the order", {SIGNATURE: (signature[:32] + shifted.to_bytes(32, "little")).hex()})
    yield forged("zeros", {SIGNATURE: "00" * 64})
    yield forged("a point of small order and zero", {SIGNATURE: (SMALL_POINT + bytes(32)).hex()})
    yield forged("the public key for a signature", {SIGNATURE: (OURS.public_key().public_bytes_raw() * 2).hex()})


def vectors() -> list[dict[str, object]]:
    """All of them, as JSON has them."""
    made = [*genuine(), *changed(), *of_others(), *misread(), *constructed()]
    return [asdict(vector) | {"body": base64.b64encode(vector.body).decode()} for vector in made]


def main() -> None:
    """Write the file."""
    FILE.write_text(json.dumps(vectors(), indent=1) + "\n")


if __name__ == "__main__":
    main()
