"""Pictures made with a model, as processes, over HTTP, on every backend: the same road, the same faults.

All sets are asked for at once, each told apart by its prompt; each test looks at its own.
"""

from __future__ import annotations

import io
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from cli.erase import await_receipt
from tests.mending import mend
from tests.pipeline.conftest import PATIENCE_S, Document, System, pictures
from tests.running_cli import run

ENDED = ("succeeded", "failed", "canceled")


@dataclass(frozen=True)
class Scenario:
    """Faults of fal.ai, and how the pictures have to end."""

    name: str
    faults: dict[str, Any] = field(default_factory=dict)
    code: str | None = None
    count: int = 1
    billed: int = 1

    @property
    def prompt(self) -> str:
        """The prompt that tells this scenario's pictures apart."""
        return f"scene {self.name} end"


SCENARIOS = [
    Scenario("plain", count=2),
    Scenario("webhook_lost", {"webhook": "lost"}),
    Scenario("answer_dropped", {"submit": "drop_after"}),
    Scenario("busy", {"submit": "rate_limited_429"}),
    Scenario("flagged", {"flagged": [False, True]}, count=2),
    Scenario("truncated", {"artifacts": "truncated", "artifact_field": "images.0", "artifact_times": 1}),
    Scenario("cut_quietly", {"artifacts": "truncated_quietly", "artifact_field": "images.0", "artifact_times": 1}),
    Scenario(
        "broken",
        {"artifacts": "truncated_quietly", "artifact_field": "images.1"},
        "artifact_corrupt",
        count=2,
    ),
    Scenario("fails", {"run": "fail_500"}, "training_failed", billed=0),
    Scenario("rejected", {"submit": "rejected_422"}, "trainer_rejected_input", billed=0),
]


@dataclass(frozen=True)
class Gallery:
    """A system with a model whose pictures were asked for, by the scenarios' names."""

    system: System
    model: Document
    asked: dict[str, Document]

    def wait(self, job: Document) -> Document:
        """The set when it has ended."""
        end = time.monotonic() + PATIENCE_S
        while (now := self.show(job))["status"] not in ENDED:
            assert time.monotonic() < end, f"still {now['status']}: {now}"
            time.sleep(0.1)
        return now

    def show(self, job: Document) -> Document:
        """The set as it is now."""
        found: Document = self.system.api.get(f"/v1/images/{job['id']}")
        return found


def trained(system: System, trigger: str, **changes: Any) -> Document:
    body = {"shoot_id": system.shoot(pictures()), "trigger_word": trigger, "parameters": {"steps": 50}, **changes}
    training = system.api.post("/v1/trainings", body, idempotency_key=uuid.uuid4().hex)
    done = system.wait(training["id"])
    model: Document = system.api.get(f"/v1/models/{done['model_id']}")
    return model


@pytest.fixture(scope="module")
def gallery(system: System) -> Gallery:
    model = trained(system, "T_gallery")
    for scenario in SCENARIOS:
        if scenario.faults:
            system.fal.plan({"input_contains": scenario.prompt}, **scenario.faults)
    asked = {
        scenario.name: system.api.post(
            f"/v1/models/{model['id']}/images",
            {"prompt": scenario.prompt, "count": scenario.count, "size": "square", "seed": 7},
            idempotency_key=f"{model['id']}-{scenario.name}",
        )
        for scenario in SCENARIOS
    }
    return Gallery(system, model, asked)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_pictures_end_as_they_should_and_are_paid_at_most_once(gallery: Gallery, scenario: Scenario) -> None:
    done = gallery.wait(gallery.asked[scenario.name])
    assert (done["error"] or {}).get("code") == scenario.code, done
    assert len(done["pictures"]) == (0 if scenario.code else scenario.count)
    runs = [row for row in gallery.system.fal.requests() if scenario.prompt in row["input"].get("prompt", "")]
    assert sum(row["billed"] for row in runs) == scenario.billed
    assert len(runs) <= 1
    if scenario.code:
        assert done["error"]["charged"] is (scenario.billed > 0)
        assert "train again" not in done["error"]["message"]
    else:
        assert done["cost_usd"] == pytest.approx(0.035 * scenario.count)


