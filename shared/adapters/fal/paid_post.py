"""The one POST that costs money, sent exactly once (fal.md §1, fal_client).

fal-client tries a submit up to ten times, on its own terms. So the transport under it answers with nothing
but a confirmed acceptance and raises our own errors for everything else, which the retry loop does not catch.
"""

from __future__ import annotations

import time
from contextlib import closing
from functools import partial

import httpx

from shared.adapters.fal.answers import Answer, complaint_of
from shared.adapters.fal.deadlines import UNPACKED, before, timed_transport
from shared.adapters.fal.wire import CONNECT_TIMEOUT_S, observed, own_url, read_answer, rebased
from shared.errors import (
    ProductError,
    SubmissionUncertain,
    TrainerAccountLocked,
    TrainerRejectedInput,
    TrainerUnavailable,
)

MAX_CONFIRMATION_BYTES = 1 << 20

# What httpx raises before the first byte of a request may have left.
NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)

# Answers after which the request may be in fal.ai's queue: "see other" is said of what was accepted, 408 and
# 499 are about the connection, 409 may be about ourselves. Every 5xx is uncertain too.
_UNCERTAIN = frozenset({303, 408, 409, 499})
_ACCOUNT = frozenset({401, 402, 403})


class PaidPost(httpx.BaseTransport):
    """Sends a request once, to FAL_QUEUE_URL whatever its host, on a new connection, and follows nothing.

    The answer that it returns has a request id, and URLs of FAL_QUEUE_URL's origin or empty ones. Raises
    `TrainerUnavailable` where certainly nothing was accepted, `SubmissionUncertain` where it may have been.
    """

    def __init__(self, queue_url: str, *, timeout_s: float) -> None:
        """`timeout_s` bounds the whole exchange; connecting is bounded more tightly."""
        self._queue_url = queue_url
        self._timeout_s = timeout_s
        # a kept connection that the server has just closed would make a harmless failure look uncertain
        self._wire = timed_transport(keep_alive=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it and confirm it, as httpx calls it."""
        answer = self._exchange(self._redirected(request))
        if not answer.ok:
            raise refusal(answer)
        return httpx.Response(200, json=confirmation(answer, self._queue_url))

    def _redirected(self, request: httpx.Request) -> httpx.Request:
        url, headers = rebased(request.url, self._queue_url), request.headers.copy()
        headers.update({"Host": url.netloc.decode("ascii"), **UNPACKED})
        timeout = httpx.Timeout(self._timeout_s, connect=min(self._timeout_s, CONNECT_TIMEOUT_S))
        return httpx.Request(
            request.method,
            url,
            headers=headers,
            stream=request.stream,
            extensions={"timeout": timeout.as_dict()},
        )

    def _exchange(self, request: httpx.Request) -> Answer:
        try:
            return observed("submit", partial(self._once, request))
        except NOTHING_SENT as error:
            raise TrainerUnavailable(reason=f"no connection to {request.url.host}") from error
        except httpx.HTTPError as error:
            raise SubmissionUncertain(reason=type(error).__name__) from error

    def _once(self, request: httpx.Request) -> Answer:
        deadline = time.monotonic() + self._timeout_s
        with before(deadline), closing(self._wire.handle_request(request)) as response:
            return read_answer(response, max_bytes=MAX_CONFIRMATION_BYTES)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()


def confirmation(answer: Answer, queue_url: str) -> dict[str, str]:
    """The ids and URLs of an acceptance; `SubmissionUncertain` where it has no request id.

    A URL that is missing or of another origin becomes empty: the run is bought and known by its id, so it is
    not uncertain, and our key is not sent to where somebody else says.
    """
    said = answer.json or {}
    request_id = said.get("request_id")
    if not isinstance(request_id, str) or not request_id.strip():
        raise SubmissionUncertain(reason=f"HTTP {answer.status} without a request id")
    urls = {name: own_url(said.get(name), queue_url) or "" for name in ("status_url", "response_url", "cancel_url")}
    return {"request_id": request_id, **urls}


def refusal(answer: Answer) -> ProductError:
    """What an answer other than 2xx says about the submission."""
    status, complaint = answer.status, complaint_of(answer)
    if status in _UNCERTAIN or not 300 <= status < 500:
        return SubmissionUncertain(reason=f"HTTP {status}")
    if status < 400:
        return TrainerUnavailable(reason=f"HTTP {status}: a paid request is never redirected, check FAL_QUEUE_URL")
    if status in _ACCOUNT:
        return TrainerAccountLocked(reason=complaint.reason)
    if status == 429:
        return TrainerUnavailable(reason=f"HTTP 429: {complaint.reason}")
    return TrainerRejectedInput(field=complaint.field or "request", reason=complaint.reason)
