"""The webhook's use case: verify that fal.ai called, then say where to look. Nothing of the body is believed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shared import logs
from shared.errors import InvalidRequest
from shared.events import ResultReported
from shared.ports import AsyncPublisher, WebhookVerifier

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


async def report_result(
    path: str, headers: Mapping[str, str], body: bytes, *, verifier: WebhookVerifier, publisher: AsyncPublisher
) -> ResultReported:
    """Publish that fal.ai reports a result for the ids in `path` and the request id that it signed.

    `InvalidRequest` for a path that is not ours, `WebhookForged`, `WebhookKeysUnavailable`, `MessagingUnavailable`.
    """
    training_id, nonce = _ids_in(path)
    request_id = await verifier.verify(headers, body)
    event = ResultReported(training_id=training_id, nonce=nonce, request_id=request_id)
    await publisher.publish(event)
    logs.info("result_reported", training_id=event.training_id, request_id=request_id)
    return event


def _ids_in(path: str) -> tuple[str, str]:
    """The training id and the nonce, which end the path; split, because a search would go back for every slash."""
    _, *ids = path.rsplit("/", 2)
    if len(ids) != 2 or not all(_ID.fullmatch(part) for part in ids):
        raise InvalidRequest(reason="a callback goes to …/{training id}/{nonce}, exactly as it was given to fal.ai")
    return ids[0], ids[1]
