"""The paid POST leaves once, whatever happens, and every answer to it has its meaning (fal.md §1)."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.local.fal_simulator import RunningSimulator, SimulatorSettings, running_simulator
from shared.adapters.fal.trainer import FalTrainer
from shared.errors import (
    ProductError,
    SubmissionUncertain,
    TrainerAccountLocked,
    TrainerRejectedInput,
    TrainerUnavailable,
    TrainingFailed,
)
from shared.ports import CancelAnswer, RunState
from shared.settings import FalSettings
from tests.fal_api import ENDPOINT, JOB, NONCE, SUBMISSION, WEBHOOK, FixedClock, a_trainer, says
from tests.scripted_server import Reply, ScriptedServer, scripted_server


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server(lambda asked: Reply(status=500)) as running:
        yield running


@pytest.fixture
def trainer(server: ScriptedServer) -> Iterator[FalTrainer]:
    with closing(a_trainer(server.url)) as trainer:
        yield trainer


def accepted(base: str, **changes: Any) -> dict[str, Any]:
    """What a submit is answered with."""
    url = f"{base}/{ENDPOINT}/requests/r-1"
    urls = {"response_url": url, "status_url": f"{url}/status", "cancel_url": f"{url}/cancel"}
    return {"status": "IN_QUEUE", "request_id": "r-1", "queue_position": 0, **urls, **changes}


# --- submit: what is sent


def test_a_submission_is_sent_as_fal_ai_documents_it(server: ScriptedServer, trainer: FalTrainer) -> None:
    server.script = lambda asked: says(accepted(server.url))
    job = trainer.submit(SUBMISSION)
    [asked] = server.asked
    assert (asked.method, urlsplit(asked.target).path) == ("POST", f"/{ENDPOINT}")
    assert parse_qs(urlsplit(asked.target).query) == {"fal_webhook": [WEBHOOK]}
    assert json.loads(asked.body) == SUBMISSION.arguments
    assert asked.headers["authorization"] == "Key key-id:key-secret"
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"
    assert not [name for name in asked.headers if name.startswith("x-fal")]
    url = f"{server.url}/{ENDPOINT}/requests/r-1"
    assert job == replace(JOB, response_url=url, status_url=f"{url}/status", cancel_url=f"{url}/cancel")


def test_a_queue_behind_a_path_is_reached_under_it(server: ScriptedServer) -> None:
    server.script = lambda asked: says(accepted(server.url))
    with closing(a_trainer(f"{server.url}/fal/")) as trainer:
        trainer.submit(SUBMISSION)
        server.script = lambda asked: says({"status": "IN_QUEUE"})
        trainer.status(JOB, log=False)
    assert [urlsplit(asked.target).path for asked in server.asked] == [
        f"/fal/{ENDPOINT}",
        f"/fal/{ENDPOINT}/requests/r-1/status",
    ]


@pytest.mark.parametrize("name", ["status_url", "response_url", "cancel_url"])
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/requests/r-1",
        "http://127.0.0.1:1/requests/r-1",
        "https://127.0.0.1:{port}/requests/r-1",
        "http://user@127.0.0.1:{port}/requests/r-1",
        "http://[broken",
        "",
        None,
        7,
    ],
)
def test_a_url_of_another_origin_is_not_kept_but_the_bought_run_is(
    server: ScriptedServer, trainer: FalTrainer, name: str, url: object
) -> None:
    foreign = url.format(port=server.port) if isinstance(url, str) else url
    server.script = lambda asked: says(accepted(server.url, **{name: foreign}))
    job = trainer.submit(SUBMISSION)
    assert job.request_id == "r-1"
    assert [kind for kind in ("status_url", "response_url", "cancel_url") if getattr(job, kind) is None] == [name]


def test_any_2xx_with_an_id_is_an_acceptance(server: ScriptedServer, trainer: FalTrainer) -> None:
    for status in (200, 201, 202):
        server.script = lambda asked, status=status: says({"request_id": "r-9"}, status)  # type: ignore[misc]
        assert trainer.submit(SUBMISSION).request_id == "r-9"


# --- submit: what is answered

UNCERTAIN: dict[str, Reply] = {
    "2xx without a body": Reply(),
    "2xx that is no JSON": Reply(body=b"OK"),
    "2xx that is nested": Reply(body=b"[" * 100_000),
    "2xx without an id": says({"status": "IN_QUEUE"}),
    "2xx with an empty id": says({"request_id": " "}),
    "2xx with a number for an id": says({"request_id": 7}),
    "2xx that is a list": says([{"request_id": "r-1"}]),
    "2xx that is cut": Reply(body=b'{"request_id"', length=400),
    "2xx that is huge": Reply(body=b'{"request_id": "r-1"}' + b" " * (1 << 20)),
    "2xx wrongly packed": Reply(body=b"nonsense", headers={"Content-Encoding": "gzip"}),
    "no answer": Reply(drop=True),
    "a late answer": Reply(body=b"{}", pause_s=1.0),
    "an answer that drips": Reply(body=[b" "] * 80, length=80, pause_s=0.03),
    "303": Reply(status=303, headers={"Location": "/else"}),
    "408": says({"detail": "timeout"}, 408),
    "409": says({"detail": "conflict"}, 409),
    "499": says({"detail": "closed"}, 499, X_Fal_Error_Type="client_disconnected"),
    "500": says({"detail": "oops"}, 500),
    "502 of nginx": Reply(status=502, body=b"<html>nginx</html>"),
    "503 of nginx": Reply(status=503, body=b"<html>nginx</html>"),
    "503 to be retried": says({"detail": "busy"}, 503, X_Fal_Retryable="true", X_Fal_Needs_Retry="1"),
    "504 of nginx": Reply(status=504, body=b"<html>nginx</html>"),
}


@pytest.mark.parametrize("name", UNCERTAIN)
def test_where_fal_ai_may_have_accepted_it_is_uncertain_and_wwithout_metadata_once(
    server: ScriptedServer, name: str
) -> None:
    server.script = lambda asked: UNCERTAIN[name]
    started = time.monotonic()
    with closing(a_trainer(server.url, timeout_s=0.3)) as trainer, pytest.raises(SubmissionUncertain):
        trainer.submit(SUBMISSION)
    assert time.monotonic() - started < 1.5, "the limit is of the answer as a whole"
    assert [asked.method for asked in server.asked] == ["POST"]


REFUSED: dict[str, tuple[Reply, type[ProductError], str]] = {
    "401": (says({"detail": "No user found"}, 401), TrainerAccountLocked, "No user found"),
    "402": (says({"detail": "pay"}, 402), TrainerAccountLocked, "pay"),
    "403": (
        says({"detail": "User is locked. Reason: Exhausted balance."}, 403),
        TrainerAccountLocked,
        "Exhausted",
    ),
    "429": (says({"detail": "slow down"}, 429), TrainerUnavailable, "HTTP 429: slow down"),
    "301": (Reply(status=301, headers={"Location": "/else"}), TrainerUnavailable, "never redirected"),
    "302": (Reply(status=302, headers={"Location": "/else"}), TrainerUnavailable, "never redirected"),
    "307": (Reply(status=307, headers={"Location": "/else"}), TrainerUnavailable, "never redirected"),
    "308": (Reply(status=308, headers={"Location": "/else"}), TrainerUnavailable, "never redirected"),
    "404": (says({"detail": "no such app"}, 404), TrainerRejectedInput, r"\(request: no such app\)"),
    "413": (Reply(status=413), TrainerRejectedInput, r"\(request: it answered 413\)"),
    "422 with a list": (
        says({"detail": [{"loc": ["body", "steps"], "msg": "too many"}, {"loc": []}]}, 422),
        TrainerRejectedInput,
        r"\(steps: too many \(and 1 more\)\)",
    ),
    "422 deep inside": (
        says({"detail": [{"loc": ["body", "loras", 0, "path"], "msg": "no"}]}, 422),
        TrainerRejectedInput,
        r"\(loras.0.path: no\)",
    ),
    "422 with an object": (
        says({"detail": {"loc": ["body", "steps"], "msg": "too many"}}, 422),
        TrainerRejectedInput,
        r"\(steps: too many\)",
    ),
    "400 with odd items": (
        says({"detail": [1, 2]}, 400),
        TrainerRejectedInput,
        r"\(request: it answered 400\)",
    ),
    "422 with an odd place": (
        says({"detail": [{"loc": 7, "msg": 8}]}, 422),
        TrainerRejectedInput,
        r"\(request: ",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_why_and_wwithout_metadata_once(server: ScriptedServer, trainer: FalTrainer, name: str) -> None:
    reply, error, text = REFUSED[name]
    server.script = lambda asked: reply
    with pytest.raises(error, match=text):
        trainer.submit(SUBMISSION)
    assert [asked.method for asked in server.asked] == ["POST"]


def test_nobody_listening_means_that_nothing_was_accepted() -> None:
    with scripted_server(lambda asked: Reply()) as gone:
        pass
    with (
        closing(a_trainer(gone.url)) as trainer,
        pytest.raises(TrainerUnavailable, match=r"no connection to 127\.0\.0\.1"),
    ):
        trainer.submit(SUBMISSION)


def test_a_server_that_speaks_no_tls_means_that_nothing_was_accepted(server: ScriptedServer) -> None:
    with (
        closing(a_trainer(server.url.replace("http:", "https:"))) as trainer,
        pytest.raises(TrainerUnavailable),
    ):
        trainer.submit(SUBMISSION)
    assert server.asked == []


def test_a_connection_that_breaks_while_the_request_is_sent_is_uncertain() -> None:
    """Some of the bytes had left."""
    connections = []

    def hang_up(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connections.append(connection.recv(10))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=hang_up, args=(listener,))
        thread.start()
        large = replace(SUBMISSION, arguments={"images_data_url": "x" * 20_000_000})
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with closing(a_trainer(url)) as trainer, pytest.raises(SubmissionUncertain):
            trainer.submit(large)
        thread.join()
    assert connections == [b"POST /fal-"]


def test_a_new_submission_never_travels_on_an_old_connection(server: ScriptedServer, trainer: FalTrainer) -> None:
    """An old one may have been closed by the server, which would look like an uncertain submission."""
    server.script = lambda asked: says(accepted(server.url))
    trainer.submit(SUBMISSION)
    trainer.submit(SUBMISSION)
    assert len({asked.port for asked in server.asked}) == 2


def test_without_a_key_nothing_is_sent(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even with the one that fal-client would find by itself."""
    monkeypatch.setenv("FAL_KEY", "someone-elses")
    settings = FalSettings.model_validate({"fal_key": " ", "fal_queue_url": server.url})
    with closing(FalTrainer(settings, FixedClock())) as trainer:
        with pytest.raises(TrainerAccountLocked, match="FAL_KEY is not set"):
            trainer.submit(SUBMISSION)
        with pytest.raises(TrainerUnavailable, match="FAL_KEY is not set"):
            trainer.status(JOB, log=False)
    assert server.asked == []


