"""fal.ai's status, result, cancellation and request list over real HTTP (fal.md §1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.adapters.fal.trainer import FalTrainer
from shared.errors import (
    ArtifactUnavailable,
    ProductError,
    TrainerRejectedInput,
    TrainerUnavailable,
    TrainingFailed,
)
from shared.ports import CancelAnswer, ForgetAnswer, Forgotten, RunOutput, RunState
from tests.fal_api import ENDPOINT, JOB, NONCE, NOW, a_trainer, says
from tests.scripted_server import Asked, Reply, ScriptedServer, scripted_server


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server(lambda asked: Reply(status=500)) as running:
        yield running


@pytest.fixture
def trainer(server: ScriptedServer) -> Iterator[FalTrainer]:
    with closing(a_trainer(server.url)) as trainer:
        yield trainer


# --- status


def test_the_status_is_asked_for_at_the_url_that_submit_returned(server: ScriptedServer, trainer: FalTrainer) -> None:
    server.script = lambda asked: says({"status": "IN_QUEUE", "queue_position": 3}, 202)
    status = trainer.status(replace(JOB, status_url=f"{server.url}/odd/place?a=b"), log=False)
    assert (status.state, status.queue_position, status.log) == (RunState.IN_QUEUE, 3, ())
    trainer.status(replace(JOB, status_url=f"{server.url}/odd/place?a=b"), log=True)
    assert [asked.target for asked in server.asked] == ["/odd/place?a=b", "/odd/place?a=b&logs=1"]


@pytest.mark.parametrize("url", [None, "https://evil.example/r-1/status"])
def test_a_job_without_urls_of_ours_is_asked_for_where_fal_client_would(
    server: ScriptedServer, trainer: FalTrainer, url: str | None
) -> None:
    server.script = lambda asked: says({"status": "IN_PROGRESS"})
    trainer.status(replace(JOB, status_url=url), log=True)
    trainer.status(replace(JOB, status_url=url, request_id="../../x?y"), log=False)
    assert [asked.target for asked in server.asked] == [
        f"/{ENDPOINT}/requests/r-1/status?logs=1",
        f"/{ENDPOINT}/requests/..%2F..%2Fx%3Fy/status",
    ]


def test_only_messages_are_taken_from_the_log_and_addresses_are_taken_out(
    server: ScriptedServer, trainer: FalTrainer
) -> None:
    logs = [
        {"message": "Downloading https://storage.example/x.zip?X-Signature=s3cret"},
        {"message": "1/10", "timestamp": "2026-11-22T12:00:00"},
        {"level": "INFO"},
        {"message": None},
        "bare",
        7,
        None,
    ]
    server.script = lambda asked: says({"status": "IN_PROGRESS", "logs": logs})
    assert trainer.status(JOB, log=True).log == ("Downloading [URL]", "1/10", "bare")


@pytest.mark.parametrize(
    "extra", [{}, {"logs": None}, {"logs": "text", "queue_position": "many"}, {"queue_position": True}]
)
def test_missing_and_odd_fields_of_the_status_are_no_trouble(
    server: ScriptedServer, trainer: FalTrainer, extra: dict[str, Any]
) -> None:
    server.script = lambda asked: says({"status": "COMPLETED", **extra})
    status = trainer.status(JOB, log=True)
    assert (status.state, status.queue_position, status.log) == (RunState.COMPLETED, None, ())


def test_a_status_whose_log_is_refused_is_asked_for_without_it(server: ScriptedServer, trainer: FalTrainer) -> None:
    refused = Reply(status=422, body=b'{"detail": "logs"}')
    server.script = lambda asked: refused if "logs=1" in asked.target else says({"status": "COMPLETED"})
    status = trainer.status(JOB, log=True)
    assert (status.state, status.log) == (RunState.COMPLETED, ())
    assert len(server.asked) == 2


@pytest.mark.parametrize("body", [{}, {"status": "LOST"}, {"status": ["COMPLETED"]}, [], "COMPLETED"])
def test_a_status_that_says_nothing_is_unavailable(server: ScriptedServer, trainer: FalTrainer, body: object) -> None:
    server.script = lambda asked: says(body)
    with pytest.raises(TrainerUnavailable):
        trainer.status(JOB, log=False)


def test_reading_is_tried_again_a_few_times(server: ScriptedServer, trainer: FalTrainer) -> None:
    failures = iter([Reply(drop=True), Reply(status=503)])
    server.script = lambda asked: next(failures, None) or says({"status": "IN_QUEUE"})
    assert trainer.status(JOB, log=False).state is RunState.IN_QUEUE
    for failure in (Reply(drop=True), Reply(status=502), Reply(status=429)):
        server.asked.clear()
        server.script = lambda asked, failure=failure: failure  # type: ignore[misc]
        with pytest.raises(TrainerUnavailable):
            trainer.status(JOB, log=False)
        assert len(server.asked) == 3


@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_a_refused_status_is_not_asked_for_again(server: ScriptedServer, trainer: FalTrainer, status: int) -> None:
    server.script = lambda asked: Reply(status=status, headers={"Location": "/else"})
    with pytest.raises(TrainerUnavailable):
        trainer.status(JOB, log=False)
    assert len(server.asked) == 1


# --- result


def ended(server: ScriptedServer, result: Reply, **told: Any) -> None:
    """Let the run be completed, with this result."""
    server.script = lambda asked: says({"status": "COMPLETED", **told}) if asked.target.endswith("/status") else result


def test_a_result_names_every_file_of_the_output(server: ScriptedServer, trainer: FalTrainer) -> None:
    output = {
        "diffusers_lora_file": {"url": "https://v3.fal.media/a", "file_size": 89745224, "content_type": "x"},
        "config_file": {"url": "https://v3.fal.media/b", "file_size": None},
        "rounded": {"url": "https://v3.fal.media/c", "file_size": 10.0},
        "odd": {"url": "https://v3.fal.media/d", "file_size": "big"},
        "debug_preprocessed_output": None,
        "no_file": {"url": None},
        "seed": 7,
    }
    ended(server, says(output))
    result = trainer.result(JOB)
    assert isinstance(result, RunOutput)
    assert result.raw == output
    assert {name: artifact.size for name, artifact in result.artifacts.items()} == {
        "diffusers_lora_file": 89745224,
        "config_file": None,
        "rounded": 10,
        "odd": None,
    }


def test_a_run_that_is_not_completed_has_no_result_and_none_is_asked_for(
    server: ScriptedServer, trainer: FalTrainer
) -> None:
    for state in ("IN_QUEUE", "IN_PROGRESS"):
        server.script = lambda asked, state=state: says({"status": state}, 202)  # type: ignore[misc]
        assert trainer.result(JOB) is None
    assert all(asked.target.endswith("/status") for asked in server.asked)


@pytest.mark.parametrize(
    "reply", [says({"detail": "Request is still in progress"}, 400), says({"status": "IN_PROGRESS"}, 202)]
)
def test_a_result_that_is_still_in_progress_is_none(server: ScriptedServer, trainer: FalTrainer, reply: Reply) -> None:
    ended(server, reply)
    assert trainer.result(JOB) is None


FIELD = {"detail": [{"loc": ["body", "images_data_url"], "msg": "cannot be read", "type": "file_download_error"}]}
MODEL = {"detail": [{"loc": ["body"], "msg": "the images could not be processed", "type": "training_failed"}]}

FAILURES: dict[str, tuple[Reply, dict[str, Any], type[ProductError], str]] = {
    "a field at fault": (says(FIELD, 422), {}, TrainerRejectedInput, r"\(images_data_url: cannot be read\)"),
    "a field at fault, told": (says(FIELD, 422), {"error": "x"}, TrainerRejectedInput, "images_data_url"),
    "no field at fault": (says(MODEL, 422), {}, TrainingFailed, "could not be processed"),
    "a text": (says({"detail": "it broke"}, 400), {}, TrainingFailed, "it broke"),
    "a model's 500": (says(MODEL, 500), {}, TrainingFailed, "could not be processed"),
    "a model's 500 with a field": (says(FIELD, 500), {}, TrainingFailed, "cannot be read"),
    "a told 500": (
        says({"detail": "Internal server error"}, 500),
        {"error": "x"},
        TrainingFailed,
        "Internal",
    ),
    "a told error type": (
        Reply(status=503),
        {"error_type": "runner_disconnected"},
        TrainingFailed,
        "answered 503",
    ),
    "a lost runner": (
        says({"detail": "gone", "error_type": "runner_disconnected"}, 503),
        {},
        TrainingFailed,
        "gone",
    ),
    "a late start": (
        says({"detail": "late"}, 504, X_Fal_Error_Type="startup_timeout"),
        {},
        TrainingFailed,
        "late",
    ),
    "canceled": (
        says({"detail": "cancelled"}, 499, X_Fal_Error_Type="client_cancelled"),
        {},
        TrainingFailed,
        "canc",
    ),
    "told and gone": (
        says({"detail": "not found"}, 404),
        {"error": "out of memory"},
        TrainingFailed,
        "out of memory",
    ),
    "a model's 403": (says(MODEL, 403), {}, TrainingFailed, "could not be processed"),
    "gone": (says({"detail": "Request not found"}, 404), {}, ArtifactUnavailable, "no longer has"),
    "gone for good": (Reply(status=410), {}, ArtifactUnavailable, "no longer has"),
    "unreadable": (Reply(body=b"<html>"), {}, ArtifactUnavailable, "cannot be read"),
    "locked": (
        says({"detail": "User is locked"}, 403),
        {},
        TrainerUnavailable,
        "our account: User is locked",
    ),
    "key": (says({"detail": "no user"}, 401), {}, TrainerUnavailable, "our account: no user"),
    "the queue's 500": (
        says({"detail": "oops"}, 500, X_Fal_Error_Type="internal_error"),
        {},
        TrainerUnavailable,
        "500",
    ),
    "nginx": (Reply(status=502, body=b"<html>nginx</html>"), {}, TrainerUnavailable, "502"),
    "a limit": (says({"detail": "slow"}, 429), {}, TrainerUnavailable, "429"),
    "a redirect": (Reply(status=302, headers={"Location": "/else"}), {}, TrainerUnavailable, "302"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_run_is_told_from_a_failing_fal_ai(server: ScriptedServer, trainer: FalTrainer, name: str) -> None:
    reply, told, error, text = FAILURES[name]
    ended(server, reply, **told)
    with pytest.raises(error, match=text):
        trainer.result(JOB)


def test_a_2xx_is_a_success_whatever_the_status_told(server: ScriptedServer, trainer: FalTrainer) -> None:
    ended(server, says({"seed": 1}), error="a warning, it seems")
    assert trainer.result(JOB) == RunOutput(artifacts={}, raw={"seed": 1})


def test_a_forgotten_status_does_not_hide_a_result(server: ScriptedServer, trainer: FalTrainer) -> None:
    kept = says({"seed": 1})
    server.script = lambda asked: Reply(status=404) if asked.target.endswith("/status") else kept
    assert trainer.result(JOB) == RunOutput(artifacts={}, raw={"seed": 1})


def test_a_request_that_fal_ai_does_not_know_at_all_is_not_said_to_have_weights(
    server: ScriptedServer, trainer: FalTrainer
) -> None:
    """It may be somebody else's: only a request that is known to have completed can have lost its result."""
    server.script = lambda asked: says({"detail": "Request not found"}, 404)
    with pytest.raises(TrainerUnavailable, match="does not know this request"):
        trainer.result(JOB)


