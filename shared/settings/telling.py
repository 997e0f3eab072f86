"""Settings of what is told of jobs: to a receiver outside, in stories, and as spans."""

from __future__ import annotations

import base64
from enum import StrEnum

from pydantic import Field, SecretStr, field_validator

from shared.environment import Group
from shared.settings.addresses import secure_url

SIGNING_SECRET = "whsec_"


class NotifySettings(Group):
    """Who is told when a job has ended (docs/notifications.md); nobody where NOTIFY_URL is empty."""

    notify_url: str = Field("", description="Where ends of jobs are POSTed, signed; empty: nobody is notified")
    notify_secret: SecretStr = Field(
        SecretStr(""),
        description="What they are signed with, whsec_…; two of them while it is changed, the new one first",
    )
    notify_timeout_s: float = Field(15.0, gt=0, le=30, description="How long the receiver may take to answer")
    console_url: str = Field("", description="Where the console is, for links to it; empty: PUBLIC_URL")
    public_url: str = Field("", description="Under which URL others reach this system")

    _secure = field_validator("console_url", "public_url")(secure_url)

    @field_validator("notify_url")
    @classmethod
    def _secure_as_it_is(cls, value: str) -> str:
        secure_url(value)
        return value

    @field_validator("notify_secret")
    @classmethod
    def _signs(cls, value: SecretStr) -> SecretStr:
        for secret in value.get_secret_value().split():
            _require_signing_secret(secret)
        return value

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets, each of which signs."""
        return tuple(self.notify_secret.get_secret_value().split())

    @property
    def link_base(self) -> str:
        """What the console's paths are appended to; empty where it is not known."""
        return self.console_url or self.public_url


def _require_signing_secret(secret: str) -> None:
    try:
        key = base64.b64decode(secret.removeprefix(SIGNING_SECRET), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(SIGNING_SECRET) or not 24 <= len(key) <= 64:
        raise ValueError(f"must be {SIGNING_SECRET} and then 24 to 64 random bytes in base64")


class StorySettings(Group):
    """How long it is remembered what happened to a training."""

    story_kept_days: float = Field(90, gt=0, description="Days for which the story of a training is kept")


class Tracing(StrEnum):
    """Where spans are sent: nowhere, to Google's Cloud Trace, or to a collector that speaks OTLP."""

    OFF = "off"
    CLOUD = "cloud"
    OTLP = "otlp"


class TracingSettings(Group):
    """Whether the parts of a request's and a message's way are measured (docs/observability.md)."""

    tracing: Tracing = Field(Tracing.OFF, description="Where spans are sent: off, cloud (Cloud Trace) or otlp")
    tracing_share: float = Field(
        1.0, ge=0, le=1, description="How many of the ways that begin here are recorded, of 1; others as they say"
    )
    otlp_endpoint: str = Field(
        "http://127.0.0.1:4318",
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="The collector's address, with TRACING=otlp",
    )

    _secure = field_validator("otlp_endpoint")(secure_url)
