"""Whether what is set fits together."""

from __future__ import annotations

from functions.api.asking import origin
from functions.api.checks import Check, NotWellError
from shared import bootstrap
from shared.environment import UnreadableSettingsError
from shared.settings import Backend, is_loopback


def _settings() -> str:
    try:
        fal = bootstrap.fal_settings()
    except UnreadableSettingsError as error:
        raise NotWellError(str(error)) from None
    here = [is_loopback(url) for url in (fal.fal_queue_url, fal.fal_api_url, fal.fal_jwks_url)]
    if any(here) and not all(here):
        raise NotWellError("Of FAL_QUEUE_URL, FAL_API_URL and FAL_JWKS_URL some are on this machine and some are not.")
    if not any(here) and is_loopback(fal.webhook_base):
        raise NotWellError(
            f"fal.ai at {origin(fal.fal_queue_url)} cannot reach {origin(fal.webhook_base)}, which is this machine.",
            "Open a tunnel with a public https address to this machine and set PUBLIC_URL to it.",
        )
    where = "on this machine, simulated" if any(here) else f"at {origin(fal.fal_queue_url)}, real and paid"
    backend, auth = bootstrap.store_settings().backend, bootstrap.api_settings().auth_mode
    return f"BACKEND={backend}, AUTH_MODE={auth}, fal.ai {where}."


def _notifications() -> str:
    settings = bootstrap.notify_settings()
    if not settings.notify_url:
        return "Nobody is notified: NOTIFY_URL is not set."
    if bootstrap.store_settings().backend is Backend.EMBEDDED and not settings.secrets:
        raise NotWellError("NOTIFY_URL is set and NOTIFY_SECRET is not, and nothing is sent unsigned.")
    return f"Every end is told to {origin(settings.notify_url)}."


SETTINGS = Check(name="settings", look=_settings, advice="Correct the setting; .env.example explains every one.")
NOTIFICATIONS = Check(
    name="notifications", look=_notifications, advice="Set NOTIFY_SECRET: docs/notifications.md says how."
)
