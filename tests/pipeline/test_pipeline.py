"""The whole pipeline as processes, over HTTP, on every backend: what users get, and every fault that fal.ai can have.

All scenarios run at once in one stack, each told apart by its trigger word; each test looks at its own. On emulators
they are those in which the backend has a part.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from shared.events import TrainingFinished
from shared.trainers import TRAINERS, TrainerSpec
from tests.notified import FAILURES
from tests.pipeline.conftest import Document, System, pictures
from tests.world import jpeg


@dataclass(frozen=True)
class Scenario:
    """Faults of fal.ai, or files of the shoot, and how the training has to end.

    `charged` and `accepted` are what fal.ai itself knows; None means that they are not looked at.
    """

    name: str
    faults: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] | None = None
    code: str | None = None
    charged: bool | None = False
    accepted: int = 1
    billed: int = 1
    times: int | None = 1

    @property
    def trigger(self) -> str:
        """The trigger word that tells this scenario's training apart."""
        return f"T_{self.name}"


def fails(name: str, code: str, *, charged: bool | None, accepted: int, billed: int, **faults: Any) -> Scenario:
    times = None if faults.pop("always", False) else 1
    return Scenario(name, faults, None, code, charged, accepted, billed, times)


def refused(name: str, code: str, files: dict[str, bytes]) -> Scenario:
    return Scenario(name, {}, files, code, False, 0, 0)


WITH_A_LIE = {**pictures(), "01.jpg": b"this is no picture"}

