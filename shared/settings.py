"""Every setting, read from the environment once, in small frozen groups. `.env.example` lists them all."""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.trainings import Deadlines

FAL_QUEUE_URL = "https://queue.fal.run"
FAL_API_URL = "https://api.fal.ai"
FAL_JWKS_URL = "https://rest.fal.ai/.well-known/jwks.json"
FAL_MEDIA_HOSTS = ("v3.fal.media", "v3b.fal.media", "v2.fal.media", "fal.media", "storage.googleapis.com/falserverless")
FIREBASE_CERTS_URL = "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
IAP_CERTS_URL = "https://www.gstatic.com/iap/verify/public_key"

MAX_SIGNED_S = 12 * 60 * 60


class Group(BaseSettings):
    """What all groups share: frozen, from the environment, an empty variable counts as not set."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")


class Backend(StrEnum):
    """Which set of adapters is used; the emulators are `google`, pointed at other hosts."""

    GOOGLE = "google"
    EMBEDDED = "embedded"


class StoreSettings(Group):
    """Where documents, objects and messages are kept."""

    backend: Backend = Backend.GOOGLE
    project: str = Field("", validation_alias="GOOGLE_CLOUD_PROJECT", description="Google Cloud project id")
    database: str = Field("(default)", validation_alias="FIRESTORE_DATABASE")
    shoots_bucket: str = "costumes-shoots"
    datasets_bucket: str = "costumes-lora-datasets"
    models_bucket: str = "costumes-lora-models"
    data_dir: Path = Field(Path(".data"), description="Where the embedded backend keeps everything")
    public_url: str = Field("", description="Under which URL others reach this system")
    signing_account: str = Field("", description="Service account that signs URLs; empty: the one it runs as")
    firestore_emulator_host: str = ""
    pubsub_emulator_host: str = ""
    storage_emulator_host: str = ""

    @property
    def on_emulators(self) -> bool:
        """Whether every Google client talks to an emulator, so that nothing of anybody's is touched."""
        return bool(self.firestore_emulator_host and self.pubsub_emulator_host and self.storage_emulator_host)

    @property
    def storage_emulator_url(self) -> str:
        """Where the storage emulator's signed URLs lead, empty without one; it is named with or without its scheme."""
        host = self.storage_emulator_host.rstrip("/")
        return host if not host or "://" in host else f"http://{host}"


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine, by its literal name or address; nothing is resolved."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def secure_url(value: str) -> str:
    """The URL without a final slash; `ValueError` where it is neither https nor this machine's loopback address."""
    if value and not value.startswith("https://") and not (value.startswith("http://") and is_loopback(value)):
        raise ValueError("must be https; plain http is accepted for this machine's loopback address only")
    return value.rstrip("/")


def _parts(value: object) -> object:
    """A comma separated text as a tuple; anything else as it is."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _origin(value: str) -> str:
    url = secure_url(value)
    if not re.fullmatch(r"https?://[a-z0-9.\[\]:-]+", url):
        raise ValueError("an origin is exactly scheme://host or scheme://host:port, in lower case, without wildcards")
    return url


Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_parts)]


class FalSettings(Group):
    """How fal.ai is reached. Plain http is accepted for loopback only."""

    fal_key: SecretStr = SecretStr("")
    fal_queue_url: str = FAL_QUEUE_URL
    fal_api_url: str = FAL_API_URL
    fal_jwks_url: str = FAL_JWKS_URL
    fal_media_hosts: Annotated[tuple[str, ...], NoDecode] = FAL_MEDIA_HOSTS
    fal_user_id: str = Field("", description="The fal.ai user that callbacks must name; empty: any")
    fal_timeout_s: float = 60.0
    public_url: str = ""
    webhook_url: str = Field("", description="The webhook function's own URL; empty: PUBLIC_URL + /webhooks/fal")

    _split = field_validator("fal_media_hosts", mode="before")(_parts)

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

    webhook_max_bytes: int = 1 << 20
    webhook_tolerance_s: float = 300.0
    webhook_keys_max_age_s: float = Field(24 * 60 * 60, le=24 * 60 * 60)
    webhook_keys_timeout_s: float = 5.0


class DatasetSettings(Group):
    """What the packager accepts, and how much memory it takes for reading ahead."""

    max_images: int = 2000
    max_image_bytes: int = 40 << 20
    max_image_pixels: int = 80_000_000
    max_dataset_bytes: int = 4 << 30
    max_caption_bytes: int = 16 << 10
    max_caption_characters: int = 2000
    read_ahead_bytes: int = 24 << 20
    read_ahead_objects: int = 16
    archive_url_ttl_s: float = Field(MAX_SIGNED_S, le=MAX_SIGNED_S)


class SubmitSettings(Group):
    """How long a claim holds and how long an archive's URL has to be good for when it is sent."""

    claim_lease_s: float = 180.0
    archive_url_min_s: float = 60 * 60


