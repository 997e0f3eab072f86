"""Who is asking. `AUTH_MODE` decides who vouches for it (design §10)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from functions.api.rate_limit import RateLimiter, weight_of
from shared import bootstrap
from shared.settings import ApiSettings, AuthMode, Backend, StoreSettings

_BEARER = HTTPBearer(
    scheme_name="firebase",
    bearerFormat="JWT",
    auto_error=False,
    description="A Firebase ID token. Behind Identity-Aware Proxy and on one's own machine nothing has to be sent.",
)


def refuse_open_door(api: ApiSettings, store: StoreSettings) -> None:
    """Raise `RuntimeError`, so that the process does not start, where its settings would let anybody at real data."""
    if api.auth_mode is AuthMode.LOCAL and store.backend is Backend.GOOGLE and not store.on_emulators:
        raise RuntimeError(
            "AUTH_MODE=local believes everybody and is for one's own machine only: use it with BACKEND=embedded or "
            "with all three emulators, and AUTH_MODE=firebase or iap everywhere else."
        )
    if api.auth_mode is AuthMode.FIREBASE and not store.project:
        raise RuntimeError(
            "AUTH_MODE=firebase needs GOOGLE_CLOUD_PROJECT, the project whose users may come in: set it, or use "
            "AUTH_MODE=local on one's own machine."
        )


def current_user(request: Request, documented: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> str:
    """The id of the user who asks; `documented` only puts the token into the OpenAPI document.

    `Unauthenticated`, `IdentityKeysUnavailable`, or `RateLimited` where this user asks too often.
    """
    user = bootstrap.authenticator().user_of(request.headers)
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.spend(user, weight_of(request.method, request.headers, max_bytes=bootstrap.api_settings().max_body_bytes))
    return user


User = Annotated[str, Depends(current_user)]


def is_operator(user: str, settings: ApiSettings) -> bool:
    """Whether this user may do what operators may: everybody on one's own machine, else whom OPERATORS names."""
    return settings.auth_mode is AuthMode.LOCAL or user in settings.operators


def current_operator(user: User) -> str:
    """The id of the operator who asks; to anybody else there is nothing here."""
    if not is_operator(user, bootstrap.api_settings()):
        raise HTTPException(404)
    return user


Operator = Annotated[str, Depends(current_operator)]
