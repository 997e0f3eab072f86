"""The Google clients, one function each, built by `bootstrap` on first use and then passed on.

Call them after the server forked, never at import: a gRPC channel that was opened before the fork hangs in
the child. Each function imports its own SDK only, since importing them is most of a cold start. Where the
settings name an emulator, its client talks to that host, unencrypted and with anonymous credentials; nothing
else differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.settings import StoreSettings

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.cloud.firestore import Client as FirestoreClient
    from google.cloud.pubsub_v1 import PublisherClient
    from google.cloud.storage import Client as StorageClient
    from google.pubsub_v1 import SubscriberClient

    from shared.adapters.google.signers import Signer

CONNECTIONS = 32
"""Idle connections that are kept to Cloud Storage: at least as many as objects are read in parallel."""


def firestore_client(settings: StoreSettings) -> FirestoreClient:
    """A client of the settings' project and database; it connects on its first call."""
    from google.cloud import firestore

    if not settings.firestore_emulator_host:
        return firestore.Client(project=settings.project or None, database=settings.database)
    client = firestore.Client(project=settings.project, database=settings.database, credentials=_anonymous())
    # the SDK knows no other way than its environment variable, which it reads in the constructor
    client._emulator_host = settings.firestore_emulator_host
    return client


def storage_client(settings: StoreSettings) -> StorageClient:
    """A client that may be used by many threads at once."""
    from google.cloud import storage
    from requests.adapters import HTTPAdapter

    if settings.storage_emulator_host:
        client = storage.Client(
            project=settings.project,
            credentials=_anonymous(),
            client_options={"api_endpoint": _with_scheme(settings.storage_emulator_host)},
        )
    else:
        client = storage.Client(project=settings.project or None)
    pool = HTTPAdapter(pool_connections=CONNECTIONS, pool_maxsize=CONNECTIONS)
    client._http.mount("https://", pool)
    client._http.mount("http://", pool)
    return client


def storage_signer(settings: StoreSettings) -> Signer:
    """What signs URLs: the service account that this runs as, by IAM; on the emulator a throw-away key."""
    from shared.adapters.google.signers import IamSigner, ThrowAwaySigner

    if settings.storage_emulator_host:
        return ThrowAwaySigner(endpoint=_with_scheme(settings.storage_emulator_host))
    return IamSigner(account=settings.signing_account)


def publisher_client(settings: StoreSettings) -> PublisherClient:
    """A client that sends every message at once: nothing here publishes enough to wait for a batch."""
    from google.cloud import pubsub_v1

    at_once = pubsub_v1.types.BatchSettings(max_messages=1)
    if not settings.pubsub_emulator_host:
        return pubsub_v1.PublisherClient(batch_settings=at_once)
    import grpc
    from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

    channel = grpc.insecure_channel(settings.pubsub_emulator_host)
    return pubsub_v1.PublisherClient(batch_settings=at_once, transport=PublisherGrpcTransport(channel=channel))


def subscriber_client(settings: StoreSettings) -> SubscriberClient:
    """A client that pulls when it is told to; nothing here listens all the time."""
    from google.pubsub_v1 import SubscriberClient

    if not settings.pubsub_emulator_host:
        return SubscriberClient()
    import grpc
    from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

    channel = grpc.insecure_channel(settings.pubsub_emulator_host)
    return SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))


def _anonymous() -> Credentials:
    from google.auth.credentials import AnonymousCredentials

    return AnonymousCredentials()


def _with_scheme(host: str) -> str:
    return host if "://" in host else f"http://{host}"
