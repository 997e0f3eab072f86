"""Every setting, read from the environment once, in small frozen groups. `.env.example` lists them all."""

from __future__ import annotations

import base64
import ipaddress
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from shared.deadlines import Deadlines
from shared.environment import Group

FAL_QUEUE_URL = "https://queue.fal.run"
FAL_API_URL = "https://api.fal.ai"
FAL_JWKS_URL = "https://rest.fal.ai/.well-known/jwks.json"
FAL_MEDIA_HOSTS = ("v3.fal.media", "v3b.fal.media", "v2.fal.media", "fal.media", "storage.googleapis.com/falserverless")
FIREBASE_CERTS_URL = "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
IAP_CERTS_URL = "https://www.gstatic.com/iap/verify/public_key"

SIGNING_SECRET = "whsec_"
MAX_SIGNED_S = 12 * 60 * 60


class Backend(StrEnum):
    """Which set of adapters is used; the emulators are `google`, pointed at other hosts."""

    GOOGLE = "google"
    EMBEDDED = "embedded"


class StoreSettings(Group):
    """Where documents, objects and messages are kept."""

    backend: Backend = Field(Backend.GOOGLE, description="google (also for the emulators) or embedded")
    project: str = Field("", validation_alias="GOOGLE_CLOUD_PROJECT", description="Google Cloud project id")
    database: str = Field("(default)", validation_alias="FIRESTORE_DATABASE", description="Firestore database id")
    shoots_bucket: str = Field("costumes-shoots", description="The app's bucket of pictures and captions")
    datasets_bucket: str = Field("costumes-lora-datasets", description="Where ZIPs lie while their training lasts")
    models_bucket: str = Field("costumes-lora-models", description="Where models are kept")
    thumbnails_bucket: str = Field("costumes-lora-thumbnails", description="Small pictures; may be emptied at any time")
    data_dir: Path = Field(Path(".data"), description="Where the embedded backend keeps everything")
    public_url: str = Field("", description="Under which URL others reach this system")
    signing_account: str = Field("", description="Service account that signs URLs; empty: the one it runs as")
    firestore_emulator_host: str = Field("", description="host:port of the Firestore emulator, where it is used")
    pubsub_emulator_host: str = Field("", description="host:port of the Pub/Sub emulator, where it is used")
    storage_emulator_host: str = Field("", description="URL of the Cloud Storage emulator, where it is used")

    @model_validator(mode="after")
    def _has_project(self) -> Self:
        if self.backend is Backend.GOOGLE and not self.project:
            raise ValueError("GOOGLE_CLOUD_PROJECT is not set: topics and documents need the project's id")
        return self

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
        form = "scheme://host or scheme://host:port, in lower case, without wildcards"
        raise ValueError(f"takes origins, each exactly {form}")
    return url


Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_parts)]


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

    webhook_max_bytes: int = Field(1 << 20, description="Larger callbacks are refused unread")
    webhook_body_timeout_s: float = Field(
        10.0, gt=0, description="How long a callback's body may take to arrive; fal.ai itself waits 15 s for an answer"
    )
    webhook_tolerance_s: float = Field(300.0, description="How old or early a callback's timestamp may be")
    webhook_keys_max_age_s: float = Field(
        24 * 60 * 60, le=24 * 60 * 60, description="How long fal.ai's signing keys are believed without asking"
    )
    webhook_keys_timeout_s: float = Field(5.0, description="How long fetching the signing keys may take")


class DatasetSettings(Group):
    """What the packager accepts, and how much memory it takes for reading ahead."""

    max_images: int = Field(2000, description="Pictures per training, at most")
    max_image_bytes: int = Field(40 << 20, description="Bytes per picture, at most")
    max_image_pixels: int = Field(80_000_000, description="Pixels per picture, at most")
    max_dataset_bytes: int = Field(4 << 30, description="Bytes of all pictures of a training, at most")
    max_caption_bytes: int = Field(16 << 10, description="Bytes per caption file, at most")
    max_caption_characters: int = Field(2000, description="Characters per caption, at most")
    read_ahead_bytes: int = Field(16 << 20, description="Bytes that are read ahead while the ZIP is written")
    read_ahead_objects: int = Field(16, description="Pictures that are read at the same time")
    archive_url_ttl_s: float = Field(MAX_SIGNED_S, le=MAX_SIGNED_S, description="How long the ZIP's URL is good for")


