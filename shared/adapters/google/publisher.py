"""Publishing to Cloud Pub/Sub."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from typing import TYPE_CHECKING

from google.api_core.exceptions import GoogleAPIError, InternalServerError, RetryError, ServiceUnavailable
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError

from shared.errors import MessagingUnavailable
from shared.events import Event
from shared.messaging import encode
from shared.tracing import message_attributes, publishing

if TYPE_CHECKING:
    from google.cloud.pubsub_v1 import PublisherClient


class PubSubPublisher:
    """Publishes each event to its topic; the message's attribute `event` names the topic.

    `timeout_s` bounds the whole publish with its retries. After a `MessagingUnavailable` the message may have
    been sent all the same: consumers expect messages twice.
    """

    def __init__(self, client: PublisherClient, project: str, *, timeout_s: float = 10.0) -> None:
        """Publish to the topics of `project`."""
        self._client = client
        self._project = project
        self.timeout_s = timeout_s
        self._retry = Retry(
            predicate=if_exception_type(ServiceUnavailable, InternalServerError),
            initial=0.1,
            maximum=2.0,
            timeout=timeout_s,
        )

    def publish(self, event: Event) -> None:
        """Return when Pub/Sub has stored the message; `MessagingUnavailable` where it did not say so in
        time."""
        with publishing(event):
            self.send(event.topic, encode(event), _attributes(event))

    def send(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
        """Publish what is a message already, as it is; else as `publish`."""
        with translated():
            self.begin(topic, data, attributes).result(timeout=self.timeout_s)

    def begin(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> Future[str]:
        """The message on its way; Google's errors come as they are."""
        path = self._client.topic_path(self._project, topic)
        sent: Future[str] = self._client.publish(path, data, retry=self._retry, timeout=self.timeout_s, **attributes)
        return sent


class AsyncPubSubPublisher:
    """Fulfils `AsyncPublisher`."""

    def __init__(self, publisher: PubSubPublisher) -> None:
        """Publish as `publisher` does."""
        self._publisher = publisher

    async def publish(self, event: Event) -> None:
        """As `PubSubPublisher.publish`."""
        with publishing(event), translated():
            sent = self._publisher.begin(event.topic, encode(event), _attributes(event))
            await asyncio.wait_for(asyncio.wrap_future(sent), self._publisher.timeout_s)


def _attributes(event: Event) -> Mapping[str, str]:
    return {"event": event.topic, **message_attributes()}


@contextmanager
def translated() -> Iterator[None]:
    """Within the block, what Google's clients raise becomes `MessagingUnavailable`."""
    try:
        yield
    except (GoogleAPIError, GoogleAuthError, FutureTimeout) as error:
        cause = error.cause if isinstance(error, RetryError) else None
        raise MessagingUnavailable(reason=type(cause or error).__name__) from error
