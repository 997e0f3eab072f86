"""Every setting, read from the environment once, in small frozen groups. `.env.example` lists them all.

One module for each concern; everything is imported from here.
"""

from shared.environment import Group
from shared.settings.addresses import is_loopback, secure_url
from shared.settings.api import ApiSettings, AuthMode
from shared.settings.fal import FAL_MEDIA_HOSTS, FAL_QUEUE_URL, FalSettings, WebhookSettings
from shared.settings.stages import (
    DatasetSettings,
    DeliverySettings,
    MirrorSettings,
    MonitorSettings,
    RetentionSettings,
    SubmitSettings,
)
from shared.settings.stores import MAX_SIGNED_S, Backend, StoreSettings
from shared.settings.telling import NotifySettings, StorySettings, Tracing, TracingSettings

GROUPS: tuple[type[Group], ...] = (
    StoreSettings,
    FalSettings,
    WebhookSettings,
    DatasetSettings,
    SubmitSettings,
    MirrorSettings,
    MonitorSettings,
    DeliverySettings,
    NotifySettings,
    StorySettings,
    RetentionSettings,
    TracingSettings,
    ApiSettings,
)
"""All groups, in the order in which they are told of."""

__all__ = [
    "FAL_MEDIA_HOSTS",
    "FAL_QUEUE_URL",
    "GROUPS",
    "MAX_SIGNED_S",
    "ApiSettings",
    "AuthMode",
    "Backend",
    "DatasetSettings",
    "DeliverySettings",
    "FalSettings",
    "MirrorSettings",
    "MonitorSettings",
    "NotifySettings",
    "RetentionSettings",
    "StoreSettings",
    "StorySettings",
    "SubmitSettings",
    "Tracing",
    "TracingSettings",
    "WebhookSettings",
    "is_loopback",
    "secure_url",
]
