"""Nothing of another owner can be seen, guessed or changed: every route of the API, with every kind of stranger."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import httpx2
import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute

from functions.api import console_pages, docs_page
from shared import bootstrap
from shared.erasing.receipt import Cause, Erasure
from shared.erasing.things import Subject
from shared.events import TrainingRequested
from shared.stages import Status
from tests.api_operations import ANY_NAME, Operation, operations
from tests.api_world import ApiWorld, api_world
from tests.builders import a_model, a_shoot, a_training, an_image_job
from tests.google_identity import FIREBASE, IAP, Issuer, KeyServer, key_server

OPEN_TO_ALL = {"/healthz"}
"""What may be asked by anybody. Whoever adds to this says here why: it says nothing about anybody."""

FOR_OPERATORS = {"/v1/doctor"}
"""What is not there for anybody where users sign in with Firebase: tests/unit/test_doctor.py asks for it there."""

OPERATOR = "olga"
"""Whom OPERATORS names: she may see stories and has the paths below /v1/ops/, and is a stranger everywhere else."""

THEIRS = {
    "shoot_id": "s_bob",
    "training_id": "t_bob_succeeded",
    "model_id": "m_bob",
    "images_id": "i_bob",
    "group_id": "g_bob",
    "letter_id": "training-requested-packager.1",
    "sweep_id": "sweep_bob",
    "erasure_id": "e_bob",
    "subject_id": "m_bob",
}
MISSING = {
    "shoot_id": "s_non",
    "training_id": "t_non_succeeded",
    "model_id": "m_non",
    "images_id": "i_non",
    "group_id": "g_non",
    "letter_id": "training-requested-packager.9",
    "sweep_id": "sweep_non",
    "erasure_id": "e_non",
    "subject_id": "m_non",
}

GUARDED = [operation for operation in operations() if operation.path not in OPEN_TO_ALL]
OPERATIONS = [operation for operation in GUARDED if operation.path.startswith("/v1/ops/")]
ISSUERS = {"firebase": FIREBASE, "iap": IAP}


@dataclass(frozen=True)
class House:
    """The API with an owner's things in it, and the issuer of tokens that it believes."""

    world: ApiWorld
    keys: KeyServer
    issuer: Issuer

    def has(self, operation: Operation) -> bool:
        """Whether there is such a path with this way to sign in."""
        return self.issuer is not FIREBASE or operation.path not in FOR_OPERATORS

    def ask(self, operation: Operation, ids: Mapping[str, str], token: str | None) -> httpx2.Response:
        """Ask with a token, or without one."""
        return operation.ask(self.world.client, ids, self.issuer.headers(token) if token else {})

    def belongings(self) -> object:
        """Everything that is kept for the owner."""
        world = self.world
        return (
            world.shoots.list_for_owner("bob", limit=100),
            world.trainings.list_for_owner("bob", limit=100),
            world.models.list_for_owner("bob", limit=100),
            bootstrap.erasures().list_for_owner("bob", limit=100),
            world.images.list_for_owner("bob", limit=100),
            list(world.pictures.list("")),
            list(world.kept.list("")),
            bootstrap.queue().dead_letters(),
            bootstrap.queue().counts(),
        )


def move_in(world: ApiWorld) -> None:
    """Give an owner a shoot with a picture, trainings in every status, and a model."""
    mine: dict[str, Any] = {"owner_id": "bob", "person_id": "bob-person"}
    shoot, training = THEIRS["shoot_id"], THEIRS["training_id"]
    world.shoots.create(a_shoot(id=shoot, costume_name="bob-cape", **mine))
    world.put(shoot, ANY_NAME, b"bob-picture")
    world.put(shoot, "01.txt", b"bob-caption")
    for status in Status:
        trained = a_training(status=status, id=f"t_bob_{status}", shoot_id=shoot, trigger_word="bob", **mine)
        world.trainings.create(trained)
    files = {f"{kind}_uri": f"{world.kept.uri}/bob/{kind}" for kind in ("lora", "config")}
    model = a_model(id=THEIRS["model_id"], shoot_id=shoot, training_id=training, **mine, **files)
    world.models.create(replace(model, version=2))
    world.models.create(replace(model, id="m_bob_before"))
    erasure = Erasure.requested(
        at=model.trained_at,
        id=THEIRS["erasure_id"],
        owner_id="bob",
        subject=Subject.PERSON,
        subject_id="bob-person",
        cause=Cause.ASKED,
    )
    bootstrap.erasures().create(erasure)
    images = an_image_job(status=Status.SUCCEEDED, id=THEIRS["images_id"], **mine)
    world.images.create(
        replace(images, model_id=THEIRS["model_id"], group_id=THEIRS["group_id"], prompt="bob, running")
    )
    world.kept.write(images.pictures[0].name, [b"bob!"], content_type="image/jpeg")
    bootstrap.queue().publish(TrainingRequested(training_id=training))
    while leased := bootstrap.queue().lease(limit=1, lease_s=60):
        bootstrap.queue().nack(leased[0], delay_s=0, error="HTTP 500")