SCENARIOS = [
    Scenario("plain"),
    # webhooks: lost, found, forged — all take the same road
    Scenario("webhook_lost", {"webhook": "lost"}),
    Scenario("webhook_late", {"webhook": "late", "webhook_delay_s": 4}),
    Scenario("webhook_duplicate", {"webhook": "duplicate"}),
    Scenario("webhook_early", {"webhook": "early"}),
    Scenario("webhook_forged", {"webhook": "forged"}),
    Scenario("webhook_tampered", {"webhook": "tampered"}),
    Scenario("webhook_stale", {"webhook": "stale"}),
    Scenario("webhook_oversized", {"webhook": "oversized"}),
    Scenario("webhook_payload_error", {"webhook": "payload_error"}),
    Scenario("webhook_no_signature", {"webhook": "no_signature"}),
    # accepted, but the answer did not arrive: found again, never sent again
    Scenario("answer_dropped", {"submit": "drop_after"}),
    Scenario("answer_503", {"submit": "unavailable_503_after"}),
    Scenario("answer_not_json", {"submit": "not_json"}),
    Scenario("answer_malformed", {"submit": "malformed_answer"}),
    Scenario("answer_slow", {"submit": "slow_after", "submit_delay_s": 4}),
    Scenario("answer_dropped_webhook_lost", {"submit": "drop_after", "webhook": "lost"}),
    # certainly not accepted: sent again, until it is
    Scenario("busy_twice", {"submit": "rate_limited_429"}, times=2),
    # fal.ai's documentation read in two ways
    Scenario("status_bare", {"status": "missing_fields"}),
    Scenario("status_200", {"status": "always_200"}),
    Scenario("status_errors", {"status": "error_500_times", "status_errors": 3, "webhook": "lost"}),
    Scenario("result_errors", {"result": "error_500_times", "result_errors": 2}),
    Scenario("run_retried", {"run": "retried"}),
    Scenario("truncated_once", {"artifacts": "truncated", "artifact_times": 1}),
    Scenario("corrupt_once", {"artifacts": "corrupt", "artifact_times": 1}),
    Scenario("loose_type", {"artifacts": "wrong_content_type"}),
    # refused or failed at fal.ai
    fails("rejected", "trainer_rejected_input", charged=False, accepted=0, billed=0, submit="rejected_422"),
    fails("bad_request", "trainer_rejected_input", charged=False, accepted=0, billed=0, submit="bad_request_400"),
    fails("locked", "trainer_account_locked", charged=False, accepted=0, billed=0, submit="locked_403"),
    fails("bad_key", "trainer_account_locked", charged=False, accepted=0, billed=0, submit="bad_key_401"),
    fails("busy", "trainer_unavailable", charged=False, accepted=0, billed=0, submit="rate_limited_429", always=True),
    fails("redirected", "trainer_unavailable", charged=False, accepted=0, billed=0, submit="redirect_307", always=True),
    fails("dropped", "submission_uncertain", charged=None, accepted=0, billed=0, submit="drop_before"),
    fails("error_500", "submission_uncertain", charged=None, accepted=0, billed=0, submit="error_500"),
    fails("run_422", "training_failed", charged=None, accepted=1, billed=0, run="fail_422"),
    fails("run_500", "training_failed", charged=False, accepted=1, billed=0, run="fail_500"),
    fails("run_503", "training_failed", charged=False, accepted=1, billed=0, run="infrastructure_503"),
    fails("run_text", "training_failed", charged=None, accepted=1, billed=0, run="fail_string_detail"),
    # paid, but what came is not what was promised
    fails("corrupt", "artifact_corrupt", charged=True, accepted=1, billed=1, artifacts="corrupt"),
    fails("zeros", "artifact_corrupt", charged=True, accepted=1, billed=1, artifacts="zeros"),
    fails("nan", "artifact_corrupt", charged=True, accepted=1, billed=1, artifacts="nan"),
    fails("short", "artifact_corrupt", charged=True, accepted=1, billed=1, artifacts="truncated_quietly"),
    fails("config", "artifact_corrupt", charged=True, accepted=1, billed=1, artifacts="not_json_config"),
    fails("no_file", "artifact_corrupt", charged=True, accepted=1, billed=1, artifacts="missing_file"),
    fails("gone", "artifact_unavailable", charged=True, accepted=1, billed=1, artifacts="gone_410"),
    fails("foreign", "artifact_unavailable", charged=True, accepted=1, billed=1, artifacts="foreign_host"),
    fails("private", "artifact_unavailable", charged=True, accepted=1, billed=1, artifacts="private_redirect"),
    fails("expired", "artifact_unavailable", charged=True, accepted=1, billed=1, result="expired_404"),
    # the shoot itself: nothing is sent, nothing is paid
    refused("nothing", "no_preprocessed_images", {}),
    refused("few", "too_few_images", pictures(3)),
    refused("lie", "unreadable_image", WITH_A_LIE),
    refused("twins", "duplicate_image_name", {**pictures(), "01.jpeg": jpeg(9)}),
    refused("mask", "invalid_image_name", {**pictures(), "00_mask.jpg": jpeg(9)}),
    refused("utf16", "invalid_caption", {**pictures(), "00.txt": "TOK".encode("utf-16")}),
    refused("long", "invalid_caption", {**pictures(), "00.txt": b"a" * 3000}),
]
# What fails twice is told within seconds, and many are.
NOTICE_PATIENCE_S = 30.0
# where messages come again, documents are written by two, or objects are missing: what else fal.ai does wrong looks the
# same to every backend, and `make chaos` tries all of it on the emulators, too
OF_THE_BACKEND = {
    *("plain", "webhook_lost", "webhook_duplicate", "webhook_early", "webhook_oversized"),
    *("answer_dropped", "answer_slow", "answer_dropped_webhook_lost", "busy_twice", "result_errors", "truncated_once"),
    *("rejected", "busy", "redirected", "dropped", "run_500", "corrupt", "gone", "nothing", "lie", "long"),
}
NOT_OF_THE_BACKEND = "It looks the same to every backend: the embedded one shows it, and `make chaos` the emulators."
PAID_BUT_FAILED = [s for s in SCENARIOS if s.code and s.charged]


def tried_on(system: System) -> list[Scenario]:
    """Everything on the embedded backend, and on emulators what could differ there."""
    everything = system.stack.emulators is None or os.environ.get("CHAOS") == "long"
    return [scenario for scenario in SCENARIOS if everything or scenario.name in OF_THE_BACKEND]


@pytest.fixture
def scenario(request: pytest.FixtureRequest, system: System) -> Scenario:
    """The one that the test is told, where it is tried on the backend."""
    given: Scenario = request.param
    if given not in tried_on(system):
        pytest.skip(NOT_OF_THE_BACKEND)
    return given


@pytest.fixture(scope="session")
def started(system: System) -> dict[str, Document]:
    """Every scenario's training, all started at once."""
    shared_shoot = system.shoot(pictures())
    system.receiver.begin_anew()
    trainings = {}
    for scenario in tried_on(system):
        if scenario.faults:
            system.fal.plan({"trigger_word": scenario.trigger}, times=scenario.times, **scenario.faults)
        shoot = shared_shoot if scenario.files is None else system.shoot(scenario.files)
        trainings[scenario.name] = system.start(shoot, scenario.trigger)
    return trainings


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name, indirect=True)
def test_the_training_ends_as_it_must(system: System, started: dict[str, Document], scenario: Scenario) -> None:
    training = system.wait(started[scenario.name]["id"])
    if scenario.code is None:
        assert training["status"] == "succeeded", training["error"]
        assert training["error"] is None
    else:
        assert training["status"] == "failed"
        error = training["error"]
        assert (error["code"], error["charged"]) == (scenario.code, scenario.charged), error
        assert error["message"].endswith(".")
        assert error["stage"] in training["stages"]
    assert system.accepted(scenario.trigger) == scenario.accepted
    assert system.billed(training) == scenario.billed