def test_neither_errors_nor_logs_show_keys_or_signed_addresses(
    server: ScriptedServer, trainer: FalTrainer, caplog: pytest.LogCaptureFixture
) -> None:
    leaky = "could not fetch https://storage.example/x.zip?X-Signature=s3cret now"
    server.script = lambda asked: says({"detail": [{"loc": ["body", "images_data_url"], "msg": leaky}]}, 422)
    with caplog.at_level(logging.INFO), pytest.raises(TrainerRejectedInput) as caught:
        trainer.submit(SUBMISSION)
    assert caught.value.facts["reason"] == "could not fetch [URL] now"
    for secret in ("s3cret", "key-secret", NONCE):
        assert secret not in f"{caught.value!r} {caught.value.facts} {caplog.text} {SUBMISSION!r}".replace(
            f"nonce='{NONCE}'", ""
        )


# --- against the simulator


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    settings = SimulatorSettings(tmp_path_factory.mktemp("fal"), seconds_per_training=0.2, weights_mb=0.2)
    with running_simulator(settings) as running:
        yield running


SIMULATED = {
    "rejected_422": TrainerRejectedInput,
    "bad_request_400": TrainerRejectedInput,
    "bad_key_401": TrainerAccountLocked,
    "locked_403": TrainerAccountLocked,
    "rate_limited_429": TrainerUnavailable,
    "redirect_307": TrainerUnavailable,
    "error_500": SubmissionUncertain,
    "unavailable_503_before": SubmissionUncertain,
    "unavailable_503_after": SubmissionUncertain,
    "drop_before": SubmissionUncertain,
    "drop_after": SubmissionUncertain,
    "slow_after": SubmissionUncertain,
    "not_json": SubmissionUncertain,
    "malformed_answer": SubmissionUncertain,
}


