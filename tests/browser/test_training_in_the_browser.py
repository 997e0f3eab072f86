"""From a shoot to a kept model, and everything that can come between, as a person meets it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from infra.local.fal_simulator.control import SimulatorControl
from tests.browser.console import BadConnection, Console
from tests.mending import mend

pytestmark = pytest.mark.slow


def test_from_the_grid_to_the_downloaded_weights(console: Console, simulator: SimulatorControl, trigger: str) -> None:
    page = console.page
    page.goto("/")
    page.get_by_role("link", name="Red Riding Hood").click()
    console.heading("Red Riding Hood").wait_for()
    training_id = console.press_train(trigger)
    page.get_by_role("progressbar").wait_for()
    console.wait_for_model()

    with page.expect_download() as download:
        page.get_by_role("button", name="Download weights").click()

    kept = Path(download.value.path()).read_bytes()
    assert download.value.suggested_filename.endswith(".safetensors")
    assert kept == _served_weights(console, simulator, training_id)
    page.get_by_text("Story", exact=True).click()
    # a second delivery may have verified them too
    page.get_by_text(re.compile(r"The weights \(\w+\) verified")).first.wait_for()
    told = page.locator(".story").inner_text()
    assert told.index("The training was asked for") < told.index("fal.ai accepted it") < told.index("Succeeded")
    page.get_by_role("link", name="See the model").click()
    console.heading("Where it comes from").wait_for()
    assert trigger in page.get_by_role("main").inner_text()


def _served_weights(console: Console, simulator: SimulatorControl, training_id: str) -> bytes:
    request_id = console.training(training_id)["fal_request_id"]
    served = simulator.request(request_id)["artifacts"]["diffusers_lora_file"]
    return httpx.get(served["url"], trust_env=False).raise_for_status().content


@pytest.mark.parametrize(
    ("faults", "heading", "sentence", "cost"),
    [
        ({"run": "fail_500"}, "It failed while training", "check the pictures and captions", "Nothing was charged."),
        (
            {"submit": "locked_403"},
            "It failed while submitting",
            "the operator has to check the balance and the key",
            "Nothing was charged.",
        ),
    ],
    ids=["failed", "locked"],
)
def test_a_failure_says_what_failed_what_it_cost_and_what_to_do(
    console: Console,
    simulator: SimulatorControl,
    trigger: str,
    faults: dict[str, Any],
    heading: str,
    sentence: str,
    cost: str,
) -> None:
    simulator.plan({"trigger_word": trigger}, **faults)
    console.open_shoot().press_train(trigger)

    console.heading(heading).wait_for()

    said = console.page.locator(".outcome").inner_text()
    assert sentence in said
    assert cost in said
    console.page.get_by_role("link", name="Edit the shoot").click()
    assert console.page.get_by_label("Trigger word").input_value() == trigger


def test_weights_that_came_damaged_are_recovered_without_paying_again(
    console: Console, simulator: SimulatorControl, trigger: str
) -> None:
    _require(console, "/v1/trainings/{training_id}/retry")
    simulator.plan({"trigger_word": trigger}, artifacts="corrupt")
    training_id = console.open_shoot().press_train(trigger)
    console.heading("It failed while mirroring").wait_for()
    billed = simulator.billing()["billed_runs"]

    mend(simulator, console.training(training_id)["fal_request_id"])
    console.page.get_by_role("button", name="Recover the weights").click()

    console.wait_for_model()
    assert console.training_id() == training_id
    assert simulator.billing()["billed_runs"] == billed


def test_neither_a_reload_in_the_middle_nor_a_second_tab_changes_anything(
    console: Console, simulator: SimulatorControl, trigger: str
) -> None:
    simulator.plan({"trigger_word": trigger}, seconds_per_training=3.0)
    training_id = console.open_shoot().press_train(trigger)
    console.page.locator("li[data-mark=now]", has_text="Training").wait_for()

    other = console.context.new_page()
    other.goto(console.page.url)
    console.page.reload()

    assert console.training_id() == training_id
    console.wait_for_model()
    other.get_by_role("heading", name="Your model is ready").wait_for()


def test_a_double_click_buys_one_training(console: Console, simulator: SimulatorControl, trigger: str) -> None:
    console.open_shoot().fill_in(trigger)

    console.train_button.dblclick()

    console.training_id()
    console.wait_for_model()
    assert _trained_with(simulator, trigger) == 1


def test_an_answer_that_is_lost_or_cut_off_is_asked_for_again_and_buys_one_training(
    console: Console, simulator: SimulatorControl, trigger: str
) -> None:
    connection = BadConnection()
    console.open_shoot().fill_in(trigger)
    console.page.route("**/v1/trainings", connection)
    console.train_button.click()
    console.page.get_by_text("it can start only one training").wait_for()

    console.training_id()
    console.wait_for_model()
    assert (len(connection.asked), len(set(connection.asked))) == (3, 1)
    assert _trained_with(simulator, trigger) == 1


def _trained_with(simulator: SimulatorControl, trigger: str) -> int:
    return sum(request["input"].get("trigger_word") == trigger for request in simulator.requests())


def test_a_broken_connection_is_said_and_caught_up_with(
    console: Console, simulator: SimulatorControl, trigger: str
) -> None:
    simulator.plan({"trigger_word": trigger}, seconds_per_training=3.0)
    console.context.route("**/events", lambda route: route.abort("connectionfailed"))
    console.open_shoot().press_train(trigger)
    console.page.get_by_text("Connection lost").wait_for()

    console.context.unroute("**/events")

    console.wait_for_model()
    console.page.get_by_text("Connection lost").wait_for(state="hidden")
    assert "Preprocessing 6 images" in console.page.get_by_role("log").inner_text()


def test_a_training_is_canceled_after_a_word_about_the_money(
    console: Console, simulator: SimulatorControl, trigger: str
) -> None:
    _require(console, "/v1/trainings/{training_id}/cancel")
    simulator.plan({"trigger_word": trigger}, run="never_ends")
    console.open_shoot().press_train(trigger)
    console.page.locator("li[data-mark=now]", has_text="Training").wait_for()

    console.page.get_by_role("button", name="Cancel", exact=True).click()
    assert "charged" in console.page.get_by_role("dialog").inner_text()
    console.page.get_by_role("button", name="Cancel the training").click()

    console.heading("Canceled").wait_for()
    # the button that had the focus is gone
    expect(console.page.get_by_role("heading", level=1)).to_be_focused()


def test_the_same_again_names_the_model_that_is_there(console: Console, trigger: str) -> None:
    console.open_shoot().press_train(trigger)
    console.wait_for_model()

    console.open_shoot().fill_in(trigger)
    console.train_button.click()

    assert console.page.get_by_role("link", name="See the model").get_attribute("href")


def test_the_same_in_a_second_tab_names_the_training_that_is_under_way(
    console: Console, simulator: SimulatorControl, trigger: str
) -> None:
    simulator.plan({"trigger_word": trigger}, run="never_ends")
    console.open_shoot().press_train(trigger)
    training = console.page.url

    console.open_shoot().fill_in(trigger)
    console.train_button.click()

    assert training.endswith(str(console.page.get_by_role("link", name="See the training").get_attribute("href")))


def _require(console: Console, path: str) -> None:
    if not console.has(path, "post"):
        pytest.skip(f"This API has no POST {path} yet.")


def test_captions_changed_for_a_run_survive_a_reload_and_can_be_restored(console: Console) -> None:
    page = console.open_shoot().page
    caption = page.get_by_label("01", exact=True)
    original = caption.input_value()
    caption.fill("TOK person in a red cape, drawn")

    page.reload()

    assert caption.input_value() == "TOK person in a red cape, drawn"
    page.get_by_role("button", name="Restore the caption of 01.jpg").click()
    assert caption.input_value() == original
    page.reload()
    caption.wait_for()
    assert caption.input_value() == original


def test_the_search_finds_and_says_so_when_it_does_not(open_console: Callable[..., Console]) -> None:
    page = open_console().page
    page.goto("/?search=riding")
    page.get_by_role("link", name="Red Riding Hood").wait_for()

    page.get_by_role("searchbox").fill("no such costume")

    page.get_by_role("heading", name="Nothing found").wait_for()
    assert "search=no+such+costume" in page.url


def test_a_model_is_renamed_and_deleted_only_with_its_name(console: Console, trigger: str) -> None:
    page = console.page
    training_id = console.open_shoot().press_train(trigger)
    console.wait_for_model()
    page.get_by_role("link", name="See the model").click()
    # also once what was waited for has taken the place of the first heading
    expect(page.get_by_role("heading", name=re.compile("^red-riding-hood v"), level=1)).to_be_focused()
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("New name").fill("Anna in red")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    page.get_by_role("heading", name=re.compile("^Anna in red")).wait_for()

    # where the plan is longer than the window it is read from its beginning, which says what goes
    page.set_viewport_size({"width": 360, "height": 640})
    page.get_by_role("button", name="Delete…").click()
    confirm = page.get_by_role("button", name="Delete for good")
    confirm.wait_for()
    title = page.get_by_role("dialog").get_by_role("heading", name=re.compile(r"^Delete Anna in red v\d+\?$"))
    expect(title).to_be_in_viewport()
    expect(title).to_be_focused()
    assert confirm.is_disabled()
    assert page.get_by_role("dialog").get_by_text("weights, configuration and what lies beside them").is_visible()
    page.get_by_label("to confirm").fill("red-riding-hood")
    address = page.url
    console.screenshot("erase-plan")
    confirm.click()

    page.get_by_role("heading", name="Receipt").wait_for()
    console.screenshot("erase-receipt")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as JSON").click()
    receipt = json.loads(Path(download.value.path()).read_text())
    assert (receipt["state"], receipt["subject"]) == ("done", "model")
    assert {"model_files", "fal_request"} <= {line["what"] for line in receipt["deleted"]}
    page.get_by_role("heading", name="Models", level=1).wait_for()
    page.goto(address)
    page.get_by_text("There is no model").wait_for()
    expect(page.get_by_role("link", name="To the models")).to_be_visible()
    page.goto(f"/trainings/{training_id}")
    console.heading("The model was deleted").wait_for()


def test_what_sample_pictures_cost_is_said_before_and_a_user_can_say_no(console: Console, trigger: str) -> None:
    page = console.page

    def quote_as_where_samples_are_set_up(route: Any) -> None:
        wanted = {"samples": 4, **json.loads(route.request.post_data)}
        route.fulfill(response=route.fetch(post_data=json.dumps(wanted)))

    page.route("**/v1/quotes", quote_as_where_samples_are_set_up)
    console.open_shoot()
    price = page.get_by_role("group", name="Price")
    expect(price).to_contain_text("$2.14")
    expect(price).to_contain_text("$2.00 for the training and $0.14 for 4 sample pictures")
    page.get_by_label("Make sample pictures when it is done").uncheck()
    expect(price).not_to_contain_text("sample")
    expect(price).to_contain_text("$2.00")
    with page.expect_request(lambda request: request.method == "POST" and "/v1/trainings" in request.url) as sent:
        console.press_train(trigger)
    assert json.loads(sent.value.post_data or "")["samples"] == 0
