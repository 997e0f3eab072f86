"""The fal.ai simulator keeps fal.md's promises: queue, run, result, cancel, prices, files, restart."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import fal_client
import httpx
import pytest

from infra.local.fal_simulator import RunningSimulator, SimulatorSettings, running_simulator
from infra.local.fal_simulator.plans import SubmitFault
from shared.trainers import TRAINERS
from tests.fal_vectors.world import FAST, Customer, Receiver, a_dataset, a_receiver, a_zip, tensors_in

ROOT = Path(__file__).parents[2]
ACCEPTED = {"unavailable_503_after", "drop_after", "slow_after", "not_json", "malformed_answer", "ok"}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with a_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    settings = SimulatorSettings(
        tmp_path_factory.mktemp("fal"), seconds_per_training=0.1, weights_mb=0.4, stream_interval_s=0.02
    )
    with running_simulator(settings) as running:
        yield running


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture
def customer(simulator: RunningSimulator, receiver: Receiver, http: httpx.Client) -> Customer:
    simulator.control.reset()
    return Customer(simulator, receiver, http)


def test_it_says_openly_that_it_is_a_simulator(customer: Customer) -> None:
    answer = customer.client.get(customer.simulator.url)
    assert "simulator" in answer.json()["notice"]
    assert answer.headers["x-fal-simulator"] == "true"


def test_a_submit_is_answered_with_urls_to_store(customer: Customer) -> None:
    answer = customer.submit()
    assert {"request_id", "response_url", "status_url", "cancel_url", "gateway_request_id"} < answer.keys()
    assert (answer["status"], answer["queue_position"]) == ("IN_QUEUE", 2)
    assert answer["status_url"].startswith(f"{customer.simulator.queue_url}/{FAST}/requests/")


def test_a_run_goes_from_the_queue_to_an_output_with_real_files(customer: Customer) -> None:
    archive = a_zip(a_dataset(5))
    answer = customer.submit(archive)
    output = customer.finish(answer).json()
    record = customer.simulator.control.request(answer["request_id"])
    assert output["debug_preprocessed_output"] is None
    weights = customer.client.get(output["diffusers_lora_file"]["url"])
    assert weights.headers["content-type"] == "application/octet-stream"
    assert len(weights.content) == output["diffusers_lora_file"]["file_size"]
    assert hashlib.sha256(weights.content).hexdigest() == record["artifacts"]["diffusers_lora_file"]["sha256"]
    assert tensors_in(weights.content)
    config = customer.client.get(output["config_file"]["url"]).json()
    assert (config["instance_prompt"], config["steps"]) == ("ohwx", 1000)
    assert record["archive"]["sha256"] == hashlib.sha256(archive).hexdigest()
    assert len(record["archive"]["pictures"]) == 5


def test_status_is_202_with_positions_and_then_200_with_logs_and_metrics(customer: Customer) -> None:
    answer = customer.submit(seconds_per_training=0.8)
    seen: list[tuple[int, str, Any]] = []
    while not seen or seen[-1][0] == 202:
        asked = customer.http("GET", answer["status_url"], params={"logs": 1})
        body = asked.json()
        seen.append((asked.status_code, body["status"], body.get("queue_position")))
        assert (body.get("logs") is None) == (body["status"] == "IN_QUEUE")
    positions = [position for _, _, position in seen if position is not None]
    assert positions == sorted(positions, reverse=True)
    assert positions[0] == 2
    assert (202, "IN_PROGRESS", None) in seen
    assert seen[-1] == (200, "COMPLETED", None)
    assert body["metrics"]["inference_time"] >= 0.6
    assert "1000/1000" in "".join(line["message"] for line in body["logs"])


def test_logs_come_only_where_asked_for(customer: Customer) -> None:
    answer = customer.submit()
    customer.finish(answer)
    assert customer.http("GET", answer["status_url"]).json()["logs"] is None


def test_the_stream_tells_each_change_and_closes_after_completed(customer: Customer) -> None:
    answer = customer.submit(seconds_per_training=0.6)
    headers = {"Authorization": "Key our-key"}
    url = f"{answer['status_url']}/stream?logs=1"
    with customer.client.stream("GET", url, headers=headers) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
    assert events[0]["status"] == "IN_QUEUE"
    assert [event["status"] for event in events].count("COMPLETED") == 1
    assert events[-1]["status"] == "COMPLETED"


def test_a_pending_result_is_a_400(customer: Customer) -> None:
    asked = customer.http("GET", customer.submit(seconds_per_training=10)["response_url"])
    assert (asked.status_code, asked.json()["detail"]) == (400, "Request is still in progress")


@pytest.mark.parametrize(("key", "code"), [("", 401), ("bad-key", 401), ("locked-key", 403)])
def test_without_a_good_key_nothing_is_answered(customer: Customer, key: str, code: int) -> None:
    stranger = replace(customer, key=key)
    assert stranger.post(stranger.an_input()).status_code == code
    assert stranger.http("GET", f"{customer.simulator.api_url}/v1/models/pricing").status_code == code
    assert customer.simulator.control.requests() == []
    assert [row["accepted"] for row in customer.simulator.control.submissions()] == [False]


def test_another_keys_request_is_not_found(customer: Customer) -> None:
    answer = customer.submit()
    stranger = replace(customer, key="their-key")
    for method, url in (("GET", "status_url"), ("GET", "response_url"), ("PUT", "cancel_url")):
        assert stranger.http(method, answer[url]).status_code == 404


def test_an_unknown_endpoint_is_a_404(customer: Customer) -> None:
    assert customer.post(customer.an_input(), endpoint="fal-ai/no-such-trainer").status_code == 404


def test_headers_that_matter_are_recorded(customer: Customer) -> None:
    headers = {
        "X-Fal-Store-IO": "0",
        "X-Fal-Object-Lifecycle-Preference": "{}",
        "X-Fal-Request-Timeout": "60",
    }
    request_id = customer.post(customer.an_input(), headers=headers).json()["request_id"]
    recorded = customer.simulator.control.request(request_id)["headers"]
    assert recorded["x-fal-store-io"] == "0"
    assert recorded["x-fal-request-timeout"] == "60"


# --- what a trainer accepts -------------------------------------------------------------------------------


def test_wrong_input_is_accepted_and_then_fails_with_fal_ais_422(customer: Customer) -> None:
    answer = customer.post({"steps": 10_001, "trigger_word": 7}).json()
    failed = customer.finish(answer)
    assert failed.status_code == 422
    found = {(tuple(item["loc"]), item["type"]) for item in failed.json()["detail"]}
    assert (("body", "images_data_url"), "missing") in found
    assert (("body", "steps"), "less_than_equal") in found
    assert {"loc", "msg", "type", "url", "input"} <= failed.json()["detail"][0].keys()


def test_unknown_fields_are_silently_ignored(customer: Customer) -> None:
    answer = customer.post(customer.an_input(learning_rate=1, rank=64)).json()
    assert customer.finish(answer).status_code == 200


@pytest.mark.parametrize("endpoint", TRAINERS)
def test_every_trainer_of_the_contract_trains(customer: Customer, endpoint: str) -> None:
    trainer = TRAINERS[endpoint]
    given: dict[str, Any] = {trainer.data_field: customer.receiver.serve(a_zip(a_dataset(10)))}
    if trainer.trigger_field:
        given[trainer.trigger_field] = "ohwx"
    output = customer.finish(customer.post(given, endpoint=endpoint).json()).json()
    assert {*(file.output for file in trainer.weights), "config_file", *trainer.other_outputs} == output.keys()


@pytest.mark.parametrize(
    ("endpoint", "wrong", "kind"),
    [
        ("fal-ai/flux-lora-portrait-trainer", {"learning_rate": 1.0}, "less_than_equal"),
        ("fal-ai/turbo-flux-trainer", {"training_style": "both"}, "literal_error"),
        ("fal-ai/flux-2-trainer", {"steps": 150}, "multiple_of"),
        ("fal-ai/qwen-image-2512-trainer", {"steps": 0}, "greater_than_equal"),
        ("fal-ai/z-image-trainer", {"training_type": "all"}, "literal_error"),
        ("fal-ai/wan-22-image-trainer", {"trigger_phrase": None}, "string_type"),
        ("fal-ai/flux-lora-fast-training", {"images_data_url": 1}, "string_type"),
    ],
)
def test_each_trainer_refuses_what_its_own_fields_do_not_take(
    customer: Customer, endpoint: str, wrong: dict[str, Any], kind: str
) -> None:
    trainer = TRAINERS[endpoint]
    given = {trainer.data_field: "https://example.com/a.zip", trainer.trigger_field or "x": "ohwx", **wrong}
    failed = customer.finish(customer.post(given, endpoint=endpoint).json())
    assert failed.status_code == 422
    assert (failed.json()["detail"][0]["type"], failed.json()["detail"][0]["loc"][1]) == (kind, next(iter(wrong)))


def test_a_field_of_another_trainer_is_ignored_without_a_word(customer: Customer) -> None:
    given = {"image_data_url": customer.receiver.serve(a_zip(a_dataset(10))), "is_style": True, "rank": 64}
    answer = customer.post(given, endpoint="fal-ai/z-image-trainer").json()
    output = customer.finish(answer).json()
    config = customer.client.get(output["config_file"]["url"]).json()
    assert "is_style" not in config["parameters"]
    assert config["parameters"]["training_type"] == "balanced"


def test_what_is_not_sent_is_what_fal_ai_takes_by_itself(customer: Customer) -> None:
    output = customer.finish(customer.submit()).json()
    config = customer.client.get(output["config_file"]["url"]).json()
    assert config["parameters"]["is_input_format_already_preprocessed"] is False


def test_wan_bills_a_hundred_steps_at_least(customer: Customer) -> None:
    given = {"training_data_url": customer.receiver.serve(a_zip(a_dataset())), "trigger_phrase": "ohwx", "steps": 10}
    customer.finish(customer.post(given, endpoint="fal-ai/wan-22-image-trainer").json())
    assert customer.simulator.control.billing()["cost_total"] == 0.45


def test_a_trainer_has_its_own_least_number_of_pictures(customer: Customer) -> None:
    endpoint = "fal-ai/turbo-flux-trainer"
    failed = customer.finish(customer.post(customer.an_input(), endpoint=endpoint).json())
    assert failed.status_code == 422
    assert "at least 10" in failed.json()["detail"][0]["msg"]


def test_flux_2_without_default_caption_needs_every_caption(customer: Customer) -> None:
    files = a_dataset(10)
    del files["3.txt"]
    for given, code in (({}, 422), ({"default_caption": "a coat"}, 200)):
        url = customer.receiver.serve(a_zip(files))
        answer = customer.post({"image_data_url": url, **given}, endpoint="fal-ai/flux-2-trainer").json()
        assert customer.finish(answer).status_code == code


def test_an_archive_that_the_trainer_cannot_read_fails_the_run(customer: Customer) -> None:
    failed = customer.finish(customer.submit(a_zip(a_dataset(3))))
    detail = failed.json()["detail"][0]
    assert (failed.status_code, detail["loc"]) == (422, ["body", "images_data_url"])
    assert "at least 4" in detail["msg"]


@pytest.mark.parametrize(
    "url",
    [
        "{receiver}/zips/gone.zip",
        "http://10.0.0.1/a.zip",
        "https://127.0.0.1/a.zip",
        "http://[::1/a.zip",
        "ftp",
    ],
)
def test_a_url_that_cannot_be_fetched_is_a_file_download_error(customer: Customer, url: str) -> None:
    url = url.format(receiver=customer.receiver.url)
    failed = customer.finish(customer.post({"images_data_url": url, "data_archive_format": "zip"}).json())
    assert (failed.status_code, failed.json()["detail"][0]["type"]) == (422, "file_download_error")


def test_the_archives_format_is_read_off_the_url(customer: Customer) -> None:
    failed = customer.finish(customer.post({"images_data_url": f"{customer.receiver.url}/zips/no-ending"}).json())
    assert "format" in failed.json()["detail"][0]["msg"]


# --- the paid call ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [fault.value for fault in SubmitFault if fault != "ok"])
def test_a_submit_fault_buys_a_run_only_where_it_says_so(customer: Customer, fault: str) -> None:
    customer.simulator.control.plan(submit=fault, submit_delay_s=0.1)
    started = time.monotonic()
    code: int | None = None
    try:
        answer = customer.post(customer.an_input())
        code = answer.status_code
    except httpx.RemoteProtocolError as error:
        assert "without sending a response" in str(error)
    digits = fault.rpartition("_")[2]
    wanted = {
        "unavailable_503_before": 503,
        "unavailable_503_after": 503,
        "drop_before": None,
        "drop_after": None,
    }
    assert code == wanted.get(fault, int(digits) if digits.isdigit() else 200)
    accepted = customer.simulator.control.requests()
    assert len(accepted) == (1 if fault in ACCEPTED else 0)
    assert [row["accepted"] for row in customer.simulator.control.submissions()] == [fault in ACCEPTED]
    assert fault != "slow_after" or time.monotonic() - started >= 0.1


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
def test_a_dropped_connection_closes_without_one_byte(customer: Customer, fault: str) -> None:
    customer.simulator.control.plan(submit=fault)
    body = json.dumps(customer.an_input()).encode()
    head = f"POST /{FAST} HTTP/1.1\r\nHost: x\r\nAuthorization: Key k\r\nContent-Length: {len(body)}\r\n\r\n"
    port = httpx.URL(customer.simulator.url).port
    with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as raw:
        raw.sendall(head.encode() + body)
        assert raw.recv(100) == b""


@pytest.mark.parametrize("fault", ["not_json", "malformed_answer"])
def test_an_answer_without_a_request_id_is_a_200_all_the_same(customer: Customer, fault: str) -> None:
    customer.simulator.control.plan(submit=fault)
    assert '"request_id"' not in customer.post(customer.an_input()).text


def test_a_redirected_submit_buys_a_run_for_whoever_follows(customer: Customer) -> None:
    customer.simulator.control.plan(submit="redirect_307")
    assert customer.post(customer.an_input(), follow_redirects=True).status_code == 200
    assert [row["accepted"] for row in customer.simulator.control.submissions()] == [False, True]


def test_a_plan_is_for_whom_it_matches_and_for_so_many_times(customer: Customer) -> None:
    control = customer.simulator.control
    control.plan({"trigger_word": "red"}, times=2, submit="error_500")
    control.plan({"input_contains": "blue"}, times=None, submit="locked_403")
    words = ["ohwx", "red", "light blue", "red", "red", "dark blue"]
    codes = [customer.post(customer.an_input(trigger_word=word)).status_code for word in words]
    assert codes == [200, 500, 403, 500, 200, 403]
    assert [plan["times"] for plan in control.plans()] == [0, None]
    control.clear_plans()
    assert customer.post(customer.an_input(trigger_word="blue")).status_code == 200


def test_an_unknown_fault_is_refused(customer: Customer) -> None:
    for wrong in ({"submit": "explode"}, {"no_such_field": 1}, {"match": {"color": "red"}}):
        with pytest.raises(httpx.HTTPStatusError, match="400"):
            customer.simulator.control.plan(**wrong)


# --- how a run can end ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        ("fail_422", 422, "training_failed"),
        ("fail_500", 500, "runner_server_error"),
        ("fail_download", 422, "file_download_error"),
        ("fail_string_detail", 400, "could not be completed"),
        ("infrastructure_503", 503, "runner_scheduling_failure"),
    ],
)
def test_a_failed_run_is_completed_and_replays_its_error(customer: Customer, fault: str, code: int, says: str) -> None:
    answer = customer.submit(run=fault)
    failed = customer.finish(answer)
    assert failed.status_code == code
    assert says in failed.text
    assert customer.http("GET", answer["status_url"]).json()["status"] == "COMPLETED"
    assert ("x-fal-error-type" in failed.headers) == (code >= 500)
    assert customer.simulator.control.billing()["billed_runs"] == 0


def test_a_422_is_billed_where_the_plan_says_so(customer: Customer) -> None:
    customer.finish(customer.submit(run="fail_422", bill_422=True))
    assert customer.simulator.control.billing()["billed_runs"] == 1


@pytest.mark.parametrize(("fault", "status"), [("never_starts", "IN_QUEUE"), ("never_ends", "IN_PROGRESS")])
def test_a_stuck_run_stays_until_it_is_canceled(customer: Customer, fault: str, status: str) -> None:
    answer = customer.submit(run=fault)
    time.sleep(0.3)
    assert customer.http("GET", answer["status_url"]).json()["status"] == status
    assert customer.http("PUT", answer["cancel_url"]).status_code == 202
    assert customer.finish(answer).status_code == 499


def test_a_run_that_does_not_start_in_time_ends_as_504(customer: Customer) -> None:
    customer.simulator.control.plan(run="never_starts")
    answer = customer.post(customer.an_input(), headers={"X-Fal-Request-Timeout": "0.1"}).json()
    failed = customer.finish(answer)
    assert (failed.status_code, failed.json()["error_type"]) == (504, "request_timeout")


def test_a_retried_run_fetches_its_archive_a_second_time(customer: Customer) -> None:
    kept = customer.submit(run="retried")
    assert customer.finish(kept).status_code == 200
    deleted = customer.submit(run="retried", seconds_per_training=1.0)
    time.sleep(0.45)
    customer.receiver.zips.clear()
    assert customer.finish(deleted).json()["detail"][0]["type"] == "file_download_error"


def test_a_result_can_expire(customer: Customer) -> None:
    assert customer.finish(customer.submit(result="expired_404")).status_code == 404


def test_a_result_and_a_status_can_fail_for_a_while(customer: Customer) -> None:
    faults: dict[str, Any] = {
        "result": "error_500_times",
        "result_errors": 2,
        "status": "error_500_times",
        "status_errors": 1,
    }
    answer = customer.submit(**faults, seconds_per_training=0.6)
    assert [customer.http("GET", answer["status_url"]).status_code for _ in range(2)] == [500, 202]
    assert customer.finish(answer).status_code == 500
    assert [customer.http("GET", answer["response_url"]).status_code for _ in range(2)] == [500, 200]


def test_a_status_can_lack_fields_or_always_be_200(customer: Customer) -> None:
    lacking = customer.submit(status="missing_fields", seconds_per_training=5)
    body = customer.http("GET", lacking["status_url"], params={"logs": 1}).json()
    assert not {"logs", "queue_position", "metrics"} & body.keys()
    older = customer.submit(status="always_200", seconds_per_training=5)
    assert customer.http("GET", older["status_url"]).status_code == 200


# --- cancel and the bill ----------------------------------------------------------------------------------


def test_a_run_canceled_in_the_queue_costs_nothing(customer: Customer) -> None:
    answer = customer.submit(seconds_per_training=10)
    canceled = customer.http("PUT", answer["cancel_url"])
    assert (canceled.status_code, canceled.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
    ended = customer.finish(answer)
    assert (ended.status_code, ended.json()["error_type"]) == (499, "client_cancelled")
    assert customer.simulator.control.billing()["billed_runs"] == 0


def test_a_completed_run_cannot_be_canceled_and_is_billed(customer: Customer) -> None:
    answer = customer.submit()
    customer.finish(answer)
    canceled = customer.http("PUT", answer["cancel_url"])
    assert (canceled.status_code, canceled.json()) == (400, {"status": "ALREADY_COMPLETED"})
    bill = customer.simulator.control.billing()
    assert (bill["billed_runs"], bill["cost_total"]) == (1, 2.0)


def test_a_cancellation_can_lose_the_race(customer: Customer) -> None:
    answer = customer.submit(cancel="too_late", seconds_per_training=60)
    assert customer.http("PUT", answer["cancel_url"]).json() == {"status": "ALREADY_COMPLETED"}
    assert customer.http("GET", answer["response_url"]).status_code == 200
    assert customer.simulator.control.billing()["billed_runs"] == 1


def test_a_cancellation_can_be_ignored_or_not_found(customer: Customer) -> None:
    ignoring = customer.submit(cancel="ignored", seconds_per_training=0.6)
    assert customer.http("PUT", ignoring["cancel_url"]).status_code == 202
    assert customer.finish(ignoring).status_code == 200
    unknown = customer.submit(cancel="not_found")
    assert customer.http("PUT", unknown["cancel_url"]).status_code == 404


def test_prices_and_billing_events_agree_with_the_bill(customer: Customer) -> None:
    customer.simulator.control.plan(seconds_per_training=0.6)
    answer = customer.post(customer.an_input(steps=500)).json()
    api = f"{customer.simulator.api_url}/v1/models"
    asked = {"request_id": answer["request_id"]}
    assert customer.http("GET", f"{api}/billing-events", params=asked).json()["billing_events"] == []
    customer.finish(answer)
    event = customer.http("GET", f"{api}/billing-events", params=asked).json()["billing_events"][0]
    price = customer.http("GET", f"{api}/pricing", params={"endpoint_id": FAST}).json()["prices"][0]
    assert (price["unit_price"], price["currency"]) == (event["unit_price"], "USD")
    assert (event["output_units"], event["cost_total"]) == (500, 1.0)
    assert customer.simulator.control.billing()["cost_total"] == 1.0


def test_the_request_list_pages_filters_and_shows_payloads_on_request(customer: Customer) -> None:
    answers = [customer.submit() for _ in range(3)]
    customer.finish(answers[2])
    url = f"{customer.simulator.api_url}/v1/models/requests/by-endpoint"
    first = customer.http("GET", url, params={"endpoint_id": FAST, "limit": 2, "expand": "payloads"}).json()
    assert [item["request_id"] for item in first["items"]] == [answer["request_id"] for answer in answers[:0:-1]]
    assert first["has_more"]
    assert "images_data_url" in first["items"][0]["json_input"]
    assert "diffusers_lora_file" in first["items"][0]["json_output"]
    rest = customer.http("GET", url, params={"endpoint_id": FAST, "limit": 2, "cursor": first["next_cursor"]}).json()
    assert [item["request_id"] for item in rest["items"]] == [answers[0]["request_id"]]
    assert "json_input" not in rest["items"][0]
    assert (rest["has_more"], rest["next_cursor"]) == (False, None)
    later = {"endpoint_id": FAST, "start": "2100-01-01T00:00:00Z"}
    assert customer.http("GET", url, params=later).json()["items"] == []
    assert customer.http("GET", url, params={"endpoint_id": "fal-ai/z-image-trainer"}).json()["items"] == []


def test_the_request_list_can_lag(customer: Customer) -> None:
    customer.submit(list_lag_s=0.5)
    url = f"{customer.simulator.api_url}/v1/models/requests/by-endpoint"
    assert customer.http("GET", url, params={"endpoint_id": FAST}).json()["items"] == []
    time.sleep(0.55)
    assert len(customer.http("GET", url, params={"endpoint_id": FAST}).json()["items"]) == 1


# --- the real client --------------------------------------------------------------------------------------


class ToSimulator(httpx.HTTPTransport):
    """fal_client always speaks https to queue.fal.run: this sends it to the simulator."""

    def __init__(self, simulator: RunningSimulator) -> None:
        super().__init__()
        self._url = httpx.URL(simulator.queue_url)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host=self._url.host, port=self._url.port)
        return super().handle_request(request)


@pytest.fixture
def client(customer: Customer) -> Iterator[fal_client.SyncClient]:
    headers = {"Authorization": "Key our-key"}
    with httpx.Client(transport=ToSimulator(customer.simulator), headers=headers, follow_redirects=True) as http:
        client = fal_client.SyncClient(key="our-key")
        client.__dict__["_client"] = http
        yield client


def test_the_real_client_submits_follows_and_reads_a_run(customer: Customer, client: fal_client.SyncClient) -> None:
    customer.simulator.control.plan(seconds_per_training=1.2)
    handle = client.submit(FAST, customer.an_input())
    assert isinstance(handle.status(), fal_client.Queued)
    assert "diffusers_lora_file" in client.result(FAST, handle.request_id)
    status = client.status(FAST, handle.request_id, with_logs=True)
    assert isinstance(status, fal_client.Completed)
    assert status.logs
    assert status.metrics["inference_time"] > 0
    with pytest.raises(fal_client.FalClientHTTPError) as late:
        client.cancel(FAST, handle.request_id)
    assert late.value.status_code == 400


def test_the_real_client_reads_errors(customer: Customer, client: fal_client.SyncClient) -> None:
    customer.simulator.control.plan(run="infrastructure_503")
    handle = client.submit(FAST, customer.an_input())
    with pytest.raises(fal_client.FalClientHTTPError) as failed:
        handle.get()
    assert (failed.value.status_code, failed.value.error_type) == (503, "runner_scheduling_failure")


def test_the_real_client_buys_twice_when_an_answer_is_lost(customer: Customer, client: fal_client.SyncClient) -> None:
    customer.simulator.control.plan(submit="drop_after")
    client.submit(FAST, customer.an_input())
    assert len(customer.simulator.control.requests()) == 2


# --- its own process --------------------------------------------------------------------------------------


def a_process(data: Path, *more: str) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-W", "error", "-m", "infra.local.fal_simulator", "--data", str(data), *more]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["fal_simulator"]


def test_a_killed_simulator_continues_where_it_was(tmp_path: Path, receiver: Receiver, http: httpx.Client) -> None:
    box = receiver.mailbox()
    process, url = a_process(tmp_path, "--seconds-per-training", "1.2", "--weights-mb", "0.2")
    given = {"images_data_url": receiver.serve(a_zip(a_dataset()))}
    jwks = http.get(f"{url}/.well-known/jwks.json").json()
    auth = {"Authorization": "Key k"}
    submitted = http.post(f"{url}/{FAST}", params={"fal_webhook": box.url}, json=given, headers=auth)
    process.kill()
    process.communicate()
    with running_simulator(SimulatorSettings(tmp_path)) as again:
        record = again.control.wait_for(submitted.json()["request_id"])
        assert record["result"]["status_code"] == 200
        assert box.wait_for()[0].message["status"] == "OK"
        assert http.get(again.jwks_url).json() == jwks
        assert again.control.billing()["billed_runs"] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    process, url = a_process(tmp_path)
    assert url.startswith("http://127.0.0.1:")
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "simulator" in errors.splitlines()[0]
    assert "Traceback" not in errors