@pytest.mark.parametrize("fault", SIMULATED)
def test_the_simulators_faults_are_named_and_buy_at_most_one_run(simulator: RunningSimulator, fault: str) -> None:
    simulator.control.reset()
    simulator.control.plan(submit=fault, submit_delay_s=1.0)
    with closing(a_trainer(simulator.queue_url, timeout_s=0.5)) as trainer, pytest.raises(SIMULATED[fault]):
        trainer.submit(SUBMISSION)
    submissions = simulator.control.submissions()
    assert [submission["fault"] for submission in submissions] == [fault]
    assert submissions[0]["accepted"] <= (SIMULATED[fault] is SubmissionUncertain)


def test_an_uncertain_run_is_found_again_and_followed_to_its_end(simulator: RunningSimulator) -> None:
    simulator.control.reset()
    simulator.control.plan(submit="drop_after", run="fail_500")
    with closing(a_trainer(simulator.queue_url)) as trainer:
        with pytest.raises(SubmissionUncertain):
            trainer.submit(SUBMISSION)
        found = trainer.find(ENDPOINT, NONCE, since=datetime.now(UTC) - timedelta(minutes=1))
        assert found is not None
        assert found.status_url is None
        simulator.control.wait_for(found.request_id)
        assert trainer.status(found, log=True).state is RunState.COMPLETED
        with pytest.raises((TrainingFailed, TrainerRejectedInput)):
            trainer.result(found)
        assert trainer.cancel(found) is CancelAnswer.TOO_LATE