@pytest.mark.parametrize("scenario", PAID_BUT_FAILED, ids=lambda scenario: scenario.name, indirect=True)
def test_what_was_paid_and_not_kept_can_be_recovered(
    system: System, started: dict[str, Document], scenario: Scenario
) -> None:
    assert system.wait(started[scenario.name]["id"])["recoverable"] is True


def test_every_zip_is_gone_in_the_end(system: System, started: dict[str, Document]) -> None:
    for training in started.values():
        system.wait(training["id"])
    datasets = system.bucket("datasets_bucket")
    end = time.monotonic() + 10
    while left := [found.name for found in datasets.list("")]:
        assert time.monotonic() < end, left
        time.sleep(0.2)


def test_the_model_is_kept_whole_with_everything_that_belongs_to_it(
    system: System, started: dict[str, Document]
) -> None:
    training = system.wait(started["plain"]["id"])
    model = system.api.get(f"/v1/models/{training['model_id']}")
    download = system.api.get(f"/v1/models/{model['id']}/download")
    weights = httpx.get(download["weights"]["url"]).raise_for_status().content
    (request,) = [row for row in system.fal.requests() if training["id"] in row["webhook_url"]]
    served = httpx.get(request["artifacts"]["diffusers_lora_file"]["url"]).raise_for_status().content
    assert weights == served
    assert hashlib.sha256(weights).hexdigest() == model["sha256"]
    assert len(weights) == model["size"]

    bucket = system.bucket("models_bucket")
    prefix = model["lora_uri"].removeprefix(f"{bucket.uri}/").rsplit("/", 1)[0] + "/"
    files = {found.name.removeprefix(prefix): b"".join(bucket.read(found.name)) for found in bucket.list(prefix)}
    assert set(files) >= {"config.json", "training.log", "model.json", "README.md"}
    assert json.loads(files["model.json"])["training_id"] == training["id"]
    assert b"100/100" in files["training.log"]
    assert files["config.json"] == httpx.get(download["config"]["url"]).raise_for_status().content
    assert list(bucket.list(f"incoming/{training['id']}")) == []


def test_versions_of_one_name_are_dense_and_unique(system: System, started: dict[str, Document]) -> None:
    for training in started.values():
        system.wait(training["id"])
    models = system.api.items("/v1/models", limit=100)["items"]
    versions: dict[tuple[str, str], list[int]] = {}
    for model in models:
        versions.setdefault((model["person_id"], model["name"]), []).append(model["version"])
    for numbers in versions.values():
        assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_fal_got_the_flag_the_captions_with_the_trigger_word_and_nothing_of_ours(
    system: System, started: dict[str, Document]
) -> None:
    training = system.wait(started["plain"]["id"])
    (request,) = [row for row in system.fal.requests() if training["id"] in row["webhook_url"]]
    assert request["input"]["is_input_format_already_preprocessed"] is True
    assert set(request["input"]) == {
        "images_data_url",
        "trigger_word",
        "steps",
        "create_masks",
        "is_style",
        "is_input_format_already_preprocessed",
    }
    captions = request["archive"]["captions"]
    assert captions
    assert all("T_plain" in text for text in captions.values())


def test_the_stages_are_told_as_they_happen(system: System, started: dict[str, Document]) -> None:
    training = system.wait(started["plain"]["id"])
    statuses = [move["status"] for move in training["history"]]
    assert statuses[:4] == ["requested", "packaged", "submitting", "submitted"]
    assert statuses[-2:] == ["mirroring", "succeeded"]
    assert all(seconds >= 0 for seconds in training["stages"].values())


def test_a_redirect_is_never_followed_with_a_second_post(system: System, started: dict[str, Document]) -> None:
    system.wait(started["redirected"]["id"])
    assert system.accepted("T_redirected") == 0


