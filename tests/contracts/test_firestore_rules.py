"""What the app may see of Firestore by itself: its user's own documents, read and listened to, and never written."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.cloud.firestore import Client
from google.cloud.firestore_v1.base_query import FieldFilter
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

from infra.local.emulators import Emulators
from shared.adapters.google.clients import firestore_client
from shared.adapters.google.jobs import FirestoreImageJobs, FirestoreTrainings
from shared.adapters.google.models import FirestoreModels
from shared.adapters.google.shoots import FirestoreShoots
from shared.stages import Status
from tests.builders import a_model, a_shoot, a_training, an_image_job
from tests.contracts.google_backend import a_project

RULES = Path(__file__).resolve().parents[2] / "infra" / "gcp" / "firestore.rules"

OPEN = ("shoots", "training_views", "models", "images")
CLOSED = ("trainings", "image_jobs", "accounts", "model_names", "stories", "notices", "erasures", "anything")
OWNER, STRANGER, NOBODY = "owner", "stranger", None


def id_token(user: str, project: str) -> str:
    """A Firebase ID token as the emulator takes it: without a signature."""
    claims = {"sub": user, "user_id": user, "aud": project, "iss": f"https://securetoken.google.com/{project}"}
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


@dataclass(frozen=True)
class App:
    """The app's SDK on a user's phone, as far as HTTP goes; `user` is None before anybody signed in."""

    emulators: Emulators
    http: httpx.Client
    user: str | None

    @property
    def authorization(self) -> dict[str, str]:
        return {"authorization": f"Bearer {id_token(self.user, self.emulators.project)}"} if self.user else {}

    def get(self, path: str) -> int:
        return self._call("GET", f"/{path}")

    def create(self, collection: str) -> int:
        return self._call("POST", f"/{collection}", {"fields": {"owner_id": {"stringValue": self.user or ""}}})

    def change(self, path: str) -> int:
        return self._call("PATCH", f"/{path}", {"fields": {"owner_id": {"stringValue": self.user or ""}}})

    def delete(self, path: str) -> int:
        return self._call("DELETE", f"/{path}")

    def list(self, collection: str, *, of: str | None) -> int:
        """Ask for the documents of a user, or for all."""
        query: dict[str, Any] = {"from": [{"collectionId": collection}]}
        if of is not None:
            wanted = {"field": {"fieldPath": "owner_id"}, "op": "EQUAL", "value": {"stringValue": of}}
            query["where"] = {"fieldFilter": wanted}
        return self._call("POST", ":runQuery", {"structuredQuery": query})

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> int:
        documents = f"/v1/projects/{self.emulators.project}/databases/(default)/documents"
        return self.http.request(method, documents + path, json=body, headers=self.authorization).status_code


@pytest.fixture(scope="module")
def emulators() -> Emulators:
    """A project with our rules, a document of the owner's in every collection, and the repositories' own."""
    emulators = a_project()
    rules = {"rules": {"files": [{"name": "firestore.rules", "content": RULES.read_text()}]}}
    at = f"http://{emulators.firestore_host}/emulator/v1/projects/{emulators.project}:securityRules"
    httpx.put(at, json=rules).raise_for_status()
    with ExitStack() as stack:
        client = firestore_client(emulators.settings())
        stack.callback(client.close)
        for collection in (*OPEN, *CLOSED):
            client.collection(collection).document("of-the-owner").set({"owner_id": OWNER})
        FirestoreShoots(client).create(a_shoot(id="s_1", owner_id=OWNER))
        FirestoreTrainings(client).create(a_training(id="t_1", owner_id=OWNER))
        FirestoreModels(client).create(a_model(id="m_1", owner_id=OWNER))
        FirestoreImageJobs(client).create(an_image_job(id="i_1", owner_id=OWNER))
    return emulators


@pytest.fixture(scope="module")
def app(emulators: Emulators) -> Iterator[Callable[[str | None], App]]:
    with httpx.Client(base_url=f"http://{emulators.firestore_host}") as http:
        yield lambda user: App(emulators, http, user)


@pytest.mark.parametrize("collection", OPEN)
def test_the_owner_sees_her_own(app: Callable[[str | None], App], collection: str) -> None:
    assert app(OWNER).get(f"{collection}/of-the-owner") == 200
    assert app(OWNER).list(collection, of=OWNER) == 200


@pytest.mark.parametrize("path", ["shoots/s_1", "training_views/t_1", "models/m_1", "images/i_1"])
def test_the_owner_sees_what_the_repositories_write(app: Callable[[str | None], App], path: str) -> None:
    assert app(OWNER).get(path) == 200


@pytest.mark.parametrize("collection", OPEN)
@pytest.mark.parametrize("user", [STRANGER, NOBODY])
def test_nobody_else_does(app: Callable[[str | None], App], collection: str, user: str | None) -> None:
    assert app(user).get(f"{collection}/of-the-owner") == 403
    assert app(user).list(collection, of=OWNER) == 403


@pytest.mark.parametrize("collection", OPEN)
def test_a_list_has_to_ask_for_ones_own(app: Callable[[str | None], App], collection: str) -> None:
    assert app(OWNER).list(collection, of=None) == 403
    assert app(STRANGER).list(collection, of=STRANGER) == 200, "of which there are none"


@pytest.mark.parametrize("collection", CLOSED)
def test_what_holds_secrets_or_money_is_closed_to_its_owner_too(
    app: Callable[[str | None], App], collection: str
) -> None:
    assert app(OWNER).get(f"{collection}/of-the-owner") == 403
    assert app(OWNER).list(collection, of=OWNER) == 403


@pytest.mark.parametrize("collection", [*OPEN, *CLOSED])
@pytest.mark.parametrize("user", [OWNER, STRANGER, NOBODY])
def test_nothing_is_written_but_by_us(app: Callable[[str | None], App], collection: str, user: str | None) -> None:
    assert app(user).create(collection) == 403
    assert app(user).change(f"{collection}/of-the-owner") == 403
    assert app(user).delete(f"{collection}/of-the-owner") == 403


class SignedIn(grpc.StreamStreamClientInterceptor):  # type: ignore[misc]  # grpc has no types
    """Sends a user's token instead of the emulator's almighty one."""

    def __init__(self, token: str) -> None:
        self.token = token

    def intercept_stream_stream(self, proceed: Callable[..., Any], call: Any, requests: Any) -> Any:
        metadata = [(key, value) for key, value in call.metadata or () if key.lower() != "authorization"]
        return proceed(call._replace(metadata=[*metadata, ("authorization", f"Bearer {self.token}")]), requests)


def test_the_app_watches_a_training_move_and_its_users_pictures_come_and_go(emulators: Emulators) -> None:
    ours = firestore_client(emulators.settings())
    trainings, images = FirestoreTrainings(ours), FirestoreImageJobs(ours)
    seen, more = list[str](), threading.Condition()

    def watch(snapshots: Any, _changes: Any, _at: Any) -> None:
        with more:
            seen.extend(snapshot.get("status") for snapshot in snapshots)
            more.notify_all()

    def saw(status: Status) -> bool:
        with more:
            return more.wait_for(lambda: status.value in seen, 10)

    with ExitStack() as stack:
        stack.callback(ours.close)
        channel = stack.enter_context(grpc.insecure_channel(emulators.firestore_host))
        theirs = app_client(
            emulators, grpc.intercept_channel(channel, SignedIn(id_token("watcher", emulators.project)))
        )
        trainings.create(training := a_training(id="t_watched", owner_id="watcher"))
        mine = theirs.collection("training_views").where(filter=FieldFilter("owner_id", "==", "watcher"))
        stack.callback(mine.on_snapshot(watch).unsubscribe)
        assert saw(Status.REQUESTED)
        trainings.update("t_watched", lambda t: t.canceled("by its user", at=training.created_at, charged=False))
        assert saw(Status.CANCELED)
        pictures = theirs.collection("images").where(filter=FieldFilter("owner_id", "==", "watcher"))
        stack.callback(pictures.on_snapshot(watch).unsubscribe)
        images.create(made := an_image_job(id="i_watched", owner_id="watcher", status=Status.MIRRORING))
        assert saw(Status.MIRRORING)
        images.update("i_watched", lambda i: i.advance(Status.SUCCEEDED, at=made.updated_at))
        assert saw(Status.SUCCEEDED)


def app_client(emulators: Emulators, channel: Any) -> Client:
    """A client whose every call goes through `channel`."""
    client = firestore_client(emulators.settings())
    client._firestore_api_internal = FirestoreClient(transport=FirestoreGrpcTransport(channel=channel))
    return client
