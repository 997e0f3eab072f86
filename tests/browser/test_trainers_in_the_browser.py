"""The form of each trainer, made from its schema alone; and what does not fit, said where it was typed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from functions.api.trainers import trainer_view
from tests.browser.console import Console
from tests.invented_trainer import with_glitter

pytestmark = pytest.mark.slow

# the narrow one shows what can go wrong: the others are only for the screenshots
WINDOWS = [(360, "dark"), *([(1280, "light"), (1280, "dark"), (360, "light")] if os.environ.get("SCREENSHOTS") else [])]


def choose(console: Console, title: str) -> None:
    console.page.get_by_label("Trainer").select_option(label=title)
    console.page.locator(".quote:not(.stale)").wait_for()


def choose_preset(console: Console, title: str) -> None:
    console.page.locator("label.chip", has_text=title).click()


def test_each_trainer_has_its_own_form_and_each_preset_its_own_settings(console: Console) -> None:
    page = console.open_shoot().page
    choose_preset(console, "A costume")
    page.get_by_text("Advanced").click()
    masks = page.get_by_label("Look at the subject")
    expect(masks).not_to_be_checked()
    choose_preset(console, "A person")
    page.get_by_text("Advanced").click()
    expect(masks).to_be_checked()

    choose(console, "Z-Image Turbo")
    expect(page.get_by_label("Already preprocessed")).to_have_count(0)
    page.get_by_text("Advanced").click()
    expect(page.get_by_label("What to learn", exact=True).and_(page.locator("select"))).to_have_value("content")
    expect(page.locator(".quote")).to_contain_text("$2.26")
    choose(console, "FLUX.1, portraits")
    expect(page.locator("label.chip", has_text="A style")).to_have_count(0)
    expect(page.get_by_label("Steps", exact=True)).to_have_value("2500")
    expect(page.locator("#why-blocked")).to_contain_text("at least 10")
    console.screenshot("trainer-portrait-1280-light")


def test_what_does_not_fit_is_said_at_its_field_and_not_sent(console: Console) -> None:
    page = console.open_shoot().page
    choose(console, "Qwen-Image 2512")
    expect(page.locator(".quote")).to_contain_text("Price not known yet")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method) if request.url.endswith("/v1/trainings") else None)
    steps = page.get_by_label("Steps", exact=True)
    steps.fill("1250")
    expect(page.get_by_text("It goes in steps of 100: the nearest is 1,300.")).to_be_visible()
    page.get_by_text("Advanced").click()
    page.get_by_label("Learning rate").fill("5")
    expect(page.get_by_text("It has to be from 0.000001 to 0.01.")).to_be_visible()
    console.train_button.click()
    expect(steps).to_be_focused()
    console.screenshot("trainer-misfit-1280-light")
    steps.fill("1300")
    console.train_button.click()
    expect(page.get_by_label("Learning rate")).to_be_focused()
    assert "POST" not in sent


def test_what_the_api_refuses_is_said_at_its_field(console: Console) -> None:
    def with_another_rate(route: Route) -> None:
        wish = json.loads(route.request.post_data or "{}")
        wish["parameters"]["learning_rate"] = 1.5
        route.continue_(post_data=json.dumps(wish))

    page = console.open_shoot().page
    choose(console, "Wan 2.2")
    page.route("**/v1/trainings", with_another_rate)
    console.train_button.click()
    refused = page.locator("#parameter-learning_rate-problem")
    expect(refused).to_contain_text("takes learning_rate from 1e-06 to 0.01, not 1.5")
    expect(page.get_by_label("Learning rate")).to_be_focused()


def test_a_trainer_that_was_never_heard_of_has_a_form(console: Console) -> None:
    def with_one_more(route: Route) -> None:
        answer = route.fetch()
        document = answer.json()
        with with_glitter() as spec:
            document["items"].append(trainer_view(spec).model_dump(mode="json"))
        route.fulfill(response=answer, json=document)

    ordered: list[dict[str, Any]] = []

    def take_order(route: Route) -> None:
        if route.request.method == "POST":
            ordered.append(json.loads(route.request.post_data or "{}"))
        route.abort()

    page = console.page
    page.route("**/v1/trainers", with_one_more)
    page.route("**/v1/trainings", take_order)
    console.open_shoot()
    choose(console, "Glitter")
    choose_preset(console, "A style")
    expect(page.get_by_label("Rounds", exact=True)).to_have_value("40")
    page.get_by_text("Advanced").click()
    page.get_by_label("Mood").select_option("merry")
    console.train_button.click()
    page.get_by_text("it can start only one training").wait_for()
    assert ordered[0]["parameters"] == {"rounds": 40, "sparkle": 1, "mood": "merry"}
    assert (ordered[0]["trainer"], ordered[0]["preset"]) == ("acme/glitter-trainer", "style")


def test_what_was_chosen_survives_a_reload(console: Console) -> None:
    page = console.open_shoot().page
    choose(console, "Wan 2.2")
    choose_preset(console, "A style")
    page.get_by_label("Steps", exact=True).fill("700")
    page.reload()
    expect(page.get_by_label("Trainer")).to_have_value("fal-ai/wan-22-image-trainer")
    expect(page.locator("label.chip", has_text="A style").locator("input")).to_be_checked()
    expect(page.get_by_label("Steps", exact=True)).to_have_value("700")


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
def test_a_model_of_two_files_shows_and_gives_both_and_what_wwithout_metadata(
    open_console: Callable[..., Console], trigger: str, width: int, scheme: str
) -> None:
    console = open_console(width=width, color_scheme=scheme)
    page = console.open_shoot().page
    choose(console, "Wan 2.2")
    console.press_train(trigger)
    console.wait_for_model()
    page.get_by_text("What fal.ai was sent").click()
    told = page.locator(".exchange")
    expect(told).to_contain_text(f'"trigger_phrase": "{trigger}"')
    expect(told).to_contain_text("a signed URL, not kept")
    expect(told).to_contain_text("high_noise_lora")
    assert "Learning rate\n0.0007" in page.get_by_label("About this training").inner_text()
    assert "://" not in told.inner_text()
    assert console.overflow() <= 0
    console.screenshot(f"training-wan-{width}-{scheme}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download weights, high-noise").click()
    assert download.value.suggested_filename.endswith("-high-noise.safetensors")
    page.get_by_role("link", name="See the model").click()
    expect(page.get_by_text("All its files are used together.")).to_be_visible()
    assert console.overflow() <= 0
    console.screenshot(f"model-wan-{width}-{scheme}")
