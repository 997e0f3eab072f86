"""The receiver of notifications, called as Standard Webhooks 1.0 says (standardwebhooks.com)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property

import httpx
from standardwebhooks import Webhook

from shared.adapters.fal.deadlines import TimedClient, before
from shared.errors import NotificationRefused, NotificationUndelivered
from shared.ports import Clock

# Said of a moment, and not of us: too slow, too early, too often, and a receiver that is just being replaced.
_FOR_NOW = frozenset({404, 408, 425, 429})


class WebhookReceiver:
    """POSTs notifications to one address, signed with every one of `secrets`; fulfils `Receiver`.

    Redirects are not followed, and an answer's body is not read. Nothing is opened before the first call.
    """

    def __init__(self, url: str, secrets: Sequence[str], clock: Clock, *, timeout_s: float) -> None:
        """Several secrets are for a change of them: the receiver takes a signature by any (`whsec_…` each)."""
        self._url = url
        self._signers = [Webhook(secret) for secret in secrets]
        self._clock = clock
        self._timeout_s = timeout_s

    @cached_property
    def _client(self) -> httpx.Client:
        return TimedClient(keep_alive=False, timeout=self._timeout_s)

    def post(self, notice_id: str, body: str) -> None:
        """Return when the receiver said 2xx. `timeout_s` bounds the whole exchange."""
        status = self._sent(notice_id, body)
        if 200 <= status < 300:
            return
        if 300 <= status < 500 and status not in _FOR_NOW:
            raise NotificationRefused(reason=f"HTTP {status}")
        raise NotificationUndelivered(reason=f"HTTP {status}")

    def _sent(self, notice_id: str, body: str) -> int:
        if not self._signers:
            raise NotificationRefused(reason="NOTIFY_SECRET is not set, and nothing is sent unsigned")
        now = self._clock.now()
        headers = {
            "content-type": "application/json",
            "user-agent": "costumes-lora",
            "webhook-id": notice_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signer.sign(notice_id, now, body) for signer in self._signers),
        }
        try:
            with (
                before(time.monotonic() + self._timeout_s),
                self._client.stream("POST", self._url, content=body.encode(), headers=headers) as answer,
            ):
                return answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotificationUndelivered(reason=type(error).__name__) from error

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        if client := self.__dict__.pop("_client", None):
            client.close()