def test_a_replayed_failure_is_not_asked_for_again(server: ScriptedServer, trainer: FalTrainer) -> None:
    ended(server, says({"detail": "no runner", "error_type": "runner_scheduling_failure"}, 503), error="503")
    with pytest.raises(TrainingFailed):
        trainer.result(JOB)
    assert len(server.asked) == 2


# --- cancel


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (says({"status": "CANCELLATION_REQUESTED"}, 202), CancelAnswer.REQUESTED),
        (says({"status": "OK"}), CancelAnswer.REQUESTED),
        (Reply(status=202), CancelAnswer.REQUESTED),
        (says({"status": "ALREADY_COMPLETED"}, 400), CancelAnswer.TOO_LATE),
        (says({"status": "NOT_FOUND"}, 404), CancelAnswer.UNKNOWN),
        (Reply(status=404), CancelAnswer.UNKNOWN),
    ],
)
def test_a_cancellation_is_answered(
    server: ScriptedServer, trainer: FalTrainer, reply: Reply, answer: CancelAnswer
) -> None:
    server.script = lambda asked: reply
    assert trainer.cancel(replace(JOB, cancel_url=f"{server.url}/c")) is answer
    assert trainer.cancel(JOB) is answer
    assert [(asked.method, asked.target) for asked in server.asked] == [
        ("PUT", "/c"),
        ("PUT", f"/{ENDPOINT}/requests/r-1/cancel"),
    ]


