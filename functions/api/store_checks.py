"""Whether documents, objects and messages are where they should be."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from functions.api.asking import ask, origin
from functions.api.checks import CannotTellError, Check, NotWellError
from shared import bootstrap
from shared.errors import StorageUnavailable
from shared.ports import Objects
from shared.settings import Backend

PREFIX = "doctor/"
PROBE_TTL_S = 60.0


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
        raise NotWellError(f"A probe's signed URL at {origin(url)} answers {answer.status}, without the probe.")
    return f"A probe was written, fetched from {origin(url)} and deleted."


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


def _bucket_check(name: str, bucket: Callable[[], Objects], *, foreign: bool = False) -> Check:
    advice = f"Check {name.upper()}_BUCKET and that our account may use that bucket."
    return Check(name=f"{name} bucket", look=partial(_bucket, bucket, foreign=foreign), advice=advice)


STORE_CHECKS = (
    Check(name="database", look=_database, advice="Check that it exists, with its indexes, and that we may read."),
    _bucket_check("shoots", bootstrap.shoots_bucket),
    _bucket_check("datasets", bootstrap.datasets_bucket, foreign=True),
    _bucket_check("models", bootstrap.models_bucket),
    _bucket_check("thumbnails", bootstrap.thumbnails_bucket),
    Check(name="signed URL", look=_signed_url, advice="fal.ai fetches the ZIP over such a URL: check PUBLIC_URL."),
    Check(name="messaging", look=_messaging, advice="Look for message_refused in the log: it says why."),
)
