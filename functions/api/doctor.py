"""The operator's route: whether all that the system stands on is there, and what to do where it is not.

Nothing that it tells is a secret: errors are told by their kind, URLs by their origin.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import ConfigDict, Field

from functions.api.auth import User, is_operator
from functions.api.views import View
from shared import bootstrap
from shared.environment import UnreadableSettingsError
from shared.errors import ProductError, StorageUnavailable, Unauthenticated, WebhookForged
from shared.ports import Objects
from shared.settings import AuthMode, Backend, FalSettings, is_loopback

ANSWER_S = 5.0
PATIENCE_S = 10.0
MAX_ANSWER_BYTES = 64 << 10
PREFIX = "doctor/"
PROBE_TTL_S = 60.0


class CheckView(View):
    """One thing that was looked at; `ok` is null where it cannot be told from here, and `advice` says what to do."""

    name: str = Field(examples=["database"])
    ok: bool | None
    detail: str = Field(examples=["It answers."])
    advice: str | None


class DoctorView(View):
    """Everything that was looked at; `ok` means that nothing is known to be wrong."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ok": False,
                    "checks": [
                        {
                            "name": "webhook",
                            "ok": False,
                            "detail": "https://lora.example answers 302: fal.ai counts a redirect as a failure for "
                            "good.",
                            "advice": "Set WEBHOOK_URL to the address that answers without a redirect.",
                        }
                    ],
                }
            ]
        }
    )

    ok: bool
    checks: list[CheckView]


class NotWellError(Exception):
    """Something is wrong; the text says what, in place of the check's own advice `advice` says what to do."""

    def __init__(self, detail: str, advice: str | None = None) -> None:
        """Say what is wrong, without secrets."""
        super().__init__(detail)
        self.advice = advice


class CannotTellError(Exception):
    """It cannot be told from here; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """`look` gives what is well, in words, or raises; `advice` is what to do where it is not."""

    name: str
    look: Callable[[], str]
    advice: str


def _require_operators(request: Request) -> None:
    """Who comes through Identity-Aware Proxy is one of us; of the app's users only operators see that it is there."""
    settings = bootstrap.api_settings()
    if settings.auth_mode is not AuthMode.FIREBASE:
        return
    try:
        if is_operator(bootstrap.authenticator().user_of(request.headers), settings):
            return
    except Unauthenticated:
        pass
    raise HTTPException(404)


router = APIRouter(prefix="/v1/doctor", tags=["operations"], dependencies=[Depends(_require_operators)])


@router.get("")
def see_doctor(user: User) -> DoctorView:
    """Whether settings, database, buckets, messages, addresses and fal.ai are all right; for operators.

    It exists on one's own machine, behind Identity-Aware Proxy, and for whom OPERATORS names. It looks at everything at
    once, within seconds; a small probe is written to the datasets bucket, fetched over its signed URL, and deleted.
    """
    checks = examine(all_checks(), patience_s=PATIENCE_S)
    return DoctorView(ok=all(check.ok is not False for check in checks), checks=checks)


def all_checks() -> tuple[Check, ...]:
    """Everything that is looked at, in the order in which it is told."""
    buckets = {
        "shoots": bootstrap.shoots_bucket,
        "datasets": bootstrap.datasets_bucket,
        "models": bootstrap.models_bucket,
        "thumbnails": bootstrap.thumbnails_bucket,
    }
    return (
        Check(name="settings", look=_settings, advice="Correct the setting; .env.example explains every one."),
        Check(name="database", look=_database, advice="Check that it exists, with its indexes, and that we may read."),
        *(
            Check(
                name=f"{name} bucket",
                look=partial(_bucket, bucket, foreign=name == "datasets"),
                advice=f"Check {name.upper()}_BUCKET and that our account may use that bucket.",
            )
            for name, bucket in buckets.items()
        ),
        Check(name="signed URL", look=_signed_url, advice="fal.ai fetches the ZIP over such a URL: check PUBLIC_URL."),
        Check(name="messaging", look=_messaging, advice="Look for message_refused in the log: it says why."),
        Check(name="webhook", look=_webhook, advice="fal.ai calls us there: check WEBHOOK_URL, or PUBLIC_URL."),
        Check(name="fal.ai signing keys", look=_signing_keys, advice="Check FAL_JWKS_URL and the way out to it."),
        Check(name="fal.ai", look=_fal, advice="Check FAL_QUEUE_URL and the way out to it, and fal.ai's status page."),
        Check(name="fal.ai key", look=_fal_key, advice=""),
        Check(name="notifications", look=_notifications, advice="Set NOTIFY_SECRET: docs/notifications.md says how."),
    )


