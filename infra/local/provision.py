"""Topics, push subscriptions, dead letters and buckets on the emulators, as the Terraform makes them on Google Cloud."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from infra.local.emulators import Emulators
from shared.adapters.google.clients import publisher_client, storage_client
from shared.events import SUBSCRIPTIONS
from shared.settings import StoreSettings

if TYPE_CHECKING:
    from google.pubsub_v1 import SubscriberClient


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How pushes are tried again: locally much sooner than on Google Cloud, where minutes lie between."""

    ack_deadline_s: int = 600
    minimum_backoff_s: float = 0.2
    maximum_backoff_s: float = 10.0
    max_attempts: int = 10


def subscription_name(topic: str, function: str) -> str:
    """The name of the function's subscription to the topic."""
    return f"{topic}-{function}"


def dead_letter_name(subscription: str) -> str:
    """The name of the topic for the subscription's dead letters, and of that topic's own pull subscription."""
    return f"{subscription}-dead-letter"
