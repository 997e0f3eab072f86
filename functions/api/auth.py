"""Who is asking. `AUTH_MODE` decides who vouches for it (design §10)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from shared import bootstrap
from shared.settings import ApiSettings, AuthMode, Backend, StoreSettings


def refuse_open_door(api: ApiSettings, store: StoreSettings) -> None:
    """Raise `RuntimeError`, so that the process does not start, where `local` would let anybody at real data."""
    if api.auth_mode is AuthMode.LOCAL and store.backend is Backend.GOOGLE and not store.on_emulators:
        raise RuntimeError(
            "AUTH_MODE=local believes everybody and is for one's own machine only: use it with BACKEND=embedded or "
            "with all three emulators, and AUTH_MODE=firebase or iap everywhere else."
        )


def current_user(request: Request) -> str:
    """The id of the user who asks."""
    settings = bootstrap.api_settings()
    return request.headers.get("x-local-user") or settings.local_user


User = Annotated[str, Depends(current_user)]