class SubmitSettings(Group):
    """How long a claim holds and how long an archive's URL has to be good for when it is sent."""

    claim_lease_s: float = Field(180.0, description="After this an unanswered submission is looked for at fal.ai")
    archive_url_min_s: float = Field(60 * 60, description="A ZIP's URL that is good for less is signed again first")


class MirrorSettings(Group):
    """What the mirror accepts as artifacts, in bytes."""

    max_weights_bytes: int = Field(4 << 30, description="Bytes of weights that are taken, at most")
    max_config_bytes: int = Field(1 << 20, description="Bytes of configuration that are taken, at most")
    max_made_bytes: int = Field(16 << 20, description="Bytes of a picture made with a model that are taken, at most")
    max_made_pixels: int = Field(20_000_000, description="Pixels of the same, at most")
    staging_s: float = Field(24 * 60 * 60, description="What a killed mirror left unverified is deleted after this")


class MonitorSettings(Group):
    """How one tick of the monitor is bounded and when it acts."""

    tick_trainings: int = Field(500, description="Jobs that one tick looks after, the longest waiting first")
    tick_objects: int = Field(2000, description="ZIPs that one tick looks at")
    progress_interval_s: float = Field(5.0, description="Progress is written at most this often per training")
    stalled_s: float = Field(120.0, description="After this a stage that should have moved is announced again")
    mirror_stalled_s: float = Field(600.0, description="The same for the mirror, which may take its time")
    watch_s: float = Field(
        24 * 60 * 60, description="How long fal.ai is asked about a run that was given up with its end unknown"
    )
    watch_interval_s: float = Field(15 * 60, description="How often it is asked about one")
    leftover_s: float = Field(15 * 60, description="A ZIP whose training is unknown is deleted after this")
    deadline_requested_s: float = Field(Deadlines.requested_s, description="How long packaging may take")
    deadline_packaged_s: float = Field(Deadlines.packaged_s, description="How long a ZIP may wait to be submitted")
    deadline_submitting_s: float = Field(
        Deadlines.submitting_s, description="How long an uncertain submission is looked for before it fails"
    )
    deadline_submitted_s: float = Field(Deadlines.submitted_s, description="How long fal.ai's queue may take")
    deadline_running_s: float = Field(Deadlines.running_s, description="How long the training itself may take")
    deadline_mirroring_s: float = Field(Deadlines.mirroring_s, description="How long fetching the weights may take")
    deadline_images_submitted_s: float = Field(
        Deadlines.images_submitted_s, description="How long fal.ai's queue may take for pictures"
    )
    deadline_images_running_s: float = Field(Deadlines.images_running_s, description="How long making them may take")

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
            images_submitted_s=self.deadline_images_submitted_s,
            images_running_s=self.deadline_images_running_s,
        )


class DeliverySettings(Group):
    """How often a message is delivered before it is a dead letter."""

    max_delivery_attempts: int = Field(10, ge=5, le=100, description="Deliveries of a message before it is dead")


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


class RetentionSettings(Group):
    """What is deleted by itself when it has had its time (models never are), and when a deletion is certain."""

    failed_kept_days: float = Field(
        0, ge=0, description="Days for which what failed or was canceled is kept, with its log; 0: for ever"
    )
    erasure_settles_s: float = Field(
        15 * 60,
        ge=0,
        description="After so long, more than a message is worked on, what changed lately is deleted once more",
    )


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
    operators: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts)] = Field(
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
