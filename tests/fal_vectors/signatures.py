"""fal.ai's signatures by an implementation that shares nothing with what the product verifies with: OpenSSL's."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAMES = ("X-Fal-Webhook-Request-Id", "X-Fal-Webhook-User-Id", "X-Fal-Webhook-Timestamp", "X-Fal-Webhook-Signature")


def callback_headers(
    key: Ed25519PrivateKey, body: bytes, *, timestamp: int | str, request_id: str = "r-1", user_id: str = "u-1"
) -> dict[str, str]:
    """The four headers of a callback with this body (fal.md §2)."""
    signed = (request_id, user_id, str(timestamp))
    message = "\n".join((*signed, hashlib.sha256(body).hexdigest())).encode()
    return dict(zip(NAMES, (*signed, key.sign(message).hex()), strict=True))


def jwk(key: Ed25519PrivateKey) -> dict[str, Any]:
    """The public key as fal.ai publishes it: base64url without padding."""
    x = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "x": x}


def jwks(*keys: Ed25519PrivateKey) -> bytes:
    """The document that fal.ai publishes."""
    return json.dumps({"keys": [jwk(key) for key in keys]}).encode()