def test_a_cancellation_that_gets_no_sense_is_unavailable(server: ScriptedServer, trainer: FalTrainer) -> None:
    for status in (400, 403):
        server.script = lambda asked, status=status: Reply(status=status)  # type: ignore[misc]
        with pytest.raises(TrainerUnavailable):
            trainer.cancel(JOB)


# --- forget


DELETED = {"link": "https://v3.fal.media/files/a/b.safetensors", "exception": None}
NOT_DELETED = {"link": "https://v3.fal.media/files/a/c.json", "exception": "not found"}


@pytest.mark.parametrize(
    ("reply", "forgotten"),
    [
        (says({"cdn_delete_results": [DELETED, DELETED]}), Forgotten(answer=ForgetAnswer.FORGOTTEN, files=2)),
        (
            says({"cdn_delete_results": [DELETED, NOT_DELETED]}),
            Forgotten(answer=ForgetAnswer.FORGOTTEN, files=1, left=1),
        ),
        (says({"cdn_delete_results": []}), Forgotten(answer=ForgetAnswer.FORGOTTEN)),
        (says({"cdn_delete_results": "?"}), Forgotten(answer=ForgetAnswer.FORGOTTEN)),
        (Reply(status=204), Forgotten(answer=ForgetAnswer.FORGOTTEN)),
        (says({"detail": "Request not found"}, 404), Forgotten(answer=ForgetAnswer.UNKNOWN)),
        (says({"detail": "requires ADMIN scope"}, 403), Forgotten(answer=ForgetAnswer.REFUSED)),
    ],
)
def test_what_fal_keeps_of_a_request_is_deleted_by_its_id(
    server: ScriptedServer, trainer: FalTrainer, reply: Reply, forgotten: Forgotten
) -> None:
    server.script = lambda asked: reply
    assert trainer.forget("r/1") == forgotten
    assert [(asked.method, asked.target) for asked in server.asked] == [
        ("DELETE", "/v1/models/requests/r%2F1/payloads")
    ]


