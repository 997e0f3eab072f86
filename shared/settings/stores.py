"""Settings of where everything is kept."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from shared.environment import Group

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