def examine(checks: tuple[Check, ...], *, patience_s: float) -> list[CheckView]:
    """How each check went, all at once; what has not answered after `patience_s` seconds counts as not well."""
    pool = ThreadPoolExecutor(max_workers=len(checks), thread_name_prefix="doctor")
    try:
        looks = {check.name: pool.submit(_looked, check) for check in checks}
        wait(looks.values(), timeout=patience_s)
        return [_told(check, looks[check.name], patience_s) for check in checks]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _told(check: Check, look: Future[CheckView], patience_s: float) -> CheckView:
    if look.done():
        return look.result()
    return CheckView(name=check.name, ok=False, detail=f"No answer within {patience_s:g} s.", advice=check.advice)


def _looked(check: Check) -> CheckView:
    told = partial(CheckView, name=check.name)
    try:
        return told(ok=True, detail=check.look(), advice=None)
    except CannotTellError as unknown:
        return told(ok=None, detail=str(unknown), advice=None)
    except NotWellError as wrong:
        return told(ok=False, detail=str(wrong), advice=wrong.advice or check.advice)
    except ProductError as error:
        return told(ok=False, detail=error.message, advice=check.advice)


def _fal_settings() -> FalSettings:
    try:
        return bootstrap.fal_settings()
    except UnreadableSettingsError as error:
        raise CannotTellError("That is known when the settings are right.") from error


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
            f"fal.ai at {_origin(fal.fal_queue_url)} cannot reach {_origin(fal.webhook_base)}, which is this machine.",
            "Open a tunnel with a public https address to this machine and set PUBLIC_URL to it.",
        )
    where = "on this machine, simulated" if any(here) else f"at {_origin(fal.fal_queue_url)}, real and paid"
    backend, auth = bootstrap.store_settings().backend, bootstrap.api_settings().auth_mode
    return f"BACKEND={backend}, AUTH_MODE={auth}, fal.ai {where}."


def _database() -> str:
    bootstrap.shoots().list_for_owner("doctor", limit=1)
    return "It answers."


def _bucket(bucket: Callable[[], Objects], *, foreign: bool) -> str:
    """`foreign` is a bucket that other functions use, and into which our account need not see."""
    try:
        next(iter(bucket().list("")), None)
    except StorageUnavailable as error:
        raise _forbidden(error) if foreign else error from error
    return f"{bucket().uri} can be listed."


def _forbidden(error: StorageUnavailable) -> Exception:
    """What a refusal means for a bucket that the API does not need."""
    if error.facts.get("reason") == "Forbidden":
        return CannotTellError("It cannot be told from here: the API's account may not use that bucket, nor need it.")
    return error


def _signed_url() -> str:
    bucket, name = bootstrap.datasets_bucket(), f"{PREFIX}{bootstrap.new_nonce()}.txt"
    content = bootstrap.new_nonce().encode()
    try:
        bucket.write(name, [content], content_type="text/plain")
    except StorageUnavailable as error:
        raise _forbidden(error) from error
    try:
        url = bucket.sign(name, ttl_s=PROBE_TTL_S)
        answer = ask("GET", url)
    finally:
        bucket.delete(name)
    if answer.status != 200 or answer.body != content:
        raise NotWellError(f"A probe's signed URL at {_origin(url)} answers {answer.status}, without the probe.")
    return f"A probe was written, fetched from {_origin(url)} and deleted."