def test_deleting_waits_for_an_account_that_is_not_in_order(server: ScriptedServer, trainer: FalTrainer) -> None:
    for reply in (LOCKED, Reply(status=401), Reply(status=500), Reply(status=429)):
        server.script = lambda asked, reply=reply: reply  # type: ignore[misc]
        with pytest.raises(TrainerUnavailable):
            trainer.forget("r-1")


# --- money


LOCKED = says({"detail": "User is locked. Reason: Exhausted balance"}, 403)


@pytest.mark.parametrize(
    "call",
    [
        lambda trainer: trainer.status(JOB, log=True),
        lambda trainer: trainer.result(JOB),
        lambda trainer: trainer.cancel(JOB),
        lambda trainer: trainer.find(ENDPOINT, NONCE, since=NOW),
    ],
    ids=["status", "result", "cancel", "find"],
)
def test_an_account_that_is_locked_is_waited_for_once_something_may_be_bought(
    server: ScriptedServer, trainer: FalTrainer, call: Callable[[FalTrainer], object]
) -> None:
    """The training itself may have used up the balance. Given up, it would be bought again."""
    server.script = lambda asked: LOCKED
    with pytest.raises(TrainerUnavailable, match="Exhausted balance") as caught:
        call(trainer)
    assert caught.value.retryable


def test_the_cost_is_not_known_while_the_account_is_locked(server: ScriptedServer, trainer: FalTrainer) -> None:
    server.script = lambda asked: LOCKED
    assert trainer.cost_usd(JOB) is None


