"""Publishing to Cloud Pub/Sub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
        self._timeout_s = timeout_s
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
            self.send(event.topic, encode(event), {"event": event.topic, **message_attributes()})

    def send(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
        """Publish what is a message already, as it is; else as `publish`."""
        path = self._client.topic_path(self._project, topic)
        with translated():
            sent = self._client.publish(path, data, retry=self._retry, timeout=self._timeout_s, **attributes)
            sent.result(timeout=self._timeout_s)


@contextmanager
def translated() -> Iterator[None]:
    """Within the block, what Google's clients raise becomes `MessagingUnavailable`."""
    try:
        yield
    except (GoogleAPIError, GoogleAuthError, FutureTimeout) as error:
        cause = error.cause if isinstance(error, RetryError) else None
        raise MessagingUnavailable(reason=type(cause or error).__name__) from error
