"""Google's side of signing in: keys that sign tokens as Firebase and Identity-Aware Proxy do, served over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from tests.scripted_server import Asked, Reply, ScriptedServer, scripted_server

PROJECT = "costumes-test"
IAP_AUDIENCE = "/projects/1/locations/europe-west1/services/api"
KEY_ID = "key-1"
MAX_AGE_S = 3600

FIREBASE_PATH = "/firebase"
IAP_PATH = "/iap"

Claims = dict[str, Any]


@cache
def rsa_key(name: str = "ours") -> rsa.RSAPrivateKey:
    """A key of that name; made once, because that takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec_key(name: str = "ours") -> ec.EllipticCurvePrivateKey:
    """A P-256 key of that name."""
    return ec.generate_private_key(ec.SECP256R1())


@cache
def certificate(name: str = "ours") -> str:
    """An RSA key's certificate, as Firebase publishes it."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "securetoken.system.gserviceaccount.com")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject, subject, rsa_key(name).public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return builder.sign(rsa_key(name), hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@cache
def public_pem(name: str = "ours") -> str:
    """A P-256 key's public half, as Identity-Aware Proxy publishes it."""
    return ec_key(name).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def rs256(message: bytes, name: str = "ours") -> bytes:
    """The signature of an RSA key."""
    return rsa_key(name).sign(message, padding.PKCS1v15(), hashes.SHA256())


def es256(message: bytes, name: str = "ours") -> bytes:
    """The signature of a P-256 key, as tokens have it."""
    r, s = decode_dss_signature(ec_key(name).sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def encoded(part: bytes | Mapping[str, Any]) -> str:
    """A part of a token."""
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(header: Mapping[str, Any], claims: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A token with everything as it is given."""
    signed = f"{encoded(header)}.{encoded(claims)}"
    return f"{signed}.{encoded(sign(signed.encode()))}"


@dataclass(frozen=True)
class Issuer:
    """One of Google's two ways to say who asks: how it signs, and what it says."""

    name: str
    algorithm: str
    sign: Callable[[bytes, str], bytes]
    public: Callable[[], str]
    issuer: str
    audience: str
    subject_prefix: str
    header: str
    scheme: str = ""

    def claims(self, user: str = "anna", **changes: Any) -> Claims:
        """What a good token says, with changes; None takes a claim out."""
        now = int(time.time())
        said = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": f"{self.subject_prefix}{user}",
            "iat": now - 5,
            "exp": now + 3600,
            **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    def token(self, user: str = "anna", *, signed_by: str = "ours", key_id: str = KEY_ID, **changes: Any) -> str:
        """A good token, with changes of its claims."""
        header = {"alg": self.algorithm, "kid": key_id, "typ": "JWT"}
        return token(header, self.claims(user, **changes), lambda message: self.sign(message, signed_by))

    def headers(self, a_token: str) -> dict[str, str]:
        """How a token comes in."""
        return {self.header: f"{self.scheme}{a_token}"}


FIREBASE = Issuer(
    name="firebase",
    algorithm="RS256",
    sign=rs256,
    public=certificate,
    issuer=f"https://securetoken.google.com/{PROJECT}",
    audience=PROJECT,
    subject_prefix="",
    header="Authorization",
    scheme="Bearer ",
)
IAP = Issuer(
    name="iap",
    algorithm="ES256",
    sign=es256,
    public=public_pem,
    issuer="https://cloud.google.com/iap",
    audience=IAP_AUDIENCE,
    subject_prefix="accounts.google.com:",
    header="X-Goog-IAP-JWT-Assertion",
)


def bad_tokens(issuer: Issuer) -> Mapping[str, str]:
    """Tokens that prove nothing, by what is wrong with them."""
    now = int(time.time())
    header = {"alg": issuer.algorithm, "kid": KEY_ID}
    other, swap = (FIREBASE, es256) if issuer is IAP else (IAP, rs256)
    good = issuer.token()
    head, body, signature = good.split(".")
    claims = issuer.claims()

    def hmac_with_the_public_key(message: bytes) -> bytes:
        return hmac.digest(issuer.public().encode(), message, hashlib.sha256)

    return {
        "garbage": "garbage",
        "garbage in three parts": "a.b.c",
        "no JSON": f"{encoded(b'[[')}.{body}.{signature}",
        "nested": f"{encoded(b'[' * 5000)}.{body}.{signature}",
        "huge": f"{head}.{'A' * 20_000}.{signature}",
        "bad signature": issuer.token(signed_by="somebody"),
        "no signature": f"{head}.{body}.",
        "changed claims": f"{head}.{encoded(issuer.claims('bob'))}.{signature}",
        "changed header": f"{encoded({**header, 'typ': 'x'})}.{body}.{signature}",
        "expired": issuer.token(iat=now - 7200, exp=now - 60),
        "not yet valid": issuer.token(iat=now + 60),
        "without an end": issuer.token(exp=None),
        "without a beginning": issuer.token(iat=None),
        "with an end that is no number": issuer.token(exp="tomorrow"),
        "wrong audience": issuer.token(aud="another"),
        "no audience": issuer.token(aud=None),
        "many audiences": issuer.token(aud=[issuer.audience, "another"]),
        "wrong issuer": issuer.token(iss="https://accounts.google.com"),
        "no issuer": issuer.token(iss=None),
        "of the other issuer": other.token(),
        "unknown key": issuer.token(key_id="key-2"),
        "no key": token({"alg": issuer.algorithm}, claims, lambda message: issuer.sign(message, "ours")),
        "key that is no text": token({**header, "kid": [1]}, claims, lambda message: issuer.sign(message, "ours")),
        "alg none": f"{encoded({**header, 'alg': 'none'})}.{body}.",
        "alg none, signed": token({**header, "alg": "none"}, claims, lambda message: issuer.sign(message, "ours")),
        "HS256 with the public key": token({**header, "alg": "HS256"}, claims, hmac_with_the_public_key),
        "the other algorithm": token({**header, "alg": other.algorithm}, claims, lambda message: swap(message, "ours")),
        "no user": issuer.token(sub=None),
        "user that is no text": issuer.token(sub=7),
        "empty user": issuer.token(""),
        "user with a path": issuer.token("../bob"),
        "user with a line break": issuer.token("anna\nbob"),
        "user that is too long": issuer.token("a" * 129),
    }


@dataclass
class KeyServer:
    """Where both kinds of keys are published; a test may change what is answered."""

    server: ScriptedServer
    headers: Mapping[str, str] = field(default_factory=lambda: {"Cache-Control": f"public, max-age={MAX_AGE_S}"})

    @property
    def environment(self) -> dict[str, str]:
        """The settings that lead here."""
        return {
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "IAP_AUDIENCE": IAP_AUDIENCE,
            "FIREBASE_CERTS_URL": f"{self.server.url}{FIREBASE_PATH}",
            "IAP_CERTS_URL": f"{self.server.url}{IAP_PATH}",
        }

    @property
    def asked(self) -> int:
        """How often keys were fetched."""
        return len(self.server.asked)

    def answer(self, asked: Asked) -> Reply:
        """The keys of the issuer that is asked for."""
        issuer = {FIREBASE_PATH: FIREBASE, IAP_PATH: IAP}[asked.target]
        return Reply(body=json.dumps({KEY_ID: issuer.public()}).encode(), headers=self.headers)


@contextmanager
def key_server() -> Iterator[KeyServer]:
    """Serve the keys while the block runs."""
    with scripted_server(lambda asked: Reply(status=404)) as server:
        keys = KeyServer(server)
        server.script = keys.answer
        yield keys
