"""The simulator's files: served as fal.ai's CDN serves them, and wrong in every way that a plan asks for."""

import hashlib
import time
from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest
import safetensors

from infra.local.fal_simulator import RunningSimulator, SimulatorSettings, running_simulator
from tests.fal_vectors.world import Customer, Receiver, a_receiver, tensors_in


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with a_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    settings = SimulatorSettings(tmp_path_factory.mktemp("fal"), seconds_per_training=0.05, weights_mb=0.4)
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


def weights_of(customer: Customer, **faults: Any) -> dict[str, Any]:
    """What the output says of the weights."""
    return cast(dict[str, Any], customer.output(**faults)["diffusers_lora_file"])


def test_a_file_can_be_had_whole_in_part_or_by_its_head_only(customer: Customer) -> None:
    file = weights_of(customer)
    whole = customer.client.get(file["url"])
    assert int(whole.headers["content-length"]) == file["file_size"] == len(whole.content)
    part = customer.client.get(file["url"], headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{file['file_size']}"
    rest = customer.client.get(file["url"], headers={"Range": f"bytes={file['file_size'] - 10}-"})
    assert rest.content == whole.content[-10:]
    head = customer.client.head(file["url"])
    assert (head.headers["content-length"], head.content) == (str(file["file_size"]), b"")
    assert customer.client.get(file["url"], headers={"Range": "bytes=99999999-"}).status_code == 416


def test_a_file_needs_no_key_but_its_right_url(customer: Customer) -> None:
    url = weights_of(customer)["url"]
    assert customer.client.get(url).status_code == 200
    assert customer.client.get(url.replace("pytorch_lora_weights", "other")).status_code == 404
    assert customer.client.get(f"{customer.simulator.url}/files/nobody/config.json").status_code == 404


def test_a_truncated_file_promises_more_than_it_sends(customer: Customer) -> None:
    url = weights_of(customer, artifacts="truncated")["url"]
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        customer.client.get(url)


def test_a_quietly_truncated_file_is_only_told_by_file_size(customer: Customer) -> None:
    file = weights_of(customer, artifacts="truncated_quietly")
    short = customer.client.get(file["url"])
    assert int(short.headers["content-length"]) == len(short.content) < file["file_size"]


def test_a_corrupt_file_has_the_right_size_and_cannot_be_read(customer: Customer) -> None:
    file = weights_of(customer, artifacts="corrupt")
    content = customer.client.get(file["url"]).content
    assert len(content) == file["file_size"]
    with pytest.raises(safetensors.SafetensorError):
        tensors_in(content)


@pytest.mark.parametrize(("fault", "value"), [("zeros", b"\0\0"), ("nan", b"\xc0\x7f")])
def test_worthless_weights_are_well_formed(customer: Customer, fault: str, value: bytes) -> None:
    content = customer.client.get(weights_of(customer, artifacts=fault)["url"]).content
    for tensor in tensors_in(content).values():
        assert bytes(tensor["data"][:2]) == value


@pytest.mark.parametrize(("fault", "code"), [("missing_404", 404), ("gone_410", 410), ("error_500", 500)])
def test_a_file_can_be_unavailable(customer: Customer, fault: str, code: int) -> None:
    output = customer.output(artifacts=fault)
    assert customer.client.get(output["diffusers_lora_file"]["url"]).status_code == code
    assert customer.client.get(output["config_file"]["url"]).status_code == 200


def test_a_file_can_be_slow(customer: Customer) -> None:
    file = weights_of(customer, artifacts="slow", artifact_bytes_per_s=1_000_000)
    started = time.monotonic()
    assert len(customer.client.get(file["url"]).content) == file["file_size"]
    assert time.monotonic() - started >= 0.35


def test_a_file_can_be_at_a_foreign_host_or_redirect_to_a_private_one(customer: Customer) -> None:
    assert httpx.URL(weights_of(customer, artifacts="foreign_host")["url"]).host == "evil.example.com"
    moved = customer.client.get(weights_of(customer, artifacts="private_redirect")["url"])
    assert (moved.status_code, httpx.URL(moved.headers["location"]).host) == (302, "169.254.169.254")
    url = weights_of(customer, artifacts="private_redirect", redirect_to="http://127.0.0.1:1/")["url"]
    assert customer.client.get(url).headers["location"] == "http://127.0.0.1:1/"


def test_a_config_can_be_something_else_than_json(customer: Customer) -> None:
    output = customer.output(artifacts="not_json_config")
    assert customer.client.get(output["config_file"]["url"]).text.startswith("<html>")
    assert customer.client.get(output["diffusers_lora_file"]["url"]).status_code == 200


def test_an_output_can_lack_its_weights_or_its_config(customer: Customer) -> None:
    assert "diffusers_lora_file" not in customer.output(artifacts="missing_file")
    assert "config_file" not in customer.output(artifacts="missing_file", artifact_field="config_file")


def test_a_content_type_can_be_wrong(customer: Customer) -> None:
    file = weights_of(customer, artifacts="wrong_content_type")
    assert file["content_type"] == "text/html"
    answer = customer.client.get(file["url"])
    assert answer.headers["content-type"].startswith("text/html")
    assert tensors_in(answer.content)


def test_a_file_can_misbehave_for_so_many_downloads_only(customer: Customer) -> None:
    file = weights_of(customer, artifacts="truncated_quietly", artifact_times=2)
    customer.client.head(file["url"])
    sizes = [len(customer.client.get(file["url"]).content) for _ in range(3)]
    assert sizes[0] == sizes[1] < sizes[2] == file["file_size"]
    assert int(customer.client.head(file["url"]).headers["content-length"]) == file["file_size"]
    assert int(customer.client.head(file["url"]).headers["content-length"]) == file["file_size"]


def test_a_file_that_misbehaves_is_whole_once_it_is_mended(customer: Customer) -> None:
    file = weights_of(customer, artifacts="corrupt")
    broken = customer.client.get(file["url"]).content
    (record,) = customer.simulator.control.requests()
    mended = customer.simulator.control.mend(record["request_id"])
    whole = customer.client.get(file["url"]).content
    assert hashlib.sha256(whole).hexdigest() == mended["artifacts"]["diffusers_lora_file"]["sha256"]
    assert whole != broken


def test_a_run_is_billed_whatever_becomes_of_its_files(customer: Customer) -> None:
    customer.output(artifacts="missing_404")
    assert customer.simulator.control.billing()["billed_runs"] == 1


def test_what_is_kept_of_a_request_is_deleted_with_an_admins_key(customer: Customer, http: httpx.Client) -> None:
    file = weights_of(customer)
    (run,) = customer.simulator.control.requests()
    url = f"{customer.simulator.api_url}/v1/models/requests/{run['request_id']}/payloads"
    key = f"Key {customer.key}"
    assert http.delete(url, headers={"Authorization": f"{key}-no-admin"}).status_code == 403
    assert http.delete(url, headers={"Authorization": f"{key}-another"}).status_code == 404
    answer = http.delete(url, headers={"Authorization": key})
    assert file["url"] in [deleted["link"] for deleted in answer.json()["cdn_delete_results"]]
    assert http.get(file["url"]).status_code == 404
    assert http.delete(url, headers={"Authorization": key}).status_code == 404
    (left,) = customer.simulator.control.requests()
    assert left["input"] == {}
    assert left["billed"], "the bill stays"