def _messaging() -> str:
    if bootstrap.store_settings().backend is not Backend.EMBEDDED:
        raise CannotTellError("It cannot be told from here: the API's account may publish to its topics, and not look.")
    counts = bootstrap.queue().counts()
    if dead := {name: count.dead for name, count in counts.items() if count.dead}:
        given_up = ", ".join(f"{count} for the {name}" for name, count in dead.items())
        raise NotWellError(
            f"Messages were given up: {given_up}.", "See them and what to do: lora ops dead-letters list."
        )
    waiting, leased = sum(c.waiting for c in counts.values()), sum(c.leased for c in counts.values())
    return f"Messages waiting: {waiting}, being handled: {leased}, given up: none."


def _webhook() -> str:
    base = _fal_settings().webhook_base
    if not urlsplit(base).netloc:
        raise CannotTellError("It cannot be told from here: neither WEBHOOK_URL nor PUBLIC_URL is set for the API.")
    answer = ask("POST", f"{base}/doctor/doctor")
    if 300 <= answer.status < 400:
        detail = f"{_origin(base)} answers {answer.status}: fal.ai counts a redirect as a failure for good."
        raise NotWellError(detail, "Set WEBHOOK_URL to the address that answers without a redirect.")
    if answer.status != WebhookForged.status or answer.member("code") != WebhookForged.code:
        raise NotWellError(f"{_origin(base)} answers {answer.status} to a call without a signature, not our 401.")
    return f"{_origin(base)} refuses a call without a signature, as it should."


def _signing_keys() -> str:
    url = _fal_settings().fal_jwks_url
    answer = ask("GET", url)
    keys = answer.member("keys")
    if answer.status != 200 or not isinstance(keys, list) or not keys:
        raise NotWellError(f"{_origin(url)} answers {answer.status}, without keys.")
    return f"{len(keys)} of them at {_origin(url)}."


def _fal() -> str:
    url = _fal_settings().fal_queue_url
    answer = ask("GET", url)
    if answer.status >= 500:
        raise NotWellError(f"{_origin(url)} answers {answer.status}.")
    return f"{_origin(url)} answers."


def _fal_key() -> str:
    raise CannotTellError("The API holds no key, by design: the functions that call fal.ai do.")


def _notifications() -> str:
    settings = bootstrap.notify_settings()
    if not settings.notify_url:
        return "Nobody is notified: NOTIFY_URL is not set."
    if bootstrap.store_settings().backend is Backend.EMBEDDED and not settings.secrets:
        raise NotWellError("NOTIFY_URL is set and NOTIFY_SECRET is not, and nothing is sent unsigned.")
    return f"Every end is told to {_origin(settings.notify_url)}."


@dataclass(frozen=True)
class Answer:
    """What somebody answered, at most `MAX_ANSWER_BYTES` of it."""

    status: int
    body: bytes

    def member(self, name: str) -> Any:
        """That member of the JSON object, None where there is none."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return document.get(name) if isinstance(document, dict) else None


def ask(method: str, url: str) -> Answer:
    """Ask once, follow no redirect; `NotWellError` where no answer comes in time."""
    import httpx  # on first use: it would make every cold start of the API slower

    # a proxy of the surroundings is never the way to this machine itself
    proxied = not is_loopback(url)
    try:
        with (
            httpx.Client(timeout=ANSWER_S, follow_redirects=False, trust_env=proxied) as client,
            client.stream(method, url) as response,
        ):
            body = bytearray()
            for piece in response.iter_bytes():
                body += piece
                if len(body) >= MAX_ANSWER_BYTES:
                    break
            return Answer(response.status_code, bytes(body[:MAX_ANSWER_BYTES]))
    except httpx.HTTPError as error:
        raise NotWellError(f"{_origin(url)} does not answer ({type(error).__name__}).") from error


def _origin(url: str) -> str:
    """Where a URL leads, without its path and its signature."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
