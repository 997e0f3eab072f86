"""The real stores of a running stack, read past the API: what the rules judge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.fal_simulator.control import SimulatorControl
from infra.local.stack import Stack
from shared.adapters.crc32c import Crc32c
from shared.ports import AccountRepository, ModelRepository, ObjectInfo, Objects, StoryRepository, TrainingRepository
from shared.settings import Backend, MonitorSettings, StoreSettings
from shared.trainings import Training
from tests.evidence import Evidence, FalRun

OWNER = "local-user"


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Documents and buckets of a stack, whatever its backend."""

    trainings: TrainingRepository
    models: ModelRepository
    accounts: AccountRepository
    stories: StoryRepository
    datasets: Objects
    kept: Objects
    monitor: MonitorSettings

    def all_trainings(self) -> tuple[Training, ...]:
        """Every training, the newest first."""
        return tuple(_pages(self.trainings))

    def evidence(self, fal: SimulatorControl, *, earlier: tuple[Training, ...], patience: timedelta) -> Evidence:
        """Everything that there is now. Kept objects are read and their checksums computed anew."""
        return Evidence(
            now=datetime.now(UTC),
            trainings=self.all_trainings(),
            models=tuple(_pages(self.models)),
            accounts=(self.accounts.get(OWNER),),
            runs=tuple(map(_run, fal.requests())),
            kept=tuple(_as_read(self.kept, found) for found in self.kept.list("")),
            archives=tuple(self.datasets.list("")),
            earlier=earlier,
            deadlines=self.monitor.deadlines,
            patience=patience,
        )


def stores_of(stack: Stack) -> Stores:
    """The stores that the functions of `stack` use."""
    environment = {name.lower(): value for name, value in stack.environment.items()}
    settings = StoreSettings.model_validate(
        {**environment, "GOOGLE_CLOUD_PROJECT": environment.get("google_cloud_project", "")}
    )
    monitor = MonitorSettings.model_validate(environment)
    if settings.backend is Backend.EMBEDDED:
        return _embedded(settings, monitor)
    return _google(settings, monitor)


def _embedded(settings: StoreSettings, monitor: MonitorSettings) -> Stores:
    from shared.adapters.embedded.accounts import SqliteAccounts
    from shared.adapters.embedded.database import Database
    from shared.adapters.embedded.jobs import SqliteTrainings
    from shared.adapters.embedded.models import SqliteModels
    from shared.adapters.embedded.objects import DirectoryObjects
    from shared.adapters.embedded.signing import UrlSigner, load_or_create_secret
    from shared.adapters.embedded.stories import SqliteStories

    database = Database(settings.data_dir / "documents.sqlite3")
    signer = UrlSigner(settings.public_url, load_or_create_secret(settings.data_dir / "url-signing.key"))
    objects = settings.data_dir / "objects"
    return Stores(
        trainings=SqliteTrainings(database),
        models=SqliteModels(database),
        accounts=SqliteAccounts(database),
        stories=SqliteStories(database),
        datasets=DirectoryObjects(objects, settings.datasets_bucket, signer),
        kept=DirectoryObjects(objects, settings.models_bucket, signer),
        monitor=monitor,
    )


def _google(settings: StoreSettings, monitor: MonitorSettings) -> Stores:
    from shared.adapters.google.accounts import FirestoreAccounts
    from shared.adapters.google.clients import firestore_client, storage_client, storage_signer
    from shared.adapters.google.jobs import FirestoreTrainings
    from shared.adapters.google.models import FirestoreModels
    from shared.adapters.google.objects import CloudStorageObjects
    from shared.adapters.google.stories import FirestoreStories

    documents, storage, signer = firestore_client(settings), storage_client(settings), storage_signer(settings)
    return Stores(
        trainings=FirestoreTrainings(documents),
        models=FirestoreModels(documents),
        accounts=FirestoreAccounts(documents),
        stories=FirestoreStories(documents),
        datasets=CloudStorageObjects(storage, settings.datasets_bucket, signer),
        kept=CloudStorageObjects(storage, settings.models_bucket, signer),
        monitor=monitor,
    )


def _pages(repository: TrainingRepository | ModelRepository) -> Iterator[Any]:
    cursor = None
    while True:
        page = repository.list_for_owner(OWNER, limit=100, cursor=cursor)
        yield from page.items
        if (cursor := page.next_cursor) is None:
            return


def _as_read(bucket: Objects, found: ObjectInfo) -> ObjectInfo:
    checksum, size = Crc32c(), 0
    for chunk in bucket.read(found.name):
        checksum.update(chunk)
        size += len(chunk)
    return replace(found, size=size, crc32c=checksum.text())


def _run(row: dict[str, Any]) -> FalRun:
    weights = row["artifacts"].get("diffusers_lora_file") or {}
    return FalRun(
        request_id=row["request_id"],
        training_id=row["webhook_url"].split("/")[-2],
        billed=row["billed"],
        delivered=bool(row["result"]) and row["result"]["status_code"] == 200,
        sha256=weights.get("sha256"),
    )