@pytest.fixture(scope="module", params=ISSUERS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    issuer = ISSUERS[request.param]
    with key_server() as keys:
        settings = {**keys.environment, "AUTH_MODE": issuer.name, "RATE_LIMIT_PER_MINUTE": "0", "OPERATORS": OPERATOR}
        with api_world(tmp_path_factory.mktemp(issuer.name), **settings) as world:
            move_in(world)
            yield House(world, keys, issuer)


def strangers(issuer: Issuer) -> Mapping[str, str | None]:
    """Whoever is nobody: the owner's own name, but badly proven."""
    now = int(time.time())
    return {
        "no token": None,
        "bad signature": issuer.token("bob", signed_by="somebody"),
        "expired": issuer.token("bob", iat=now - 7200, exp=now - 60),
        "wrong audience": issuer.token("bob", aud="another"),
    }


def test_the_owner_comes_in(house: House) -> None:
    """Otherwise everything below would hold for a house without a door."""
    token = house.issuer.token("bob")
    reads = [op for op in GUARDED if op.method == "GET" and "events" not in op.path and op not in OPERATIONS]
    there = [op for op in reads if house.has(op)]
    shown = {op.path: house.ask(op, THEIRS, token) for op in there}
    assert {path: answer.status_code for path, answer in shown.items() if answer.status_code >= 400} == {}
    assert "bob-cape" in shown["/v1/shoots"].text
    assert "t_bob_running" in shown["/v1/trainings"].text
    assert "m_bob" in shown["/v1/models"].text


@pytest.mark.parametrize("operation", GUARDED, ids=str)
@pytest.mark.parametrize("stranger", strangers(FIREBASE))
def test_a_stranger_gets_a_401_and_nothing_else(house: House, operation: Operation, stranger: str) -> None:
    if not house.has(operation):
        return
    before = house.belongings()
    answer = house.ask(operation, THEIRS, strangers(house.issuer)[stranger])
    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthenticated"
    unknown = house.ask(operation, MISSING, strangers(house.issuer)[stranger])
    assert without_ids(answer, THEIRS) == without_ids(unknown, MISSING)
    assert house.belongings() == before


@pytest.mark.parametrize("operation", GUARDED, ids=str)
def test_another_user_sees_what_she_would_see_if_it_did_not_exist(house: House, operation: Operation) -> None:
    if not house.has(operation):
        return
    before, token = house.belongings(), house.issuer.token("anna")
    answer = house.ask(operation, THEIRS, token)
    if operation.ids() or operation in OPERATIONS:
        assert answer.status_code == 404, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert without_ids(answer, THEIRS) == without_ids(house.ask(operation, MISSING, token), MISSING)
    else:
        assert answer.is_success, answer.text
        assert "bob" not in answer.text
    assert house.belongings() == before


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
@pytest.mark.parametrize("user", ["anna", "bob", "olga2", "OLGA"])
def test_to_whoever_is_no_operator_the_operators_paths_are_not_there(
    house: House, operation: Operation, user: str
) -> None:
    before, token = house.belongings(), house.issuer.token(user)
    answer = house.ask(operation, THEIRS, token)
    nowhere = house.world.client.get("/v1/nowhere", headers=house.issuer.headers(token)).json()
    assert answer.status_code == 404
    assert {**answer.json(), "instance": ""} == {**nowhere, "instance": ""}
    assert house.belongings() == before


@pytest.mark.parametrize("operation", [op for op in OPERATIONS if op.method == "GET"], ids=str)
def test_an_operator_comes_in(house: House, operation: Operation) -> None:
    answer = house.ask(operation, THEIRS, house.issuer.token(OPERATOR))
    assert answer.status_code == 200, answer.text


def test_an_operator_sees_stories_and_otherwise_nothing_of_anybodys(house: House) -> None:
    token = house.issuer.token(OPERATOR)
    others = [op for op in GUARDED if op.method == "GET" and op.ids() and op not in OPERATIONS]
    seen = {op.path for op in others if house.ask(op, THEIRS, token).status_code != 404}
    assert seen == {"/v1/trainings/{training_id}/story", "/v1/images/{images_id}/story"}


@pytest.mark.parametrize("operation", [op for op in GUARDED if "training_id" in op.ids()], ids=str)
@pytest.mark.parametrize("status", Status)
def test_not_even_the_status_of_another_users_training_shows(
    house: House, operation: Operation, status: Status
) -> None:
    before, token = house.belongings(), house.issuer.token("anna")
    theirs, missing = {"training_id": f"t_bob_{status}"}, {"training_id": f"t_non_{status}"}
    answer = house.ask(operation, {**THEIRS, **theirs}, token)
    assert answer.status_code == 404
    assert without_ids(answer, theirs) == without_ids(house.ask(operation, {**MISSING, **missing}, token), missing)
    assert house.belongings() == before


@pytest.mark.parametrize("path", ["/v1/trainings"])
def test_another_users_cursor_shows_nothing_of_hers(house: House, path: str) -> None:
    def page(user: str, **query: str | int) -> httpx2.Response:
        return house.world.client.get(path, params=query, headers=house.issuer.headers(house.issuer.token(user)))

    cursor = page("bob", limit=1).json()["next_cursor"]
    assert cursor
    assert "bob" not in page("anna", cursor=cursor).text


def test_the_same_idempotency_key_is_another_one_for_another_user(house: House) -> None:
    def create(user: str) -> str:
        headers = {**house.issuer.headers(house.issuer.token(user)), "Idempotency-Key": "the same"}
        new = {"costume_name": f"of {user}", "person_id": "p"}
        answer = house.world.client.post("/v1/shoots", json=new, headers=headers)
        assert answer.json()["costume_name"] == f"of {user}"
        return str(answer.json()["id"])

    assert create("carol") == create("carol")
    assert create("carol") != create("dora")


def test_a_local_user_header_means_nothing_where_tokens_do(house: House) -> None:
    assert house.world.client.get("/v1/shoots", headers={"X-Local-User": "bob"}).status_code == 401
    headers = {**house.issuer.headers(house.issuer.token("anna")), "X-Local-User": "bob"}
    assert "bob" not in house.world.client.get("/v1/shoots", headers=headers).text


def test_all_of_this_took_one_fetch_of_keys(house: House) -> None:
    assert house.keys.asked == 1


def test_what_is_open_to_all_is_what_is_meant_to_be() -> None:
    assert {operation.path for operation in operations() if "security" not in operation.document} == OPEN_TO_ALL


def test_what_the_document_does_not_show_is_the_console_and_itself(house: House) -> None:
    app = cast(FastAPI, house.world.client.app)
    shown = {operation.path for operation in operations()}
    hidden = set(paths(app.routes)) - shown
    pages = [*console_pages.router.routes, *docs_page.router.routes]
    assert hidden <= {"/openapi.json", *paths(pages)}


def paths(routes: list[BaseRoute]) -> Iterator[str]:
    """The paths of routes and of the routers among them."""
    for route in routes:
        if router := getattr(route, "original_router", None):
            yield from paths(router.routes)
        else:
            yield getattr(route, "path", "?")


def without_ids(answer: httpx2.Response, ids: Mapping[str, str]) -> tuple[int, str, dict[str, str]]:
    """An answer without what was asked for."""
    text = answer.text
    for name, value in ids.items():
        text = text.replace(value, name)
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return answer.status_code, text, headers