def test_pictures_are_shown_small_and_whole_and_can_be_downloaded(gallery: Gallery) -> None:
    done = gallery.wait(gallery.asked["plain"])
    assert done["prompt"] == "T_gallery, scene plain end"
    with httpx.Client(trust_env=False, timeout=20) as http:
        for picture in done["pictures"]:
            image = Image.open(io.BytesIO(http.get(picture["url"]).content))
            assert (image.size, image.format, len(image.getexif())) == ((512, 512), "JPEG", 0)
            assert Image.open(io.BytesIO(http.get(picture["thumbnail_url"]).content)).format == "WEBP"
        files = gallery.system.api.get(f"/v1/images/{done['id']}/download")["files"]
        assert [len(http.get(file["url"]).content) for file in files] == [file["size"] for file in files]
    listed = gallery.system.api.get(f"/v1/models/{gallery.model['id']}/images")["items"]
    assert done["id"] in [item["id"] for item in listed]
    assert done["id"] in [item["id"] for item in gallery.system.api.get("/v1/images?limit=100")["items"]]
    kept = gallery.system.bucket("models_bucket")
    assert len(list(kept.list(f"images/{gallery.model['person_id']}/{gallery.model['name']}/v1/{done['id']}/"))) == 2


def test_paid_pictures_that_were_not_whole_are_fetched_again_for_nothing_and_meanwhile_none_is_kept(
    gallery: Gallery,
) -> None:
    failed, system = gallery.wait(gallery.asked["broken"]), gallery.system
    kept = system.bucket("models_bucket")
    assert [found.name for found in kept.list("images/") if failed["id"] in found.name] == []
    assert failed["recoverable"] and "were announced" in failed["error"]["message"]
    (run_of_it,) = (row for row in system.fal.requests() if failed["prompt"] == row["input"].get("prompt"))
    mend(system.fal, run_of_it["request_id"])
    again = run(system.stack.url, "images", "retry", failed["id"], "--json").json
    assert (again["id"], again["status"], len(again["pictures"])) == (failed["id"], "succeeded", 2)
    assert [row["billed"] for row in system.fal.requests() if failed["prompt"] == row["input"].get("prompt")] == [True]


def test_what_the_safety_checker_flagged_is_told(gallery: Gallery) -> None:
    done = gallery.wait(gallery.asked["flagged"])
    assert [picture["nsfw"] for picture in done["pictures"]] == [False, True]


def test_the_story_of_pictures_is_told_in_words_about_pictures(gallery: Gallery) -> None:
    done = gallery.wait(gallery.asked["plain"])
    lines = [line["text"] for line in gallery.system.api.get(f"/v1/images/{done['id']}/story")["lines"]]
    assert any("Pictures were verified and kept: 2" in line for line in lines)
    assert not any("ZIP" in line or "trained" in line for line in lines)


def test_pictures_under_way_can_be_canceled(gallery: Gallery) -> None:
    system = gallery.system
    system.fal.plan({"input_contains": "scene slow end"}, run="never_ends")
    job = system.api.post(f"/v1/models/{gallery.model['id']}/images", {"prompt": "scene slow end"}, idempotency_key="s")
    end = time.monotonic() + PATIENCE_S
    while gallery.show(job)["status"] not in ("submitted", "running"):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert system.api.post(f"/v1/images/{job['id']}/cancel", {})["outcome"] == "asked"
    assert gallery.wait(job)["status"] == "canceled"


def test_a_comparison_shows_that_the_scale_and_the_version_make_the_difference(gallery: Gallery) -> None:
    system = gallery.system
    other = trained(system, "T_other")
    wanted = {
        "prompt": "the same scene",
        "model_ids": [gallery.model["id"], other["id"]],
        "scales": [0, 1],
        "size": "square",
    }
    made = system.api.post("/v1/comparisons", wanted, idempotency_key=uuid.uuid4().hex)
    done = [gallery.wait(job) for job in made["items"]]
    assert len({job["seed"] for job in done}) == 1
    shown = system.api.get(f"/v1/comparisons/{made['id']}")["items"]
    assert {job["id"] for job in shown} == {job["id"] for job in done}
    sums = [job["pictures"][0]["sha256"] for job in done]
    assert len(set(sums)) == 4  # the prompts have the models' own trigger words


