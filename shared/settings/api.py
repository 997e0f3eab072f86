"""Settings of what the API serves, and to whom."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_settings import NoDecode

from shared.environment import Group
from shared.settings.addresses import Origins, parts_of, secure_url
from shared.settings.stores import MAX_SIGNED_S

FIREBASE_CERTS_URL = "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
IAP_CERTS_URL = "https://www.gstatic.com/iap/verify/public_key"


class AuthMode(StrEnum):
    """Who vouches for the user: Firebase, Identity-Aware Proxy, or nobody because it is one's own machine."""

    FIREBASE = "firebase"
    IAP = "iap"
    LOCAL = "local"


class ApiSettings(Group):
    """What the API function serves, and to whom."""

    auth_mode: AuthMode = Field(AuthMode.FIREBASE, description="firebase, iap, or local (never with real data)")
    local_user: str = Field("local-user", description="Who asks, with AUTH_MODE=local")
    iap_audience: str = Field("", description="/projects/NUMBER/locations/REGION/services/NAME; needed with iap")
    firebase_certs_url: str = Field(FIREBASE_CERTS_URL, description="Only tests set it")
    iap_certs_url: str = Field(IAP_CERTS_URL, description="Only tests set it")
    identity_keys_timeout_s: float = Field(5.0, description="How long fetching the identity provider's keys may take")
    operators: Annotated[tuple[str, ...], NoDecode, BeforeValidator(parts_of)] = Field(
        (), description="User ids that may see every story, redrive and sweep; with AUTH_MODE=local everybody may"
    )
    cors_origins: Origins = Field((), description="Other origins whose pages may call, exactly, comma separated")
    image_origins: Origins = Field(
        ("https://storage.googleapis.com",), description="Where our pages may show pictures from, comma separated"
    )
    trainings_at_once: int = Field(5, ge=0, description="Trainings that a user may have under way; 0: no limit")
    image_jobs_at_once: int = Field(
        30, ge=0, description="Sets of pictures that a user may have under way; 0: no limit"
    )
    sample_images: int = Field(
        4, ge=0, le=4, description="Pictures that are made by themselves when a training succeeded, and paid; 0: none"
    )
    budget_usd_per_day: float = Field(50.0, ge=0, description="What a user may spend a day (UTC); 0: no limit")
    rate_limit_per_minute: int = Field(600, ge=0, description="Per user and instance; 0: no limit")
    shoot_import: bool = Field(True, description="Whether shoots may be created and filled over the API")
    max_body_bytes: int = Field(1 << 20, description="Bytes of a request body, at most; pictures have their own limit")
    body_timeout_s: float = Field(30.0, gt=0, description="How long a request body may take to arrive")
    file_timeout_s: float = Field(600.0, gt=0, description="The same for a picture that is uploaded")
    download_url_ttl_s: float = Field(60 * 60, le=MAX_SIGNED_S, description="How long a download URL is good for")
    thumbnail_url_ttl_s: float = Field(60 * 60, le=MAX_SIGNED_S, description="The same for small pictures")
    events_poll_s: float = Field(1.0, gt=0, description="How often is looked for news of a training that is followed")
    events_streams: int = Field(200, ge=0, description="Live streams per instance, at most; 0: no limit")
    events_streams_per_user: int = Field(20, ge=0, description="The same per user and instance; 0: no limit")

    _secure = field_validator("firebase_certs_url", "iap_certs_url")(secure_url)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.auth_mode is AuthMode.IAP and not self.iap_audience:
            raise ValueError("AUTH_MODE=iap needs IAP_AUDIENCE: without it any project's IAP could vouch for a user")
        return self