def test_no_secret_and_no_signed_url_is_logged(system: System, started: dict[str, Document]) -> None:
    for training in started.values():
        system.wait(training["id"])
    log = system.stack.processes.log.read_text(errors="replace")
    assert "training_requested" in log
    for secret in ("signature=", "Signature=", "simulated-key", "[trigger]"):
        assert secret not in log


def secrets_of(system: System, started: dict[str, Document]) -> set[str]:
    """What nobody may read anywhere: the key, captions, links to the archives, and the nonces of callbacks."""
    secrets = {"signature=", "Signature=", "simulated-key", "in picture"}
    for request in system.fal.requests():
        training_id, nonce = str(request["webhook_url"]).rsplit("/", 2)[1:]
        if training_id in {training["id"] for training in started.values()}:
            archive_url = str(request["input"]["images_data_url"])
            secrets |= {archive_url, archive_url.partition("?")[2], nonce}
    return secrets


def test_no_secret_is_in_any_story_or_log(system: System, started: dict[str, Document]) -> None:
    for training in started.values():
        system.wait(training["id"])
    stories = [json.dumps(system.api.get(f"/v1/trainings/{training['id']}/story")) for training in started.values()]
    assert all('"dataset_packaged"' in story or '"training_failed"' in story for story in stories)
    told = "".join(stories) + system.stack.processes.log.read_text(errors="replace")
    secrets = secrets_of(system, started)
    assert len(secrets) > len(started)
    assert [secret for secret in secrets if secret in told] == []


def test_the_story_of_a_training_is_told_by_every_function_in_the_order_of_time(
    system: System, started: dict[str, Document]
) -> None:
    training = system.wait(started["answer_dropped_webhook_lost"]["id"])
    lines = system.api.get(f"/v1/trainings/{training['id']}/story")["lines"]
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    sources = {line["source"] for line in lines} - {"notifier"}
    assert sources == {"training", "api", "packager", "submitter", "monitor", "mirror"}
    told = iter(line["name"] for line in lines)
    for name in ("training_requested", "dataset_packaged", "claim_won", "submission_uncertain"):
        assert name in told
    for name in ("submission_found", "result_found", "result_is_ours", "artifacts_verified", "model_kept"):
        assert name in told


@pytest.fixture(scope="session")
def told(system: System, started: dict[str, Document]) -> dict[str, list[Document]]:
    """What was told of every scenario's training, after all of them ended and the receiver had its time."""
    ended = {name: system.wait(training["id"]) for name, training in started.items()}
    end = time.monotonic() + NOTICE_PATIENCE_S
    while missing := [name for name, training in ended.items() if not system.receiver.about(training["id"])]:
        assert time.monotonic() < end, f"nobody was told of {missing}"
        time.sleep(0.1)
    return {name: system.receiver.about(training["id"]) for name, training in ended.items()}


def test_success_and_failure_are_each_told_once(system: System, told: dict[str, list[Document]]) -> None:
    tried = tried_on(system)
    expected = {s.name: ["training.failed" if s.code else "training.succeeded"] for s in tried}
    assert {name: [notice["type"] for notice in notices] for name, notices in told.items()} == expected
    codes = {name: notices[0]["data"]["code"] for name, notices in told.items()}
    assert codes == {s.name: s.code for s in tried}
    assert system.receiver.forged == []


def test_what_is_told_again_is_the_same_under_the_same_id(system: System, told: dict[str, list[Document]]) -> None:
    receiver = system.receiver
    assert {len(bodies) for bodies in receiver.bodies.values()} == {1}
    ours = {notice["data"]["training_id"] for notices in told.values() for notice in notices}
    names = {name for name, (body,) in receiver.bodies.items() if json.loads(body)["data"].get("training_id") in ours}
    again = {name: receiver.calls[name] for name in names if receiver.calls[name] > 1}
    refused = [receiver.failing[kind] for kind in ("training.succeeded", "training.failed")]
    assert again == dict.fromkeys(refused, FAILURES + 1)


def test_a_duplicate_of_the_message_tells_nothing_again(system: System, told: dict[str, list[Document]]) -> None:
    training_id = told["plain"][0]["data"]["training_id"]
    story = f"/v1/trainings/{training_id}/story"
    before = sum(line["name"] == "training-finished" for line in system.api.get(story)["lines"])
    system.publish(TrainingFinished(training_id=training_id, status="succeeded"))
    end = time.monotonic() + NOTICE_PATIENCE_S
    while sum(line["name"] == "training-finished" for line in system.api.get(story)["lines"]) <= before:
        assert time.monotonic() < end, "the duplicate did not arrive"
        time.sleep(0.1)
    assert len(system.receiver.about(training_id)) == 1