@pytest.mark.parametrize(
    ("events", "usd"),
    [
        ([{"cost_total": 1.5}, {"cost_total": 0.5}, {"cost_total": "7"}, 7, {}], 2.0),
        ([{"cost_total": 0}], 0.0),
        ([], None),
        (None, None),
        (7, None),
        ({"cost_total": 7}, None),
        ([{"cost_total": -5}, {"cost_total": float("nan")}, {"cost_total": float("inf")}, {"cost_total": 1e300}], None),
    ],
)
def test_a_cost_is_the_sum_of_what_can_be_one(
    server: ScriptedServer, trainer: FalTrainer, events: object, usd: float | None
) -> None:
    """A budget that something negative or endless was added to would never say no again."""
    server.script = lambda asked: says({"billing_events": events})
    assert trainer.cost_usd(JOB) == usd


# --- find


def pages(*items: list[Any]) -> Any:
    """A request list of these pages."""

    def script(asked: Asked) -> Reply:
        number = int(parse_qs(urlsplit(asked.target).query).get("cursor", ["0"])[0])
        more = number + 1 < len(items)
        return says({"items": items[number], "has_more": more, "next_cursor": str(number + 1) if more else None})

    return script


def listed(request_id: str, nonce: str, **changes: Any) -> dict[str, Any]:
    """One entry of the request list."""
    given = {"images_data_url": f"https://storage.example/{nonce}.zip?sig", "steps": 10}
    return {"request_id": request_id, "sent_at": "2026-11-22T11:59:00Z", "json_input": given, **changes}


def test_a_request_is_found_by_its_nonce_on_any_page(server: ScriptedServer, trainer: FalTrainer) -> None:
    odd = [7, None, {}, listed("r-0", "other"), listed("", NONCE), listed("r-0", "x", json_input=None)]
    server.script = pages(odd, [listed("r-1", "other"), listed("r-2", NONCE)])
    found = trainer.find(ENDPOINT, NONCE, since=NOW)
    assert found == replace(JOB, request_id="r-2", submitted_at=NOW - timedelta(minutes=1))
    first = urlsplit(server.asked[0].target)
    assert first.path == "/v1/models/requests/by-endpoint"
    assert parse_qs(first.query) == {
        "endpoint_id": [ENDPOINT],
        "start": ["2026-11-22T11:55:00Z"],
        "expand": ["payloads"],
    }
    assert server.asked[0].headers["authorization"] == "Key key-id:key-secret"


@pytest.mark.parametrize("sent_at", [None, "yesterday", 7])
def test_a_request_without_a_readable_time_wwithout_metadata_now_as_far_as_we_know(
    server: ScriptedServer, trainer: FalTrainer, sent_at: object
) -> None:
    server.script = pages([listed("r-1", NONCE, sent_at=sent_at)])
    assert trainer.find(ENDPOINT, NONCE, since=NOW) == JOB


def test_a_time_without_a_zone_is_utc(server: ScriptedServer, trainer: FalTrainer) -> None:
    server.script = pages([listed("r-1", NONCE, sent_at="2026-11-22T12:00:00")])
    assert trainer.find(ENDPOINT, NONCE, since=NOW) == JOB


def test_nothing_is_found_where_nothing_is(server: ScriptedServer, trainer: FalTrainer) -> None:
    for script in (pages([]), pages([listed("r-1", "other")]), lambda asked: says({"items": None})):
        server.script = script
        assert trainer.find(ENDPOINT, NONCE, since=NOW) is None
    server.script = pages([listed("r-1", "other")])
    assert trainer.find(ENDPOINT, "", since=NOW) is None


def test_an_endless_list_is_left_after_some_pages(server: ScriptedServer, trainer: FalTrainer) -> None:
    server.script = lambda asked: says({"items": [], "has_more": True, "next_cursor": "again"})
    assert trainer.find(ENDPOINT, NONCE, since=NOW) is None
    assert len(server.asked) == 20


def test_a_list_that_cannot_be_read_is_unavailable(server: ScriptedServer, trainer: FalTrainer) -> None:
    for reply in (Reply(body=b"<html>"), Reply(status=500), says({"detail": "not an admin key"}, 403)):
        server.script = lambda asked, reply=reply: reply  # type: ignore[misc]
        with pytest.raises(TrainerUnavailable):
            trainer.find(ENDPOINT, NONCE, since=NOW)