class MirrorSettings(Group):
    """What the mirror accepts as artifacts, in bytes."""

    max_weights_bytes: int = 4 << 30
    max_config_bytes: int = 1 << 20


class MonitorSettings(Group):
    """How one tick of the monitor is bounded and when it acts."""

    tick_trainings: int = 500
    tick_objects: int = 2000
    progress_interval_s: float = 5.0
    stalled_s: float = Field(120.0, description="After this a stage that should have moved is announced again")
    mirror_stalled_s: float = Field(600.0, description="The same for the mirror, which may take its time")
    leftover_s: float = Field(15 * 60, description="A ZIP whose training is unknown is deleted after this")
    deadline_requested_s: float = Deadlines.requested_s
    deadline_packaged_s: float = Deadlines.packaged_s
    deadline_submitting_s: float = Field(
        Deadlines.submitting_s, description="How long an uncertain submission is looked for before it fails"
    )
    deadline_submitted_s: float = Deadlines.submitted_s
    deadline_running_s: float = Deadlines.running_s
    deadline_mirroring_s: float = Deadlines.mirroring_s

    @property
    def deadlines(self) -> Deadlines:
        """The deadlines as the domain knows them."""
        return Deadlines(
            requested_s=self.deadline_requested_s,
            packaged_s=self.deadline_packaged_s,
            submitting_s=self.deadline_submitting_s,
            submitted_s=self.deadline_submitted_s,
            running_s=self.deadline_running_s,
            mirroring_s=self.deadline_mirroring_s,
        )


class DeliverySettings(Group):
    """How often a message is delivered before it is a dead letter."""

    max_delivery_attempts: int = Field(10, ge=5, le=100)


class AuthMode(StrEnum):
    """Who vouches for the user: Firebase, Identity-Aware Proxy, or nobody because it is one's own machine."""

    FIREBASE = "firebase"
    IAP = "iap"
    LOCAL = "local"


class ApiSettings(Group):
    """What the API function serves, and to whom."""

    auth_mode: AuthMode = AuthMode.FIREBASE
    local_user: str = "local-user"
    iap_audience: str = Field("", description="/projects/NUMBER/locations/REGION/services/NAME; needed with iap")
    firebase_certs_url: str = Field(FIREBASE_CERTS_URL, description="Only tests set it")
    iap_certs_url: str = Field(IAP_CERTS_URL, description="Only tests set it")
    identity_keys_timeout_s: float = 5.0
    cors_origins: Origins = Field((), description="Other origins whose pages may call, exactly, comma separated")
    image_origins: Origins = Field(
        ("https://storage.googleapis.com",), description="Where our pages may show pictures from, comma separated"
    )
    rate_limit_per_minute: int = Field(600, ge=0, description="Per user and instance; 0: no limit")
    shoot_import: bool = Field(True, description="Whether shoots may be created and filled over the API")
    max_body_bytes: int = 1 << 20
    download_url_ttl_s: float = Field(60 * 60, le=MAX_SIGNED_S)
    events_poll_s: float = 1.0

    _secure = field_validator("firebase_certs_url", "iap_certs_url")(secure_url)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.auth_mode is AuthMode.IAP and not self.iap_audience:
            raise ValueError("AUTH_MODE=iap needs IAP_AUDIENCE: without it any project's IAP could vouch for a user")
        return self
