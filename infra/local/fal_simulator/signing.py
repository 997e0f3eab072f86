"""The simulator's own ED25519 keys, its JWKS and the signature of a webhook (fal.md §2, Verification)."""

import base64
import hashlib
import json
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def signed_headers(
    key: Ed25519PrivateKey, *, request_id: str, user_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """The four headers of a webhook, signed over id, user, time and the body's sha256 (fal.md §2)."""
    message = "\n".join([request_id, user_id, str(timestamp), hashlib.sha256(body).hexdigest()])
    return {
        "X-Fal-Webhook-Request-Id": request_id,
        "X-Fal-Webhook-User-Id": user_id,
        "X-Fal-Webhook-Timestamp": str(timestamp),
        "X-Fal-Webhook-Signature": key.sign(message.encode()).hex(),
    }


class SigningKeys:
    """The keys that webhooks are signed with; they live in a file, so that they outlive a restart."""

    def __init__(self, data_dir: Path) -> None:
        """Read the keys, or make the first one."""
        self._path = data_dir / "signing-keys.json"
        if self._path.exists():
            hexes = json.loads(self._path.read_text())
            self._keys = [Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key)) for key in hexes]
        else:
            self._keys = []
            self.rotate()

    @property
    def current(self) -> Ed25519PrivateKey:
        """The key that webhooks are signed with now."""
        return self._keys[0]

    def rotate(self, *, drop_old: bool = False) -> None:
        """Sign with a new key from now on; the old ones stay published unless they are dropped."""
        self._keys = [Ed25519PrivateKey.generate(), *([] if drop_old else self._keys)]
        unfinished = self._path.with_suffix(".new")
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump([key.private_bytes_raw().hex() for key in self._keys], file)
        unfinished.replace(self._path)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The published keys: OKP/Ed25519, `x` as unpadded base64url."""
        publics = [key.public_key().public_bytes_raw() for key in self._keys]
        encoded = [base64.urlsafe_b64encode(public).rstrip(b"=").decode() for public in publics]
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "x": x} for x in encoded]}
