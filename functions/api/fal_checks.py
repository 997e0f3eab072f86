"""Whether fal.ai and we reach each other."""

from __future__ import annotations

from urllib.parse import urlsplit

from functions.api.asking import ask, origin
from functions.api.checks import CannotTellError, Check, NotWellError
from shared import bootstrap
from shared.environment import UnreadableSettingsError
from shared.errors import WebhookForged
from shared.settings import FalSettings


def _webhook() -> str:
    base = _fal_settings().webhook_base
    if not urlsplit(base).netloc:
        raise CannotTellError("It cannot be told from here: neither WEBHOOK_URL nor PUBLIC_URL is set for the API.")
    answer = ask("POST", f"{base}/doctor/doctor")
    if 300 <= answer.status < 400:
        detail = f"{origin(base)} answers {answer.status}: fal.ai counts a redirect as a failure for good."
        raise NotWellError(detail, "Set WEBHOOK_URL to the address that answers without a redirect.")
    if answer.status != WebhookForged.status or answer.member("code") != WebhookForged.code:
        raise NotWellError(f"{origin(base)} answers {answer.status} to a call without a signature, not our 401.")
    return f"{origin(base)} refuses a call without a signature, as it should."


def _signing_keys() -> str:
    url = _fal_settings().fal_jwks_url
    answer = ask("GET", url)
    keys = answer.member("keys")
    if answer.status != 200 or not isinstance(keys, list) or not keys:
        raise NotWellError(f"{origin(url)} answers {answer.status}, without keys.")
    return f"{len(keys)} of them at {origin(url)}."


def _fal() -> str:
    url = _fal_settings().fal_queue_url
    answer = ask("GET", url)
    if answer.status >= 500:
        raise NotWellError(f"{origin(url)} answers {answer.status}.")
    return f"{origin(url)} answers."


def _fal_key() -> str:
    raise CannotTellError("The API holds no key, by design: the functions that call fal.ai do.")


def _fal_settings() -> FalSettings:
    try:
        return bootstrap.fal_settings()
    except UnreadableSettingsError as error:
        raise CannotTellError("That is known when the settings are right.") from error


FAL_CHECKS = (
    Check(name="webhook", look=_webhook, advice="fal.ai calls us there: check WEBHOOK_URL, or PUBLIC_URL."),
    Check(name="fal.ai signing keys", look=_signing_keys, advice="Check FAL_JWKS_URL and the way out to it."),
    Check(name="fal.ai", look=_fal, advice="Check FAL_QUEUE_URL and the way out to it, and fal.ai's status page."),
    Check(name="fal.ai key", look=_fal_key, advice=""),
)
