"""The webhook's use case: verify that fal.ai called, then say where to look. Nothing of the body is believed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shared import logs
from shared.errors import InvalidRequest
from shared.events import ResultReported
from shared.ports import Publisher, WebhookVerifier

_PATH = re.compile(r"^/*(?:.*/)?(?P<training_id>[A-Za-z0-9_-]{1,128})/(?P<nonce>[A-Za-z0-9_-]{1,128})$")


def report_result(
    path: str, headers: Mapping[str, str], body: bytes, *, verifier: WebhookVerifier, publisher: Publisher
) -> ResultReported:
    """Publish that fal.ai reports a result for the ids in `path` and the request id that it signed.

    `InvalidRequest` for a path that is not ours, `WebhookForged`, `WebhookKeysUnavailable`, `MessagingUnavailable`.
    """
    ours = _PATH.match(path)
    if ours is None:
        raise InvalidRequest(reason="a callback goes to …/{training id}/{nonce}, exactly as it was given to fal.ai")
    request_id = verifier.verify(headers, body)
    event = ResultReported(training_id=ours["training_id"], nonce=ours["nonce"], request_id=request_id)
    publisher.publish(event)
    logs.info("result_reported", training_id=event.training_id, request_id=request_id)
    return event
