"""The composition root: settings are read once, adapters are built once, lazily, on first use, and nowhere else.

Lazily, because the module is imported before the server forks, and gRPC clients made before a fork hang; and because a
function must not import the SDKs that it does not use.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from shared.accounts import Limits
from shared.all_jobs import Jobs
from shared.edge import Edge
from shared.events import subscriptions
from shared.finishing import finish_job
from shared.jobs import Job
from shared.messaging import Consumer
from shared.narrating import Narrator
from shared.settings import (
    ApiSettings,
    AuthMode,
    Backend,
    DatasetSettings,
    DeliverySettings,
    FalSettings,
    MirrorSettings,
    MonitorSettings,
    NotifySettings,
    RetentionSettings,
    StoreSettings,
    StorySettings,
    SubmitSettings,
    Tracing,
    TracingSettings,
    WebhookSettings,
)
from shared.stages import Stage
from shared.tracing import Tracer

if TYPE_CHECKING:
    from google.cloud.firestore import Client as FirestoreClient
    from google.cloud.storage import Client as StorageClient

    from shared.adapters.embedded.database import Database
    from shared.adapters.embedded.queue import SqliteQueue
    from shared.adapters.embedded.signing import UrlSigner
    from shared.adapters.google.publisher import PubSubPublisher
    from shared.adapters.google.signers import Signer
    from shared.ports import (
        AccountRepository,
        ArtifactSource,
        AsyncPublisher,
        Authenticator,
        Clock,
        DeadLetters,
        ErasureRepository,
        ImageJobRepository,
        ModelRepository,
        NoticeRepository,
        Objects,
        Publisher,
        Receiver,
        ShootRepository,
        StoryRepository,
        Trainer,
        TrainingRepository,
        WebhookVerifier,
    )

store_settings = cache(StoreSettings)
fal_settings = cache(FalSettings)
webhook_settings = cache(WebhookSettings)
dataset_settings = cache(DatasetSettings)
submit_settings = cache(SubmitSettings)
mirror_settings = cache(MirrorSettings)
monitor_settings = cache(MonitorSettings)
delivery_settings = cache(DeliverySettings)
api_settings = cache(ApiSettings)
tracing_settings = cache(TracingSettings)
story_settings = cache(StorySettings)
notify_settings = cache(NotifySettings)
retention_settings = cache(RetentionSettings)


@cache
def user_limits() -> Limits:
    """What a user may spend and run at once; 0 in the settings means no limit."""
    settings = api_settings()
    return Limits(
        trainings_at_once=settings.trainings_at_once or None,
        usd_per_day=settings.budget_usd_per_day or None,
        image_jobs_at_once=settings.image_jobs_at_once or None,
    )


def new_nonce() -> str:
    """An unguessable name: 144 random bits, fit for URLs and object names."""
    return secrets.token_urlsafe(18)


@cache
def clock() -> Clock:
    """The system's time."""
    from shared.adapters.clock import SystemClock

    return SystemClock()


def _embedded() -> bool:
    return store_settings().backend is Backend.EMBEDDED


@cache
def _database() -> Database:
    from shared.adapters.embedded.database import Database

    return Database(store_settings().data_dir / "documents.sqlite3")


@cache
def url_signer() -> UrlSigner:
    """What signs and verifies the URLs of embedded objects."""
    from shared.adapters.embedded.signing import UrlSigner, load_or_create_secret

    secret = load_or_create_secret(store_settings().data_dir / "url-signing.key")
    return UrlSigner(store_settings().public_url, secret)


@cache
def queue() -> SqliteQueue:
    """The embedded queue, for its dispatcher."""
    from shared.adapters.embedded.queue import SqliteQueue

    return SqliteQueue(
        _database(), max_attempts=delivery_settings().max_delivery_attempts, subscriptions=_subscriptions()
    )


def _subscriptions() -> Mapping[str, tuple[str, ...]]:
    return subscriptions(notifies=bool(notify_settings().notify_url))


@cache
def _firestore() -> FirestoreClient:
    from shared.adapters.google.clients import firestore_client

    return firestore_client(store_settings())


