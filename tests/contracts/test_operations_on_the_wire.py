"""What docs/scale.md says that a training asks of Google's services is what the client libraries send.

Firestore and Cloud Storage are the emulators; what is counted is what passes on the wire to them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any

import grpc
import pytest
import requests
from google.cloud.firestore import Client
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport
from requests.adapters import HTTPAdapter

from infra.local.provision import make_buckets
from shared.adapters.google.accounts import FirestoreAccounts
from shared.adapters.google.clients import firestore_client, storage_client, storage_signer
from shared.adapters.google.jobs import FirestoreImageJobs, FirestoreTrainings
from shared.adapters.google.models import FirestoreModels
from shared.adapters.google.objects import CloudStorageObjects
from shared.adapters.google.shoots import FirestoreShoots
from shared.adapters.google.stories import FirestoreStories
from shared.adapters.memory import FixedClock
from shared.settings import StoreSettings
from tests.contracts.google_backend import a_project
from tests.fakes import FakeMedia
from tests.operations import (
    CLASS_A,
    CLASS_B,
    DELETES,
    READS,
    SIGNATURES,
    WRITES,
    CountedFal,
    CountedPublisher,
    Tally,
    add_shoot,
    count_images,
    count_training,
    described,
)
from tests.wiring import Functions


class CountDocuments(
    grpc.UnaryUnaryClientInterceptor,  # type: ignore[misc]  # grpc has no types
    grpc.UnaryStreamClientInterceptor,  # type: ignore[misc]
):
    """Counts as Firestore bills: every document of an answer, one for an answer without any, every document written."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def intercept_unary_unary(self, proceed: Callable[..., Any], call: Any, request: Any) -> Any:
        assert call.method.endswith("/Commit"), call.method
        answer = proceed(call, request)
        if answer.code() is grpc.StatusCode.OK:
            self._tally.add(WRITES, len(request.writes))
        return answer

    def intercept_unary_stream(self, proceed: Callable[..., Any], call: Any, request: Any) -> Any:
        answers = list(proceed(call, request))
        named = {"/BatchGetDocuments": "found", "/RunQuery": "document"}[call.method[call.method.rindex("/") :]]
        documents = sum(named in answer for answer in answers)
        self._tally.add(READS, max(1, documents))
        return iter(answers)


class CountRequests(HTTPAdapter):
    """Counts as Cloud Storage bills: an upload is one operation, in however many parts it comes."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self._tally.add(_column(str(request.method), str(request.path_url)), _operations(str(request.method)))
        return super().send(request, *args, **kwargs)


def _operations(method: str) -> int:
    # a part of an upload that was begun before
    return 0 if method == "PUT" else 1


def _column(method: str, path: str) -> str:
    if method == "DELETE":
        return DELETES
    is_list = path.partition("?")[0].endswith("/o")
    return CLASS_B if method == "GET" and not is_list else CLASS_A


class CountedBucket(CloudStorageObjects):
    """A bucket whose signatures are counted: on Google Cloud each is a request to IAM."""

    tally: Tally

    def sign(self, name: str, *, ttl_s: float, download_name: str | None = None) -> str:
        self.tally.add(SIGNATURES)
        return super().sign(name, ttl_s=ttl_s, download_name=download_name)


@contextmanager
def counted_firestore(settings: StoreSettings, tally: Tally) -> Iterator[Client]:
    channel = grpc.insecure_channel(settings.firestore_emulator_host)
    counting = grpc.intercept_channel(channel, CountDocuments(tally))
    client = firestore_client(settings)
    client._firestore_api_internal = FirestoreClient(transport=FirestoreGrpcTransport(channel=counting))
    yield client
    channel.close()


@contextmanager
def functions_on_google(tally: Tally) -> Iterator[Functions]:
    """Every function on Google's adapters and the emulators; messages, fal.ai and its files in memory."""
    settings = a_project().settings()
    clock, numbers = FixedClock(), count(1)
    suffix = settings.project[-6:]
    names = [f"{kind}-{suffix}" for kind in ("shoots", "thumbnails", "datasets", "models")]
    make_buckets(settings, names)
    with ExitStack() as stack:
        documents = stack.enter_context(counted_firestore(settings, tally))
        storage = storage_client(settings)
        stack.callback(storage.close)
        for scheme in ("http://", "https://"):
            storage._http.mount(scheme, CountRequests(tally))
        buckets = [CountedBucket(storage, name, storage_signer(settings)) for name in names]
        for bucket in buckets:
            bucket.tally = tally
        pictures, thumbnails, datasets, kept = buckets
        yield Functions(
            clock=clock,
            shoots=FirestoreShoots(documents),
            trainings=FirestoreTrainings(documents),
            images=FirestoreImageJobs(documents),
            models=FirestoreModels(documents),
            accounts=FirestoreAccounts(documents),
            stories=FirestoreStories(documents),
            publisher=CountedPublisher(tally),
            pictures=pictures,
            thumbnails=thumbnails,
            datasets=datasets,
            kept=kept,
            fal=CountedFal(clock, tally),
            media=FakeMedia(),
            new_name=lambda: f"n{next(numbers)}-{threading.get_native_id()}",
        )


@pytest.fixture(scope="module")
def tally() -> Tally:
    return Tally()


def test_the_client_libraries_ask_for_what_the_document_says(tally: Tally) -> None:
    with functions_on_google(tally) as functions:
        add_shoot(functions, pictures=5, captions=3)
        count_training(functions, tally, key="first")
        functions.clock.advance(1)  # type: ignore[attr-defined]
        told = described()
        asked = count_training(functions, tally, key="second")
        asked |= count_images(functions, tally)
    package = dict(asked["package"])
    package[CLASS_B] -= 5 * told["each picture"][CLASS_B] + 3 * told["each caption"][CLASS_B]
    keep = dict(asked["keep pictures"])
    keep[CLASS_A] -= told["each picture kept"][CLASS_A]
    assert {**asked, "package": package, "keep pictures": keep} == {step: told[step] for step in asked}
