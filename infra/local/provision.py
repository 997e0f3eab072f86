"""Topics, push subscriptions, dead letters and buckets on the emulators, as the Terraform makes them on
Google Cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
from google.api_core.exceptions import AlreadyExists, Conflict
from google.pubsub_v1 import PublisherClient, PushConfig, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from infra.local.emulators import Emulators
from shared.adapters.google.clients import storage_client
from shared.events import dead_letter_name, subscription_name, subscriptions
from shared.settings import StoreSettings

CALL_S = 10.0
DEAD_LETTER_ACK_DEADLINE_S = 60


@dataclass(frozen=True, kw_only=True)
class PushPolicy:
    """How pushes are tried again: locally within seconds, where Google Cloud takes its time.

    Pub/Sub allows 5 to 100 attempts and ack deadlines of 10 to 600 seconds.
    """

    ack_deadline_s: int = 600
    minimum_backoff_s: float = 0.2
    maximum_backoff_s: float = 10.0
    max_attempts: int = 10


def provision(
    emulators: Emulators,
    push_to: str | Mapping[str, str],
    *,
    settings: StoreSettings | None = None,
    policy: PushPolicy | None = None,
    notifies: bool = True,
) -> None:
    """Make what `shared.events.subscriptions` and `settings` name; pushes go to `{push_to}/_push/{function}`, or to
    the URL that `push_to` has for the function.

    What is there already stays, with its messages and objects; only the pushes are pointed to the new
    address. `settings` are the emulators' own where none are given.
    """
    settings = settings or emulators.settings()
    buckets = (settings.shoots_bucket, settings.datasets_bucket, settings.models_bucket, settings.thumbnails_bucket)
    make_buckets(settings, buckets)
    with publisher_of(emulators) as topics, subscriber_of(emulators) as subscribers:
        names = _Names(emulators.project)
        for topic, functions in subscriptions(notifies=notifies).items():
            _once(topics.create_topic, name=names.topic(topic), timeout=CALL_S)
            for function in functions:
                subscription = subscription_name(topic, function)
                _make_dead_letter(topics, subscribers, names, dead_letter_name(subscription))
                push = PushConfig(push_endpoint=_endpoint(push_to, function))
                request = _push_subscription(names, topic, subscription, push, policy or PushPolicy())
                _once(subscribers.create_subscription, request=request, timeout=CALL_S)
                subscribers.modify_push_config(subscription=request["name"], push_config=push, timeout=CALL_S)


def _endpoint(push_to: str | Mapping[str, str], function: str) -> str:
    return f"{push_to}/_push/{function}" if isinstance(push_to, str) else push_to[function]


def make_buckets(settings: StoreSettings, names: Iterable[str]) -> None:
    """Make the buckets that are not there yet, without soft delete: what is deleted locally is gone."""
    client = storage_client(settings)
    try:
        for name in names:
            bucket = client.bucket(name)
            bucket.soft_delete_policy.retention_duration_seconds = 0
            _once(client.create_bucket, bucket_or_name=bucket, timeout=CALL_S)
    finally:
        client.close()


def publisher_of(emulators: Emulators) -> PublisherClient:
    """A client for topics, to be closed by `with`."""
    return PublisherClient(transport=PublisherGrpcTransport(channel=grpc.insecure_channel(emulators.pubsub_host)))


def subscriber_of(emulators: Emulators) -> SubscriberClient:
    """A client for subscriptions and pulling, to be closed by `with`."""
    return SubscriberClient(transport=SubscriberGrpcTransport(channel=grpc.insecure_channel(emulators.pubsub_host)))


@dataclass(frozen=True)
class _Names:
    project: str

    def topic(self, name: str) -> str:
        return f"projects/{self.project}/topics/{name}"

    def subscription(self, name: str) -> str:
        return f"projects/{self.project}/subscriptions/{name}"


def _push_subscription(
    names: _Names, topic: str, subscription: str, push: PushConfig, policy: PushPolicy
) -> dict[str, Any]:
    return {
        "name": names.subscription(subscription),
        "topic": names.topic(topic),
        "push_config": push,
        "ack_deadline_seconds": policy.ack_deadline_s,
        "retry_policy": {
            "minimum_backoff": timedelta(seconds=policy.minimum_backoff_s),
            "maximum_backoff": timedelta(seconds=policy.maximum_backoff_s),
        },
        "dead_letter_policy": {
            "dead_letter_topic": names.topic(dead_letter_name(subscription)),
            "max_delivery_attempts": policy.max_attempts,
        },
    }


def _make_dead_letter(topics: PublisherClient, subscriptions: SubscriberClient, names: _Names, name: str) -> None:
    _once(topics.create_topic, name=names.topic(name), timeout=CALL_S)
    _once(
        subscriptions.create_subscription,
        request={
            "name": names.subscription(name),
            "topic": names.topic(name),
            "ack_deadline_seconds": DEAD_LETTER_ACK_DEADLINE_S,
        },
        timeout=CALL_S,
    )


def _once(create: Callable[..., object], **arguments: Any) -> None:
    try:
        create(**arguments)
    except (AlreadyExists, Conflict):
        return