def test_a_training_brings_its_samples_with_it(gallery: Gallery) -> None:
    system = gallery.system
    model = trained(system, "T_samples", samples=2)
    end = time.monotonic() + PATIENCE_S
    while not (found := system.api.get(f"/v1/models/{model['id']}/images")["items"]):
        assert time.monotonic() < end
        time.sleep(0.1)
    (samples,) = found
    done = gallery.wait(samples)
    assert (done["origin"], done["status"], len(done["pictures"])) == ("samples", "succeeded", 2)


def test_the_cli_makes_compares_brings_home_and_deletes_pictures(gallery: Gallery, tmp_path: Path) -> None:
    url, model_id = gallery.system.stack.url, gallery.model["id"]
    made = run(url, "images", "make", model_id, "by hand", "--size", "square", "--json")
    assert (made.exit_code, made.json["status"], made.json["prompt"]) == (0, "succeeded", "T_gallery, by hand")
    images_id = made.json["id"]
    more = run(url, "images", "more", images_id, "--yes")
    assert more.exit_code == 0 and "1 picture for $0.035" in more.stderr
    compared = run(
        url, "images", "compare", "by hand", model_id, "--scale", "0", "--scale", "1", "--yes", "--json"
    ).json
    assert [job["scale"] for job in compared["items"]] == [0, 1]
    assert images_id in run(url, "images", "list", "--model", model_id).stdout
    assert "by hand" in run(url, "images", "show", images_id).stdout
    (path,) = run(url, "images", "download", images_id, "--to", tmp_path, "--json").json["files"]
    with Image.open(path) as picture:
        assert picture.size == (512, 512)
    assert run(url, "images", "delete", images_id, "--dry-run", "--json").json["hindrances"] == []
    receipt = run(url, "images", "delete", images_id, "--yes", "--json").json
    assert (receipt["state"], receipt["subject_id"]) == ("done", images_id)
    assert {"pictures", "images", "fal_request"} <= {line["what"] for line in receipt["deleted"]}
    gone = run(url, "images", "show", images_id)
    assert (gone.exit_code, "images_not_found" in gone.stderr) == (3, True)
    kept = gallery.system.bucket("models_bucket")
    assert [found.name for found in kept.list("images/") if images_id in found.name] == []


def test_the_cli_watches_tells_and_retries_and_a_retry_is_one_successor(gallery: Gallery) -> None:
    url, failed = gallery.system.stack.url, gallery.wait(gallery.asked["fails"])
    watched = run(url, "images", "watch", failed["id"])
    assert (watched.exit_code, "training_failed" in watched.stdout) == (1, True)
    assert "fal.ai accepted it" in run(url, "images", "story", failed["id"]).stdout
    again = run(url, "images", "retry", failed["id"], "--no-wait", "--json").json
    assert (again["predecessor_id"], again["seed"]) == (failed["id"], failed["seed"])
    assert run(url, "images", "retry", failed["id"], "--no-wait", "--json").json["id"] == again["id"]
    refused = run(url, "images", "retry", gallery.asked["plain"]["id"])
    assert (refused.exit_code, "only what failed or was canceled" in refused.stderr) == (3, True)


def test_pictures_are_deleted_over_http_by_the_eraser_and_fal_ai_forgets_them(gallery: Gallery) -> None:
    system = gallery.system
    body = {"prompt": "to be forgotten", "size": "square"}
    job = gallery.wait(system.api.post(f"/v1/models/{gallery.model['id']}/images", body, idempotency_key="forget"))
    with httpx.Client(base_url=system.stack.url, trust_env=False, timeout=20) as http:
        answer = http.delete(f"/v1/images/{job['id']}")
        assert (answer.status_code, answer.json()["subject"]) == (202, "images")
        assert answer.headers["Location"] == f"/v1/erasures/{answer.json()['id']}"
    await_receipt(system.api, answer.json())
    (request,) = [row for row in system.fal.requests() if job["id"] in row["webhook_url"]]
    assert (request["input"], request["billed"]) == ({}, True)