@cache
def _storage() -> StorageClient:
    from shared.adapters.google.clients import storage_client

    return storage_client(store_settings())


@cache
def _storage_signer() -> Signer:
    from shared.adapters.google.clients import storage_signer

    return storage_signer(store_settings())


@cache
def shoots() -> ShootRepository:
    """The shoots."""
    if _embedded():
        from shared.adapters.embedded.shoots import SqliteShoots

        return SqliteShoots(_database())
    from shared.adapters.google.shoots import FirestoreShoots

    return FirestoreShoots(_firestore())


@cache
def trainings() -> TrainingRepository:
    """The trainings."""
    if _embedded():
        from shared.adapters.embedded.jobs import SqliteTrainings

        return SqliteTrainings(_database())
    from shared.adapters.google.jobs import FirestoreTrainings

    return FirestoreTrainings(_firestore())


@cache
def images() -> ImageJobRepository:
    """The sets of pictures."""
    if _embedded():
        from shared.adapters.embedded.jobs import SqliteImageJobs

        return SqliteImageJobs(_database())
    from shared.adapters.google.jobs import FirestoreImageJobs

    return FirestoreImageJobs(_firestore())


@cache
def jobs() -> Jobs:
    """The jobs of both kinds."""
    return Jobs(trainings=trainings(), images=images())


@cache
def models() -> ModelRepository:
    """The models."""
    if _embedded():
        from shared.adapters.embedded.models import SqliteModels

        return SqliteModels(_database())
    from shared.adapters.google.models import FirestoreModels

    return FirestoreModels(_firestore())


@cache
def accounts() -> AccountRepository:
    """What users have reserved and spent."""
    if _embedded():
        from shared.adapters.embedded.accounts import SqliteAccounts

        return SqliteAccounts(_database())
    from shared.adapters.google.accounts import FirestoreAccounts

    return FirestoreAccounts(_firestore())


@cache
def stories() -> StoryRepository:
    """What happened to trainings."""
    if _embedded():
        from shared.adapters.embedded.stories import SqliteStories

        return SqliteStories(_database())
    from shared.adapters.google.stories import FirestoreStories

    return FirestoreStories(_firestore())


@cache
def notices() -> NoticeRepository:
    """What was told to the outside about the ends of jobs."""
    if _embedded():
        from shared.adapters.embedded.notices import SqliteNotices

        return SqliteNotices(_database())
    from shared.adapters.google.notices import FirestoreNotices

    return FirestoreNotices(_firestore())


@cache
def receiver() -> Receiver:
    """Whom the ends of jobs are told."""
    from shared.adapters.standard_webhooks import WebhookReceiver

    settings = notify_settings()
    return WebhookReceiver(settings.notify_url, settings.secrets, clock(), timeout_s=settings.notify_timeout_s)


@cache
def erasures() -> ErasureRepository:
    """Erasures and their receipts."""
    if _embedded():
        from shared.adapters.embedded.erasures import SqliteErasures

        return SqliteErasures(_database())
    from shared.adapters.google.erasures import FirestoreErasures

    return FirestoreErasures(_firestore())


@cache
def narrator(function: str) -> Narrator:
    """What tells the stories of the invocations of `function`."""
    kept_for = timedelta(days=story_settings().story_kept_days)
    return Narrator(stories=stories(), clock=clock(), function=function, new_id=new_nonce, kept_for=kept_for)


@cache
def _bucket(name: str) -> Objects:
    if _embedded():
        from shared.adapters.embedded.objects import DirectoryObjects

        return DirectoryObjects(store_settings().data_dir / "objects", name, url_signer())
    from shared.adapters.google.objects import CloudStorageObjects

    return CloudStorageObjects(_storage(), name, _storage_signer())


def shoots_bucket() -> Objects:
    """Where the app keeps pictures and captions."""
    return _bucket(store_settings().shoots_bucket)


def datasets_bucket() -> Objects:
    """Where ZIPs lie while their training lasts."""
    return _bucket(store_settings().datasets_bucket)


def models_bucket() -> Objects:
    """Where models are kept."""
    return _bucket(store_settings().models_bucket)


def thumbnails_bucket() -> Objects:
    """Where small pictures of the shoots are kept; each can be made again."""
    return _bucket(store_settings().thumbnails_bucket)


