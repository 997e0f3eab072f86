"""Who is asking, proven by a token that Google signed: Firebase's, or Identity-Aware Proxy's.

A token proves who signed in until it expires, an hour later at most. An account that is disabled or signed out in the
meantime keeps its access until then: telling earlier would cost a call of Google per request. Any account of the
Firebase project is a user, also an anonymous one where the project allows those.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from google.auth import jwt
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import id_token

from shared.adapters.google.certificates import CertificateCache
from shared.adapters.identity import only_header, user_id
from shared.errors import Unauthenticated
from shared.ports import Clock
from shared.settings import ApiSettings

AUTHORIZATION = "authorization"
IAP_ASSERTION = "x-goog-iap-jwt-assertion"
IAP_ISSUER = "https://cloud.google.com/iap"
IAP_SUBJECT_PREFIX = "accounts.google.com:"
CLOCK_SKEW_S = 10
MAX_TOKEN_CHARACTERS = 8192

_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_NOT_VALID = "the token is not valid here, or no longer"


class FirebaseAuthenticator:
    """Fulfils `Authenticator`: `Authorization: Bearer` and a Firebase ID token of our project; `sub` is the user."""

    def __init__(self, settings: ApiSettings, project: str, clock: Clock) -> None:
        """Only tokens for `project` count. Keys are fetched at the first token."""
        if not project:
            raise ValueError("AUTH_MODE=firebase needs GOOGLE_CLOUD_PROJECT: tokens of any project would count")
        self._project = project
        self._keys = CertificateCache(
            settings.firebase_certs_url, timeout_s=settings.identity_keys_timeout_s, clock=clock
        )

    def user_of(self, headers: Mapping[str, str]) -> str:
        """The Firebase user id."""
        token = _bearer(only_header(headers, AUTHORIZATION))
        claims = _claims(token, "RS256", self._verified)
        return user_id(claims.get("sub"))

    def _verified(self, token: str) -> Mapping[str, Any]:
        claims: Mapping[str, Any] = id_token.verify_firebase_token(
            token, self._keys, audience=self._project, clock_skew_in_seconds=CLOCK_SKEW_S
        )
        if claims.get("iss") != f"https://securetoken.google.com/{self._project}":
            raise ValueError("the issuer is another")
        return claims


class IapAuthenticator:
    """Fulfils `Authenticator`: the assertion that Identity-Aware Proxy adds to every request that it lets through.

    The user is the assertion's `sub` without its prefix, not the e-mail address: addresses are renamed and given to
    somebody else, the subject stays.
    """

    def __init__(self, settings: ApiSettings, clock: Clock) -> None:
        """Only assertions for IAP_AUDIENCE count. Keys are fetched at the first one."""
        if not settings.iap_audience:
            raise ValueError("AUTH_MODE=iap needs IAP_AUDIENCE: assertions of any service would count")
        self._audience = settings.iap_audience
        self._keys = CertificateCache(settings.iap_certs_url, timeout_s=settings.identity_keys_timeout_s, clock=clock)

    def user_of(self, headers: Mapping[str, str]) -> str:
        """The Google account's own number."""
        token = only_header(headers, IAP_ASSERTION)
        if not token:
            raise Unauthenticated(reason="the request did not come through Identity-Aware Proxy")
        claims = _claims(token, "ES256", self._verified)
        subject = claims.get("sub")
        return user_id(subject.removeprefix(IAP_SUBJECT_PREFIX) if isinstance(subject, str) else None)

    def _verified(self, token: str) -> Mapping[str, Any]:
        claims: Mapping[str, Any] = id_token.verify_token(
            token, self._keys, audience=self._audience, clock_skew_in_seconds=CLOCK_SKEW_S
        )
        if claims.get("iss") != IAP_ISSUER:
            raise ValueError("the issuer is another")
        return claims


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated(reason="no bearer token was sent")
    return token.strip()


def _claims(token: str, algorithm: str, verify: Callable[[str], Mapping[str, Any]]) -> Mapping[str, Any]:
    """What a token says; one that cannot be good is refused before any key is fetched.

    The algorithm is ours to say, not the token's, and the token has to name its key. Why one is refused is told to
    nobody: google-auth's sentences quote it.
    """
    if len(token) > MAX_TOKEN_CHARACTERS or not _TOKEN.fullmatch(token):
        raise Unauthenticated(reason="that is no token")
    try:
        header = jwt.decode_header(token)
        if header.get("alg") != algorithm or not isinstance(header.get("kid"), str):
            raise Unauthenticated(reason=_NOT_VALID)
        return verify(token)
    except (GoogleAuthError, ValueError, TypeError, RecursionError) as error:
        raise Unauthenticated(reason=_NOT_VALID) from error
