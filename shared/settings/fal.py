"""Settings of how fal.ai is reached, and how it reaches us."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from shared.environment import Group
from shared.settings.addresses import parts_of, secure_url

FAL_QUEUE_URL = "https://queue.fal.run"
FAL_API_URL = "https://api.fal.ai"
FAL_JWKS_URL = "https://rest.fal.ai/.well-known/jwks.json"
FAL_MEDIA_HOSTS = ("v3.fal.media", "v3b.fal.media", "v2.fal.media", "fal.media", "storage.googleapis.com/falserverless")


class FalSettings(Group):
    """How fal.ai is reached. Plain http is accepted for loopback only."""

    fal_key: SecretStr = Field(SecretStr(""), description="The key of the fal.ai account that pays")
    fal_queue_url: str = Field(FAL_QUEUE_URL, description="fal.ai's queue; http for loopback only")
    fal_api_url: str = Field(FAL_API_URL, description="fal.ai's platform API, with or without /v1")
    fal_jwks_url: str = Field(FAL_JWKS_URL, description="The keys that sign fal.ai's callbacks")
    fal_media_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        FAL_MEDIA_HOSTS, description="Hosts that artifacts may come from, comma separated, each with a path if need be"
    )
    fal_user_id: str = Field("", description="The fal.ai user that callbacks must name; empty: any")
    fal_timeout_s: float = Field(60.0, description="How long one call of fal.ai may take")
    public_url: str = Field("", description="Under which URL others reach this system")
    webhook_url: str = Field("", description="The webhook function's own URL; empty: PUBLIC_URL + /webhooks/fal")

    _split = field_validator("fal_media_hosts", mode="before")(parts_of)

    _secure = field_validator("fal_queue_url", "fal_api_url", "fal_jwks_url", "public_url", "webhook_url")(secure_url)

    @model_validator(mode="after")
    def _without_version(self) -> Self:
        # both spellings are in use: with and without the API's version
        object.__setattr__(self, "fal_api_url", self.fal_api_url.removesuffix("/v1"))
        return self

    @property
    def webhook_base(self) -> str:
        """What the webhook's ids are appended to."""
        return self.webhook_url or f"{self.public_url}/webhooks/fal"


class WebhookSettings(Group):
    """What the webhook function allows itself and others."""

    webhook_max_bytes: int = Field(1 << 20, description="Larger callbacks are refused unread")
    webhook_body_timeout_s: float = Field(
        10.0, gt=0, description="How long a callback's body may take to arrive; fal.ai itself waits 15 s for an answer"
    )
    webhook_tolerance_s: float = Field(300.0, description="How old or early a callback's timestamp may be")
    webhook_keys_max_age_s: float = Field(
        24 * 60 * 60, le=24 * 60 * 60, description="How long fal.ai's signing keys are believed without asking"
    )
    webhook_keys_timeout_s: float = Field(5.0, description="How long fetching the signing keys may take")
