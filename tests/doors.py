"""An authenticator in front of the keys that it trusts, for both ways to sign in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from shared.adapters.google.identity import FirebaseAuthenticator, IapAuthenticator
from shared.adapters.memory import FixedClock
from shared.ports import Authenticator
from shared.settings import ApiSettings, AuthMode
from tests.google_identity import FIREBASE, IAP, IAP_AUDIENCE, PROJECT, Issuer, KeyServer, key_server

ISSUERS = {"firebase": FIREBASE, "iap": IAP}


@dataclass
class Door:
    """An authenticator with the issuer whose tokens it takes, and the keys' server."""

    issuer: Issuer
    keys: KeyServer
    clock: FixedClock
    authenticator: Authenticator

    def user_of(self, token: str) -> str:
        """Whom a token proves."""
        return self.authenticator.user_of(self.issuer.headers(token))


def authenticator_of(issuer: Issuer, keys: KeyServer, clock: FixedClock) -> Authenticator:
    """One that has fetched nothing yet."""
    settings = ApiSettings(
        auth_mode=AuthMode(issuer.name),
        iap_audience=IAP_AUDIENCE,
        firebase_certs_url=keys.environment["FIREBASE_CERTS_URL"],
        iap_certs_url=keys.environment["IAP_CERTS_URL"],
        identity_keys_timeout_s=0.5,
    )
    if issuer is IAP:
        return IapAuthenticator(settings, clock)
    return FirebaseAuthenticator(settings, PROJECT, clock)


@contextmanager
def a_door(issuer: Issuer) -> Iterator[Door]:
    """A door that has fetched nothing yet, with its keys served while the block runs."""
    clock = FixedClock()
    with key_server() as keys:
        yield Door(issuer, keys, clock, authenticator_of(issuer, keys, clock))
