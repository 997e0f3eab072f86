"""One sending of a webhook, as fal.md §2 has it or as its plan spoils it, and when to try again."""

import asyncio
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.local.fal_simulator.outputs import answer_of
from infra.local.fal_simulator.plans import WebhookFault
from infra.local.fal_simulator.processing import may_be_called
from infra.local.fal_simulator.runs import Run
from infra.local.fal_simulator.settings import SimulatorSettings
from infra.local.fal_simulator.signing import SigningKeys, signed_headers
from infra.local.fal_simulator.store import DeliveryAttempt
from infra.local.fal_simulator.timeline import moment_of

STALE_S = 600
OVERSIZE_BYTES = 1024 * 1024 + 4096
PAYLOAD_ERROR = "Response payload is not JSON serializable. Either return a JSON serializable object or use the queue."


@dataclass(frozen=True)
class Letter:
    """A webhook as it goes over the wire."""

    url: str
    body: bytes
    headers: dict[str, str]


def message_of(run: Run, base_url: str, gateway_request_id: str, fault: WebhookFault) -> dict[str, Any]:
    """The body: OK, ERROR or payload_error."""
    status_code, body, _ = answer_of(run, moment_of(run, time.time()), base_url)
    message: dict[str, Any] = {"request_id": run.request_id, "gateway_request_id": gateway_request_id}
    if status_code == 200:
        message |= {"status": "OK", "payload": body}
    else:
        message |= {"status": "ERROR", "error": f"Invalid status code: {status_code}", "payload": body}
    if fault is WebhookFault.PAYLOAD_ERROR:
        message |= {"payload": None, "payload_error": PAYLOAD_ERROR}
    if fault is WebhookFault.OVERSIZED:
        message |= {"padding": "x" * OVERSIZE_BYTES}
    return message


def letter_of(
    run: Run, message: dict[str, Any], settings: SimulatorSettings, keys: SigningKeys, fault: WebhookFault
) -> Letter:
    """Sign the message, rightly or as the fault has it."""
    body = json.dumps(message).encode()
    key = Ed25519PrivateKey.generate() if fault is WebhookFault.FORGED else keys.current
    timestamp = int(time.time()) - (STALE_S if fault is WebhookFault.STALE else 0)
    headers = signed_headers(key, request_id=run.request_id, user_id=settings.user_id, timestamp=timestamp, body=body)
    if fault is WebhookFault.NO_SIGNATURE:
        del headers["X-Fal-Webhook-Signature"]
    if fault is WebhookFault.TAMPERED:
        body = json.dumps(message | {"tampered": True}).encode()
    return Letter(run.webhook_url or "", body, headers | {"Content-Type": "application/json"})


async def send(
    run: Run, attempt: int, settings: SimulatorSettings, keys: SigningKeys, client: httpx.AsyncClient
) -> DeliveryAttempt:
    """Send the webhook once, under a new gateway_request_id; a failure is a value, not an exception."""
    gateway_request_id, sent_at = str(uuid.uuid4()), time.time()
    misbehaves = run.plan.webhook_times is None or attempt <= run.plan.webhook_times
    fault = run.plan.webhook if misbehaves else WebhookFault.OK
    message = message_of(run, settings.base_url, gateway_request_id, fault)
    letter = letter_of(run, message, settings, keys, fault)
    timeout_s = settings.webhook_first_timeout_s if attempt == 1 else settings.webhook_later_timeout_s
    status_code, error = await _post(letter, timeout_s, client)
    permanent = error == _FORBIDDEN or (status_code is not None and 300 <= status_code < 400)
    return DeliveryAttempt(attempt, gateway_request_id, sent_at, time.time(), status_code, error, permanent)


_FORBIDDEN = "this URL is never called"


async def _post(letter: Letter, timeout_s: float, client: httpx.AsyncClient) -> tuple[int | None, str | None]:
    if not may_be_called(letter.url):
        return None, _FORBIDDEN
    try:
        async with asyncio.timeout(timeout_s):
            response = await client.post(letter.url, content=letter.body, headers=letter.headers)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        return None, type(error).__name__
    return response.status_code, None


def retry_delay_s(attempts: int, settings: SimulatorSettings) -> float:
    """How long to wait after this many attempts: doubling, up to a longest wait."""
    doubled: float = settings.webhook_first_retry_s * 2.0 ** min(attempts - 1, 20)
    return min(doubled, settings.webhook_longest_retry_s)


def is_settled(attempts: list[DeliveryAttempt], settings: SimulatorSettings) -> bool:
    """Whether no further attempt is made: delivered, refused by a 3xx, or tried too often (fal.md §2)."""
    ended = any(attempt.delivered or attempt.permanent for attempt in attempts)
    return ended or len(attempts) > settings.webhook_retries