@cache
def _pubsub() -> PubSubPublisher:
    from shared.adapters.google.clients import publisher_client
    from shared.adapters.google.publisher import PubSubPublisher

    return PubSubPublisher(publisher_client(store_settings()), store_settings().project)


def publisher() -> Publisher:
    """Where events are announced."""
    return queue() if _embedded() else _pubsub()


@cache
def async_publisher() -> AsyncPublisher:
    """The same for a function that serves many at once."""
    if _embedded():
        from shared.adapters.embedded.publisher import AsyncSqlitePublisher

        return AsyncSqlitePublisher(queue())
    from shared.adapters.google.publisher import AsyncPubSubPublisher

    return AsyncPubSubPublisher(_pubsub())


@cache
def dead_letters() -> DeadLetters:
    """The messages that were given up."""
    if _embedded():
        from shared.adapters.embedded.dead_letters import SqliteDeadLetters

        return SqliteDeadLetters(queue())
    from shared.adapters.google.clients import subscriber_client
    from shared.adapters.google.dead_letters import PubSubDeadLetters

    client, project = subscriber_client(store_settings()), store_settings().project
    return PubSubDeadLetters(client, _pubsub(), project, subscriptions=_subscriptions())


@cache
def edge(function: str) -> Edge:
    """What stands around the requests of `function`."""
    return Edge(function=function, project=_google_project(), tracer=_tracer(function))


def _google_project() -> str:
    return "" if _embedded() else store_settings().project


@cache
def _tracer(function: str) -> Tracer | None:
    """What records spans; one for all functions of this process would call them by one name."""
    if tracing_settings().tracing is Tracing.OFF:
        return None
    from shared.adapters.otel import OpenTelemetryTracer

    return OpenTelemetryTracer(tracing_settings(), service=function, project=_google_project())


@cache
def trainer() -> Trainer:
    """fal.ai."""
    from shared.adapters.fal.trainer import FalTrainer

    return FalTrainer(fal_settings(), clock())


@cache
def artifact_source() -> ArtifactSource:
    """Where fal.ai's files come from."""
    from shared.adapters.fal.artifacts import HttpArtifactSource

    return HttpArtifactSource(fal_settings())


@cache
def webhook_verifier() -> WebhookVerifier:
    """Whether fal.ai called."""
    from shared.adapters.fal.webhooks import FalWebhookVerifier

    return FalWebhookVerifier(fal_settings(), webhook_settings(), clock())


@cache
def authenticator() -> Authenticator:
    """Who vouches for the user who asks, as AUTH_MODE says."""
    settings = api_settings()
    if settings.auth_mode is AuthMode.LOCAL:
        from shared.adapters.identity import LocalAuthenticator

        return LocalAuthenticator(settings.local_user)
    from shared.adapters.google.identity import FirebaseAuthenticator, IapAuthenticator

    if settings.auth_mode is AuthMode.IAP:
        return IapAuthenticator(settings, clock())
    return FirebaseAuthenticator(settings, store_settings().project, clock())


def _finish(job: Job) -> None:
    finish_job(
        job,
        jobs=jobs(),
        models=models(),
        publisher=publisher(),
        datasets=datasets_bucket(),
        accounts=accounts(),
        clock=clock(),
    )


def _leave_to_the_monitor(job: Job) -> None:
    """The submitter has neither bucket nor topic: a job that it fails is finished at the monitor's next tick."""


_FUNCTIONS = {
    Stage.PACKAGING: "packager",
    Stage.SUBMITTING: "submitter",
    Stage.MIRRORING: "mirror",
    Stage.TRAINING: "monitor",
}


@cache
def consumer(stage: Stage) -> Consumer:
    """What stands around the use case of the event function that does `stage`."""
    return Consumer(
        jobs=jobs(),
        narrator=narrator(_FUNCTIONS[stage]),
        clock=clock(),
        stage=stage,
        deadlines=monitor_settings().deadlines,
        max_attempts=delivery_settings().max_delivery_attempts,
        finish=_leave_to_the_monitor if stage is Stage.SUBMITTING else _finish,
    )
