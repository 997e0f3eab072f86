"""The simulator's webhooks: genuine by fal.md §2's words, delivered as fal.ai does, wrong where asked."""

import time
from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest

from infra.local.fal_simulator import RunningSimulator, SimulatorSettings, running_simulator
from infra.local.fal_simulator.processing import may_be_called
from infra.local.fal_simulator.webhooks import retry_delay_s
from tests.fal_vectors.world import Customer, Letter, Receiver, a_receiver, is_genuine


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with a_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    settings = SimulatorSettings(
        tmp_path_factory.mktemp("fal"),
        seconds_per_training=0.1,
        weights_mb=0.2,
        webhook_first_timeout_s=0.7,
        webhook_first_retry_s=0.05,
        webhook_longest_retry_s=0.1,
        webhook_retries=3,
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


def jwks_of(customer: Customer) -> dict[str, Any]:
    return cast(dict[str, Any], customer.client.get(customer.simulator.jwks_url).json())


def deliveries_of(customer: Customer, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Wait until the simulator makes no further attempt."""
    control = customer.simulator.control
    deadline = time.monotonic() + 10
    while not (record := control.request(answer["request_id"]))["webhook_settled"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return cast(list[dict[str, Any]], record["deliveries"])


def test_a_success_is_told_once_signed_and_with_the_output(customer: Customer) -> None:
    box = customer.receiver.mailbox()
    answer = customer.submit(webhook=box)
    letter = box.wait_for()[0]
    assert is_genuine(letter, jwks_of(customer))
    assert letter.message["status"] == "OK"
    assert letter.message["request_id"] == answer["request_id"]
    assert letter.message["payload"] == customer.finish(answer).json()
    assert [attempt["status_code"] for attempt in deliveries_of(customer, answer)] == [200]
    assert len(box.letters) == 1


def test_the_published_keys_are_unpadded_ed25519(customer: Customer) -> None:
    for key in jwks_of(customer)["keys"]:
        assert (key["kty"], key["crv"], len(key["x"])) == ("OKP", "Ed25519", 43)


def test_a_failure_is_told_with_its_error_as_payload(customer: Customer) -> None:
    box = customer.receiver.mailbox()
    customer.submit(webhook=box, run="fail_422")
    message = box.wait_for()[0].message
    assert (message["status"], message["error"]) == ("ERROR", "Invalid status code: 422")
    assert message["payload"]["detail"][0]["type"] == "training_failed"


def test_a_cancellation_is_told_as_an_error(customer: Customer) -> None:
    box = customer.receiver.mailbox()
    answer = customer.submit(webhook=box, seconds_per_training=10)
    customer.http("PUT", answer["cancel_url"])
    assert box.wait_for()[0].message["error"] == "Invalid status code: 499"


def test_a_payload_error_comes_without_payload_also_with_a_failure(customer: Customer) -> None:
    for run, status in (("ok", "OK"), ("fail_500", "ERROR")):
        message = told(customer, "payload_error", run=run)[0].message
        assert (message["status"], message["payload"]) == (status, None)
        assert "not JSON serializable" in message["payload_error"]


def test_a_refused_webhook_comes_again_under_a_new_gateway_id(customer: Customer) -> None:
    box = customer.receiver.mailbox(404, 503, 204)
    answer = customer.submit(webhook=box)
    assert [attempt["status_code"] for attempt in deliveries_of(customer, answer)] == [404, 503, 204]
    assert len({letter.message["gateway_request_id"] for letter in box.letters}) == 3
    assert all(is_genuine(letter, jwks_of(customer)) for letter in box.letters)


def test_a_webhook_is_given_up_after_so_many_retries(customer: Customer) -> None:
    box = customer.receiver.mailbox(500)
    answer = customer.submit(webhook=box)
    assert [attempt["status_code"] for attempt in deliveries_of(customer, answer)] == [500] * 4


def test_a_redirect_is_a_failure_for_good(customer: Customer) -> None:
    box = customer.receiver.mailbox(302, 200)
    answer = customer.submit(webhook=box)
    assert [attempt["permanent"] for attempt in deliveries_of(customer, answer)] == [True]
    assert len(box.letters) == 1


def test_a_first_answer_that_takes_too_long_is_not_waited_for(customer: Customer) -> None:
    box = customer.receiver.mailbox(answer_after_s=1.0)
    answer = customer.submit(webhook=box)
    attempts = deliveries_of(customer, answer)
    assert [attempt["status_code"] for attempt in attempts] == [None, 200]
    assert attempts[0]["error"] == "TimeoutError"


def test_a_receiver_that_is_not_there_is_tried_again(customer: Customer) -> None:
    answer = customer.post(customer.an_input(), webhook="http://127.0.0.1:1/hook").json()
    attempts = deliveries_of(customer, answer)
    assert {attempt["error"] for attempt in attempts} == {"ConnectError"}
    assert len(attempts) == 4


def test_only_https_and_this_machine_are_called(customer: Customer) -> None:
    answer = customer.post(customer.an_input(), webhook="http://192.168.0.1/hook").json()
    assert [attempt["permanent"] for attempt in deliveries_of(customer, answer)] == [True]
    allowed = {url: may_be_called(url) for url in ("https://example.com/h", "http://localhost:80/h", "http://[::1]/h")}
    assert all(allowed.values())
    refused = (
        "http://example.com/h",
        "https://10.0.0.1/h",
        "https://127.0.0.1/h",
        "https://[::1",
        "ftp://a/h",
        "",
    )
    assert not any(may_be_called(url) for url in refused)


def test_retries_wait_longer_and_longer_up_to_a_limit(simulator: RunningSimulator) -> None:
    delays = [retry_delay_s(attempts, simulator.settings) for attempts in (1, 2, 3, 30)]
    assert delays == [0.05, 0.1, 0.1, 0.1]


def test_a_lost_webhook_never_comes_unless_it_is_asked_for(customer: Customer) -> None:
    customer.simulator.control.plan(webhook="lost")
    box = customer.receiver.mailbox()
    answer = customer.submit(webhook=box)
    assert deliveries_of(customer, answer) == []
    assert customer.simulator.control.deliver(answer["request_id"])["status_code"] == 200
    assert is_genuine(box.letters[0], jwks_of(customer))


def test_a_late_webhook_comes_after_its_delay(customer: Customer) -> None:
    started = time.time()
    assert told(customer, "late", webhook_delay_s=0.4)[0].arrived_at - started >= 0.5


def test_a_duplicate_webhook_comes_several_times_at_once(customer: Customer) -> None:
    letters = told(customer, "duplicate", webhook_copies=4, count=4)
    assert len({letter.message["request_id"] for letter in letters}) == 1
    assert all(is_genuine(letter, jwks_of(customer)) for letter in letters)


def test_an_early_webhook_is_there_before_the_submit_has_returned(customer: Customer) -> None:
    customer.simulator.control.plan(webhook="early")
    box = customer.receiver.mailbox()
    answer = customer.submit(webhook=box)
    assert box.letters[0].message["request_id"] == answer["request_id"]
    assert customer.http("GET", answer["response_url"]).status_code == 200
    assert len(deliveries_of(customer, answer)) == 1


def test_an_early_webhook_that_is_refused_comes_again(customer: Customer) -> None:
    customer.simulator.control.plan(webhook="early")
    answer = customer.submit(webhook=customer.receiver.mailbox(404, 200))
    assert [attempt["status_code"] for attempt in deliveries_of(customer, answer)] == [404, 200]


@pytest.mark.parametrize("fault", ["forged", "tampered", "stale", "no_signature"])
def test_a_webhook_can_fail_verification(customer: Customer, fault: str) -> None:
    assert not is_genuine(told(customer, fault)[0], jwks_of(customer))


def test_a_stale_webhook_is_genuine_but_old(customer: Customer) -> None:
    letter = told(customer, "stale")[0]
    assert is_genuine(letter, jwks_of(customer), now=time.time() - 600)


def test_bad_webhooks_can_be_followed_by_a_good_one(customer: Customer) -> None:
    letters = told(customer, "forged", webhook_times=2, count=3, answers=(401, 401, 200))
    assert [is_genuine(letter, jwks_of(customer)) for letter in letters] == [False, False, True]


def test_an_oversized_webhook_is_over_a_mebibyte_and_genuine(customer: Customer) -> None:
    letter = told(customer, "oversized")[0]
    assert len(letter.body) > 1024 * 1024
    assert is_genuine(letter, jwks_of(customer))


def test_keys_can_be_rotated_with_and_without_overlap(customer: Customer) -> None:
    before, old_letter = jwks_of(customer), told(customer, "ok")[0]
    assert jwks_of(customer) == before
    customer.simulator.control.rotate_keys()
    new_letter = told(customer, "ok")[0]
    assert is_genuine(new_letter, jwks_of(customer)) and is_genuine(old_letter, jwks_of(customer))
    assert not is_genuine(new_letter, before)
    customer.simulator.control.rotate_keys(drop_old=True)
    assert len(jwks_of(customer)["keys"]) == 1
    assert not is_genuine(new_letter, jwks_of(customer))


def test_a_pending_request_cannot_be_delivered(customer: Customer) -> None:
    answer = customer.submit(webhook=customer.receiver.mailbox(), seconds_per_training=10)
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        customer.simulator.control.deliver(answer["request_id"])


def test_a_restart_continues_what_was_not_delivered(
    customer: Customer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = SimulatorSettings(
        tmp_path_factory.mktemp("again"), seconds_per_training=0.1, weights_mb=0.2, webhook_first_retry_s=0.3
    )
    box = customer.receiver.mailbox(503, 200)
    with running_simulator(settings) as first:
        answer = Customer(first, customer.receiver, customer.client).submit(webhook=box)
        box.wait_for(1)
        first.control.wait_for(answer["request_id"])
    with running_simulator(settings) as second:
        box.wait_for(2)
        assert is_genuine(box.letters[1], customer.client.get(second.jwks_url).json())
    with running_simulator(settings) as third:
        assert third.control.request(answer["request_id"])["webhook_settled"]
    assert len(box.letters) == 2


def told(
    customer: Customer, webhook: str, *, count: int = 1, answers: tuple[int, ...] = (200,), **faults: Any
) -> list[Letter]:
    """The webhooks of a run with this fault."""
    customer.simulator.control.plan(webhook=webhook, **faults)
    box = customer.receiver.mailbox(*answers)
    customer.submit(webhook=box)
    return box.wait_for(count)
