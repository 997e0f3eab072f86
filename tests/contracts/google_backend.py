"""The Google adapters on the emulators as a `Backend`; a whole test session shares the emulators."""

from __future__ import annotations

import atexit
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.local.emulators import Emulators, missing_emulators, running_emulators
from infra.local.provision import make_buckets, provision
from shared.adapters.google.accounts import FirestoreAccounts
from shared.adapters.google.clients import (
    firestore_client,
    publisher_client,
    storage_client,
    storage_signer,
    subscriber_client,
)
from shared.adapters.google.dead_letters import PubSubDeadLetters
from shared.adapters.google.erasures import FirestoreErasures
from shared.adapters.google.jobs import FirestoreImageJobs, FirestoreTrainings
from shared.adapters.google.models import FirestoreModels
from shared.adapters.google.notices import FirestoreNotices
from shared.adapters.google.objects import CloudStorageObjects
from shared.adapters.google.publisher import AsyncPubSubPublisher, PubSubPublisher
from shared.adapters.google.shoots import FirestoreShoots
from shared.adapters.google.stories import FirestoreStories
from shared.events import Event, dead_letter_name, subscription_name
from shared.messaging import Delivery, encode, read_envelope
from shared.ports import Objects
from tests.contracts.backend import Backend

EMULATORS_PATIENCE_S = 0.5


class PushTarget:
    """A tiny web server that Pub/Sub pushes to; it answers `status` and keeps what it got."""

    def __init__(self) -> None:
        self.status = 204
        self.paths: list[str] = []
        self.deliveries: list[Delivery] = []
        self.attributes: list[dict[str, str]] = []
        self._more = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def received(self, timeout_s: float) -> list[Delivery]:
        """What came so far, after waiting at most `timeout_s` seconds for one more."""
        with self._more:
            before = len(self.deliveries)
            self._more.wait_for(lambda: len(self.deliveries) > before, timeout_s)
            return list(self.deliveries)

    def wait_for(self, count: int, timeout_s: float) -> list[Delivery]:
        """What came so far, as soon as it is `count` pushes or more."""
        deadline = time.monotonic() + timeout_s
        while len(found := self.received(0.2)) < count and time.monotonic() < deadline:
            pass
        return found

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with target._more:
                    target.paths.append(self.path)
                    target.deliveries.append(read_envelope(body))
                    target.attributes.append(json.loads(body)["message"].get("attributes", {}))
                    target._more.notify_all()
                self.send_response(target.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        return Handler


@cache
def session_emulators() -> Emulators:
    """The emulators of this test session, started at first use and stopped when Python ends; skips without them."""
    if missing := missing_emulators():
        pytest.skip(missing)
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(running_emulators())


def a_project() -> Emulators:
    """The session's emulators with a project that nothing else uses."""
    return replace(session_emulators(), project=f"test-{secrets.token_hex(6)}")


@contextmanager
def google_backend() -> Iterator[Backend]:
    """The adapters in a project of their own, with the subscriptions pushed to a server in this process."""
    emulators = a_project()
    settings = emulators.settings()
    with ExitStack() as stack:
        target = PushTarget()
        stack.callback(target.close)
        provision(emulators, target.url)
        documents, storage, messages = (
            firestore_client(settings),
            storage_client(settings),
            publisher_client(settings),
        )
        stack.callback(documents.close)
        stack.callback(storage.close)
        stack.callback(messages.transport.close)
        signer = storage_signer(settings)

        def objects(bucket: str) -> Objects:
            make_buckets(settings, (bucket,))
            return CloudStorageObjects(storage, bucket, signer)

        publisher, subscriber = PubSubPublisher(messages, settings.project), subscriber_client(settings)
        stack.callback(subscriber.transport.close)

        def bury(event: Event, function: str) -> None:
            # what Pub/Sub itself does after the last attempt, without the waiting
            source = subscription_name(event.topic, function)
            attributes = {"event": event.topic, "CloudPubSubDeadLetterSourceDeliveryCount": "10"}
            publisher.send(dead_letter_name(source), encode(event), attributes)

        yield Backend(
            name="google",
            shoots=FirestoreShoots(documents),
            trainings=FirestoreTrainings(documents),
            images=FirestoreImageJobs(documents),
            models=FirestoreModels(documents),
            accounts=FirestoreAccounts(documents),
            stories=FirestoreStories(documents),
            notices=FirestoreNotices(documents),
            erasures=FirestoreErasures(documents),
            objects=objects,
            publisher=publisher,
            async_publisher=AsyncPubSubPublisher(publisher),
            received=target.received,
            dead_letters=PubSubDeadLetters(subscriber, publisher, settings.project, patience_s=EMULATORS_PATIENCE_S),
            bury=bury,
        )