def test_a_notification_leads_to_the_training_and_holds_no_secret(
    system: System, started: dict[str, Document], told: dict[str, list[Document]]
) -> None:
    data = told["plain"][0]["data"]
    model = system.api.get(f"/v1/models/{data['model_id']}")
    assert (model["training_id"], model["version"]) == (data["training_id"], data["version"])
    assert data["link"] == f"{system.stack.url}/trainings/{data['training_id']}"
    everything = system.receiver.everything()
    assert [secret for secret in secrets_of(system, started) if secret in everything] == []


def test_an_operator_sweeps_and_sees_what_was_given_up(system: System) -> None:
    assert isinstance(system.api.get("/v1/ops/dead-letters")["items"], list)
    sweep = system.api.post("/v1/ops/sweeps")
    end = time.monotonic() + 20
    while not system.api.get(f"/v1/ops/sweeps/{sweep['id']}")["done"]:
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize("path", ["/", "/v1/shoots", "/v1/shoots/", "/webhooks/fal/t_1/n", "/webhooks/fal/t_1/n/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_path_is_ever_redirected(system: System, method: str, path: str) -> None:
    answer = httpx.request(method, f"{system.stack.url}{path}", follow_redirects=False)
    assert not 300 <= answer.status_code < 400


def test_a_callback_that_nobody_signed_is_forged_and_changes_nothing(system: System) -> None:
    answer = httpx.post(f"{system.stack.url}/webhooks/fal/t_1/n", json={"request_id": "r"})
    assert (answer.status_code, answer.json()["code"]) == (401, "webhook_forged")


def test_a_callback_that_is_too_large_is_refused(system: System) -> None:
    answer = httpx.post(f"{system.stack.url}/webhooks/fal/t_1/n", content=b" " * (2 << 20))
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


# every trainer once: its own fields there, all its files back

TRAINER_ENTRIES = [pytest.param(spec, id=spec.name) for spec in TRAINERS.values()]


@pytest.fixture(scope="session")
def every_trainer(system: System) -> dict[str, Document]:
    """A training with each trainer by its name, all started at once."""
    shoot = system.shoot(pictures(10, captions=9))
    return {spec.name: _start(system, shoot, spec) for spec in TRAINERS.values()}


def _start(system: System, shoot: str, spec: TrainerSpec) -> Document:
    wanted: dict[str, Any] = {"shoot_id": shoot, "trigger_word": "TOK", "model_name": spec.name}
    wanted |= {"trainer": spec.name, "preset": "costume", "parameters": {"steps": 100}}
    return system.api.post("/v1/trainings", wanted, idempotency_key=uuid.uuid4().hex)


@pytest.mark.parametrize("spec", TRAINER_ENTRIES)
def test_a_trainer_gets_its_own_fields_and_gives_all_its_files(
    system: System, every_trainer: dict[str, Document], spec: TrainerSpec
) -> None:
    training = system.wait(every_trainer[spec.name]["id"])
    assert training["status"] == "succeeded", training["error"]
    (request,) = [row for row in system.fal.requests() if training["id"] in row["webhook_url"]]
    assert request["endpoint"] == spec.endpoint
    assert {**request["input"], spec.data_field: training["sent"]["fields"][spec.data_field]} == (
        training["sent"]["fields"]
    )
    assert "://" not in json.dumps([training["sent"], training["delivered"]])
    assert set(training["delivered"]) == set(request["artifacts"]) | set(spec.other_outputs)

    download = system.api.get(f"/v1/models/{training['model_id']}/download")
    served = [request["artifacts"][output.output] for output in spec.weights]
    kept = [httpx.get(file["url"]).raise_for_status().content for file in download["files"]]
    assert [hashlib.sha256(content).hexdigest() for content in kept] == [file["sha256"] for file in served]
    assert training["cost_usd"] == pytest.approx(training["quote"]["price_usd"] or 0.2)


def test_nothing_of_the_picture_without_a_caption_is_lost(system: System, every_trainer: dict[str, Document]) -> None:
    for spec in TRAINERS.values():
        training = system.wait(every_trainer[spec.name]["id"])
        (request,) = [row for row in system.fal.requests() if training["id"] in row["webhook_url"]]
        assert len(request["archive"]["captions"]) == 9
        words = [
            value for name, value in request["input"].items() if name in (spec.trigger_field, spec.default_caption)
        ]
        assert words == ["TOK"], "the trigger word comes in its own field, or in the caption of what has none"
