"""Who signs URLs of Cloud Storage objects: what `Blob.generate_signed_url` is given to sign with."""

from __future__ import annotations

import threading
from typing import Any, Protocol

import google.auth
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2 import service_account

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""What IAM's signBlob asks for; the Cloud Storage client's own tokens do not have it."""


class Signer(Protocol):
    """Something that URLs can be signed with."""

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments for `generate_signed_url`. Raises google-auth's errors where there is nothing to
        sign with."""
        ...


class IamSigner:
    """Signs as a service account through IAM's signBlob, without a key: one request per URL.

    The account needs `roles/iam.serviceAccountTokenCreator` on itself. It is `account`, or where that is
    empty the one that the process runs as. Safe to use from several threads.
    """

    def __init__(self, *, account: str = "", credentials: Credentials | None = None) -> None:
        """Sign with the machine's default credentials, which are looked for at the first URL, or with
        `credentials`."""
        self._account = account
        self._credentials = credentials
        self._lock = threading.Lock()

    def arguments(self) -> dict[str, Any]:
        """The account and a fresh access token."""
        with self._lock:
            if self._credentials is None:
                self._credentials, _ = google.auth.default(scopes=(SCOPE,))
            if not self._credentials.valid:
                self._credentials.refresh(Request())
            account = self._account or getattr(self._credentials, "service_account_email", "")
            if not account:
                raise GoogleAuthError("no service account to sign as: set SIGNING_ACCOUNT")
            return {"service_account_email": account, "access_token": self._credentials.token}


class ThrowAwaySigner:
    """Signs with a key that nobody trusts, for the emulator, which believes every signature."""

    def __init__(self, *, endpoint: str) -> None:
        """Make URLs under `endpoint`; the key is made at the first one."""
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._credentials: Credentials | None = None

    def arguments(self) -> dict[str, Any]:
        """Credentials of a made-up account and where its URLs lead."""
        with self._lock:
            if self._credentials is None:
                self._credentials = _throw_away_credentials()
        return {"credentials": self._credentials, "api_access_endpoint": self._endpoint}


def _throw_away_credentials() -> Credentials:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {
        "client_email": "nobody@emulator.invalid",
        "private_key": pem,
        "token_uri": "https://emulator.invalid/token",
    }
    credentials: Credentials = service_account.Credentials.from_service_account_info(account)
    return credentials
