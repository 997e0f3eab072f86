"""A press that costs money and is not answered: what is said of it, and that pressing again does not pay again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.client import ApiClient, ApiUnreachable, at
from cli.orders import Unanswered, order_once, retry_once
from tests.api_documents import a_failure, a_model, a_problem
from tests.fake_api import FakeApi, running_api
from tests.running_cli import run

BODY = {"prompt": "at sea", "count": 1}
PICTURES = at("models", "m_1", "images")
BROKEN = (500, a_problem(500, "internal", "Something went wrong: try again.", retryable=False))

PRESSES = {
    "/v1/trainings": ("train", "s_1", "--trigger", "TOK"),
    "/v1/models/m_1/retrain": ("train", "--from-model", "m_1"),
    "/v1/models/m_1/images": ("images", "make", "m_1", "at sea", "--no-wait"),
    "/v1/images/i_1/more": ("images", "more", "i_1"),
    "/v1/comparisons": ("images", "compare", "at sea", "m_1", "--scale", "0", "--scale", "1"),
}


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with running_api() as api:
        api.models["m_1"] = a_model()
        yield api


@pytest.fixture
def client(api: FakeApi) -> Iterator[ApiClient]:
    with ApiClient(api.url, pauses_s=(0.0,)) as client:
        yield client


def test_an_order_whose_answer_was_cut_is_repeated_under_the_same_key(api: FakeApi, client: ApiClient) -> None:
    api.slips["POST", PICTURES] = [None]
    made = order_once(client, PICTURES, BODY, key=None, listed_by="lora images list")
    assert [made["id"]] == list(api.images)


def test_an_order_that_is_never_answered_says_how_to_see_it_and_how_to_press_again(
    api: FakeApi, client: ApiClient
) -> None:
    api.slips["POST", PICTURES] = [None, None]
    with pytest.raises(Unanswered) as caught:
        order_once(client, PICTURES, BODY, key=None, listed_by="lora images list")
    assert (caught.value.exit_code, caught.value.code) == (4, "unanswered")
    assert "may have been ordered" in caught.value.sentence
    assert "lora images list" in caught.value.hint
    key = caught.value.document()["idempotency_key"]
    assert f"--key {key}" in caught.value.hint
    assert [order_once(client, PICTURES, BODY, key=key, listed_by="")["id"]] == list(api.images)


def test_what_never_left_this_machine_was_not_ordered() -> None:
    with ApiClient("http://127.0.0.1:1", pauses_s=()) as client, pytest.raises(ApiUnreachable):
        order_once(client, PICTURES, BODY, key=None, listed_by="lora images list")


def test_an_api_that_goes_away_after_it_was_asked_may_have_taken_the_order(api: FakeApi, client: ApiClient) -> None:
    api.slips["POST", PICTURES] = [(503, a_problem(503, "database_unavailable", "Later.")), None]
    with pytest.raises(Unanswered):
        order_once(client, PICTURES, BODY, key=None, listed_by="lora images list")


def test_a_retry_that_is_not_answered_may_be_given_again(api: FakeApi, client: ApiClient) -> None:
    api.trainings["t_1"] = a_failure()
    path = at("trainings", "t_1", "retry")
    api.slips["POST", path] = [None, None]
    with pytest.raises(Unanswered) as caught:
        retry_once(client, path, listed_by="lora trainings list")
    assert "the same command again" in caught.value.hint
    assert retry_once(client, path, listed_by="")["id"] == "t_1_2"


@pytest.mark.parametrize("path", PRESSES)
def test_every_press_that_pays_has_its_key_and_a_word_where_it_failed(api: FakeApi, path: str) -> None:
    run(api, "images", "make", "m_1", "in the rain", "--key", "first", "--no-wait")
    api.slips["POST", path] = [BROKEN]
    failed = run(api, *PRESSES[path], "--key", "mine")
    assert failed.exit_code == 3
    assert "lora trainings list" in failed.stderr or "lora images list" in failed.stderr
    assert "--key mine" in failed.stderr


def test_the_same_command_with_the_same_key_is_the_same_press(api: FakeApi) -> None:
    for path, thing in (("/v1/models/m_1/images", "images"), ("/v1/trainings", "trainings")):
        before = len(getattr(api, thing))
        for _ in range(2):
            assert run(api, *PRESSES[path], "--key", "mine").exit_code == 0
        assert len(getattr(api, thing)) - before == 1
