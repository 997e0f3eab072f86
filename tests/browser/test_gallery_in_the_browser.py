"""Pictures made with a model, as a person makes, sees, keeps and deletes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from infra.local.fal_simulator.control import SimulatorControl
from infra.local.stack import Stack
from tests.browser.console import BadConnection, Console

pytestmark = pytest.mark.slow

ARROWS = {"next": "ArrowRight", "before": "ArrowLeft"}


QUICK_S = 0.2

Scene = Callable[..., str]


@pytest.fixture(scope="module")
def models(stack: Stack, shoot_id: str) -> list[str]:
    """The ids of two versions of a name, without samples."""
    return [kept(stack, training) for training in [train(stack, shoot_id, word, samples=0) for word in ("ONE", "TWO")]]


@pytest.fixture
def model_id(models: list[str]) -> str:
    """The model whose trigger word is ONE."""
    return models[0]


def train(stack: Stack, shoot_id: str, trigger: str, **wish: Any) -> str:
    """The id of a training that has begun."""
    wanted = {"shoot_id": shoot_id, "trigger_word": trigger, **wish}
    return str(httpx.post(f"{stack.url}/v1/trainings", json=wanted).raise_for_status().json()["id"])


def kept(stack: Stack, training: str) -> str:
    """The id of the training's model, once it is there: the stream of its events ends when it does."""
    httpx.get(f"{stack.url}/v1/trainings/{training}/events", timeout=30.0).raise_for_status()
    return str(httpx.get(f"{stack.url}/v1/trainings/{training}").json()["model_id"])


@pytest.fixture
def scene(simulator: SimulatorControl, trigger: str) -> Iterator[Scene]:
    """Gives the word that stands in this test's prompts only; `faults` are for the first set that has it."""

    def plan(**faults: Any) -> str:
        word = f"scene{trigger}"
        if faults:
            simulator.plan({"input_contains": word}, **{"seconds_per_training": QUICK_S, **faults})
        simulator.plan({"input_contains": word}, times=None, seconds_per_training=QUICK_S)
        return word

    yield plan
    simulator.clear_plans()


def open_model(console: Console, model_id: str) -> Page:
    console.page.goto(f"/models/{model_id}")
    console.page.locator(".make button[type=submit]").wait_for()
    return console.page


def wish(page: Page, prompt: str, count: int = 1) -> Locator:
    """The form, filled in and with its price; the button that makes them."""
    page.get_by_label("What to show").fill(prompt)
    page.get_by_role("radio", name=str(count), exact=True).check(force=True)
    page.locator(".make .quote:not(.stale) .price").wait_for()
    return page.locator(".make button[type=submit]")


def card(page: Page, prompt: str) -> Locator:
    """The newest set with that prompt."""
    return page.locator("li.set", has=page.locator(".set-prompt", has_text=prompt)).first


def tiles(page: Page, prompt: str) -> Locator:
    return card(page, prompt).locator("button.tile")


def paid(simulator: SimulatorControl, word: str) -> int:
    """How often fal.ai accepted a request with that word in its prompt."""
    return sum(word in request["input"].get("prompt", "") for request in simulator.requests())


def sets(console: Console, model_id: str, word: str) -> list[dict[str, Any]]:
    """The sets with that word in the prompt, as the API tells them, the newest first."""
    found = console.context.request.get(f"/v1/models/{model_id}/images").json()["items"]
    return [each for each in found if word in each["prompt"]]


def test_pictures_are_made_followed_looked_at_and_saved(
    console: Console, simulator: SimulatorControl, model_id: str, scene: Scene
) -> None:
    word = scene()
    page = open_model(console, model_id)
    press = wish(page, f"[trigger] at the {word}", count=2)
    expect(page.get_by_text(f"Sent as “ONE at the {word}”.")).to_be_visible()
    expect(page.locator(".make .price")).to_have_text("$0.07")
    page.get_by_role("radio", name=re.compile("Portrait 3:4")).check(force=True)
    press.click()
    expect(tiles(page, word).locator("img")).to_have_count(2)

    tiles(page, word).first.click()
    box = page.get_by_role("dialog", name="Picture")
    expect(box.locator("img.large.loaded")).to_be_visible()
    (made,) = sets(console, model_id, word)
    for fact in (
        f"ONE at the {word}",
        f"{made['seed']}Of the whole set",
        "768 × 1024",
        "$0.07 for 2 pictures",
        "red-riding-hood v",
    ):
        expect(box).to_contain_text(fact)
    page.keyboard.press(ARROWS["next"])
    expect(box.get_by_text("2 of ")).to_be_visible()
    expect(box.locator("img.large.loaded")).to_have_attribute("alt", re.compile("^Picture 2 of 2"))
    with page.expect_download() as download:
        box.get_by_role("button", name="Download").click()
    saved = Path(download.value.path()).read_bytes()
    assert len(saved) == made["pictures"][1]["size"]
    assert download.value.suggested_filename.endswith("-2.jpg")
    page.keyboard.press(ARROWS["before"])
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(tiles(page, word).first).to_be_focused()
    assert paid(simulator, word) == 1


def test_the_focus_stays_in_the_open_picture_and_a_reload_brings_it_back_with_a_url_that_is_good(
    console: Console, model_id: str, scene: Scene
) -> None:
    word = scene()
    page = open_model(console, model_id)
    wish(page, word).click()
    tiles(page, word).click()
    box = page.get_by_role("dialog", name="Picture")
    box.wait_for()
    # what stands beside the picture comes after the button that closes it
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('.lightbox :is(.before, .after, .side)')")
    for _ in range(12):
        page.keyboard.press("Tab")
        # the browser's own bar is the only other place
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    refused: list[str] = []

    def refuse_once(route: Any) -> None:
        if refused:
            route.continue_()
            return
        refused.append(route.request.url)
        route.fulfill(status=403)

    page.route(re.compile(r"/images/.*\.jpg\?"), refuse_once)
    page.reload()

    expect(box.locator("img.large.loaded")).to_be_visible()
    assert len(refused) == 1
    box.get_by_role("button", name="Close").click()
    expect(box).to_have_count(0)
    assert "picture=" not in page.url


def test_a_double_click_buys_one_set_and_the_same_seed_none(
    console: Console, simulator: SimulatorControl, model_id: str, scene: Scene
) -> None:
    word = scene()
    page = open_model(console, model_id)
    wish(page, word)
    page.get_by_text("Seed", exact=True).first.click()
    page.get_by_label("Seed").fill("7")
    button = page.locator(".make button[type=submit]")
    button.dblclick()
    tiles(page, word).wait_for()

    button.click()
    expect(page.get_by_text("You have these")).to_be_visible()
    assert paid(simulator, word) == 1

    page.get_by_label("Seed").fill("")
    button.click()
    expect(page.locator("li.set", has_text=word)).to_have_count(2)
    tiles(page, word).wait_for()
    assert paid(simulator, word) == 2


def test_an_answer_that_is_lost_or_cut_off_is_asked_for_again_and_buys_one_set(
    console: Console, simulator: SimulatorControl, model_id: str, scene: Scene
) -> None:
    word, connection = scene(), BadConnection()
    page = open_model(console, model_id)
    page.route("**/v1/models/*/images", connection)
    wish(page, word).click()
    expect(page.get_by_text("the pictures can be bought only once")).to_be_visible()

    tiles(page, word).wait_for()
    expect(page.locator(".make .panel-message")).to_be_empty()
    assert (len(connection.asked), len(set(connection.asked))) == (3, 1)
    assert len(sets(console, model_id, word)) == paid(simulator, word) == 1


def test_who_leaves_before_the_answer_and_asks_again_has_them_and_is_told_so(
    console: Console, simulator: SimulatorControl, model_id: str, scene: Scene
) -> None:
    word, page = scene(), open_model(console, model_id)

    def leave_before_the_answer(route: Any) -> None:
        route.fetch()
        page.get_by_role("link", name="Data").click()

    page.route("**/v1/models/*/images", leave_before_the_answer, times=1)
    wish(page, word).click()
    console.heading("Your data").wait_for()
    open_model(console, model_id).locator(".make button[type=submit]").click()

    expect(page.get_by_text("nothing was bought again")).to_be_visible()
    tiles(page, word).wait_for()
    assert len(sets(console, model_id, word)) == paid(simulator, word) == 1


def test_a_reload_in_the_middle_and_a_second_tab_show_the_same_set_and_hear_that_it_was_canceled(
    console: Console, simulator: SimulatorControl, model_id: str, scene: Scene
) -> None:
    word = scene(run="never_ends")
    page = open_model(console, model_id)
    wish(page, word).click()
    expect(card(page, word).get_by_role("progressbar")).to_be_visible()
    other = console.context.new_page()
    other.goto("/gallery")
    page.reload()
    expect(page.get_by_label("What to show")).to_have_value(word)
    for each in (page, other):
        expect(card(each, word).get_by_role("progressbar")).to_be_visible()

    card(page, word).get_by_role("button", name="Cancel").click()

    for each in (page, other):
        expect(card(each, word).get_by_role("button", name="Make them after all, $0.035")).to_be_visible()
    assert paid(simulator, word) == 1


def test_a_failure_says_why_what_it_cost_and_what_to_press(
    console: Console, simulator: SimulatorControl, model_id: str, scene: Scene
) -> None:
    word = scene(run="fail_500")
    page = open_model(console, model_id)
    wish(page, word).click()
    failed = card(page, word)
    expect(failed).to_contain_text("fal.ai could not make the pictures")
    expect(failed).to_contain_text("Nothing was charged.")

    failed.get_by_role("button", name="Try again as it was, $0.035").click()
    tiles(page, word).wait_for()
    expect(page.locator("li.set", has_text="It was tried again.")).to_have_count(1)
    assert len({each["seed"] for each in sets(console, model_id, word)}) == 1


def test_what_is_refused_is_said_at_the_form(console: Console, model_id: str, scene: Scene) -> None:
    word = scene()
    page = open_model(console, model_id)
    said = "This costs $0.035, and $0.00 of your $50.00 a day is left: wait until tomorrow."
    problem = {"code": "budget_exceeded", "detail": said, "retryable": False}
    page.route("**/v1/models/*/images", lambda route: route.fulfill(status=402, json=problem))
    wish(page, word).click()
    expect(page.locator(".make .notice.bad")).to_contain_text(said)
    page.get_by_text("Seed", exact=True).first.click()
    page.get_by_label("Seed").fill("no number")
    expect(page.get_by_text("A seed is a whole number")).to_be_visible()


def test_a_flagged_picture_is_covered_until_somebody_wants_to_see_it(
    console: Console, simulator: SimulatorControl, model_id: str, scene: Scene
) -> None:
    word = scene(flagged=[False, True])
    page = open_model(console, model_id)
    wish(page, word, count=2).click()
    covered = tiles(page, word).nth(1)
    expect(covered).to_have_text("Flagged. Show it?")
    expect(covered.locator("img")).to_have_count(0)

    tiles(page, word).first.click()
    page.keyboard.press(ARROWS["next"])
    box = page.get_by_role("dialog", name="Picture")
    expect(box).to_contain_text("It may be black.")
    expect(box.locator("img")).to_have_count(0)
    box.get_by_role("button", name="Show it").click()
    expect(box.locator("img.large.loaded")).to_be_visible()


def test_where_fal_delivers_fewer_pictures_the_card_the_open_picture_and_the_comparison_say_so(
    console: Console, models: list[str], scene: Scene
) -> None:
    word, page, said = (
        scene(artifacts="missing_file", artifact_field="images.1"),
        console.page,
        "1 of 2: fal.ai delivered",
    )
    wanted = {"prompt": word, "model_ids": models[:1], "scales": [1], "count": 2}
    made = console.context.request.post("/v1/comparisons", data=wanted).json()
    page.goto(f"/comparisons/{made['id']}")
    page.locator("td button.tile").click()
    expect(page.get_by_role("dialog", name="Picture")).to_contain_text(said)
    page.keyboard.press("Escape")
    page.get_by_role("radio", name="Picture 2").check(force=True)
    expect(page.locator("td")).to_contain_text(said)
    open_model(console, models[0])
    expect(card(page, word)).to_contain_text(said)


def test_more_like_this_has_a_new_seed_and_a_deleted_set_does_not_come_back(
    console: Console, simulator: SimulatorControl, model_id: str, scene: Scene
) -> None:
    word = scene()
    page = open_model(console, model_id)
    page.route("**/v1/images/*/more", BadConnection())
    wish(page, word).click()
    tiles(page, word).click()
    page.get_by_role("button", name="More like this, $0.035").dblclick()
    expect(page.locator("li.set", has_text=word)).to_have_count(2)
    tiles(page, word).wait_for()
    first, second = sets(console, model_id, word)
    assert (first["prompt"], first["like_id"]) == (second["prompt"], second["id"])
    assert first["seed"] != second["seed"]
    assert paid(simulator, word) == 2

    tiles(page, word).click()
    page.get_by_role("button", name="Delete…").last.click()
    dialog = page.get_by_role("dialog", name="Delete these pictures?")
    dialog.get_by_role("button", name="Delete for good").click()
    expect(page.locator("li.set", has_text=word)).to_have_count(1)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    while len(sets(console, model_id, word)) > 1:
        page.wait_for_timeout(50)
    page.reload()
    expect(page.locator("li.set", has_text=word)).to_have_count(1)


def test_samples_are_announced_on_the_trainings_page_and_appear_with_the_model(
    console: Console, stack: Stack, shoot_id: str, trigger: str
) -> None:
    page = console.page
    training = train(stack, shoot_id, trigger, samples=2)
    page.goto(f"/trainings/{training}")
    expect(page.get_by_text("2 sample pictures with the model, quoted $0.07")).to_be_visible()
    too_early: Iterator[dict[str, Any]] = iter([{"items": [], "next_cursor": None}])

    def answer_first_as_a_moment_before(route: Any) -> None:
        answer = next(too_early, None)
        route.fulfill(json=answer) if answer else route.continue_()

    page.route("**/v1/models/*/images?*", answer_first_as_a_moment_before)
    page.get_by_role("link", name="the model's page").click()

    expect(page.get_by_text("Sample pictures are being made")).to_be_visible()
    expect(page.locator("li.set button.tile")).to_have_count(2)
    expect(page.get_by_text("Sample pictures are being made")).to_have_count(0)
    expect(page.locator("li.set .pill")).to_have_text("sample")

    page.goto("/models")
    expect(page.locator("a.model .thumb img").first).to_have_attribute("src", re.compile(r"/i_\w+/1\.jpg-"))


def test_the_gallery_shows_all_models_page_by_page_and_one_when_asked(
    console: Console, stack: Stack, models: list[str], scene: Scene
) -> None:
    word, page, (one, two) = scene(), console.page, models
    for model in (one, two, two):
        console.pictures(model, f"{word} {model}", to_the_end=False)
    page.route(
        "**/v1/images?limit=*", lambda route: route.continue_(url=re.sub("limit=[0-9]+", "limit=2", route.request.url))
    )
    page.goto("/gallery")
    shown = page.locator(".set-prompt")
    expect(shown).to_have_text([re.compile(two), re.compile(two)])
    page.get_by_role("button", name="Show more").click()
    expect(shown).to_have_count(4)
    expect(shown.nth(2)).to_have_text(re.compile(one))

    page.get_by_label("Made with").select_option(two)
    expect(shown).to_have_count(2)
    assert f"model={two}" in page.url
    page.locator("li.set").first.get_by_role("link", name="red-riding-hood").click()
    page.get_by_role("heading", name="Make pictures").wait_for()
    assert page.url.endswith(two)


def test_versions_and_scales_are_compared_side_by_side_at_an_address_of_their_own(
    console: Console, simulator: SimulatorControl, models: list[str], scene: Scene
) -> None:
    word, page = scene(seconds_per_training=1.0), console.page
    page.route("**/v1/comparisons", BadConnection())
    page.goto(f"/models/{models[0]}/compare")
    page.get_by_label("What to show").fill(word)
    press = page.get_by_role("button", name="Compare")
    page.get_by_role("checkbox", name="0 without").uncheck(force=True)
    expect(press).to_be_disabled()
    expect(page.get_by_text("One set has nothing to stand beside")).to_be_visible()
    page.get_by_role("checkbox", name="0 without").check(force=True)
    page.locator("input[name=versions]:not(:checked)").first.check(force=True)
    page.get_by_role("radio", name="2", exact=True).check(force=True)
    expect(page.locator(".compare .quote:not(.stale)")).to_contain_text("for 8 pictures in 4 sets")
    expect(page.locator(".compare .price")).to_have_text("$0.28")
    press.dblclick()
    page.wait_for_url("**/comparisons/g_*")
    expect(page.get_by_role("columnheader")).to_have_text(["Scale 0, without the LoRA", "Scale 1"])
    page.reload()

    cells = page.locator("td button.tile img")
    expect(cells).to_have_count(4)
    assert paid(simulator, word) == 4
    page.get_by_role("radio", name="Picture 2").check(force=True)
    page.locator("td button.tile").nth(2).click()
    box = page.get_by_role("dialog", name="Picture")
    expect(box.get_by_text("3 of 4")).to_be_visible()
    expect(box.locator("img.large.loaded")).to_have_attribute("alt", re.compile("^Picture 2 of 2"))
    expect(box).to_contain_text("0, without the LoRA")
    page.keyboard.press(ARROWS["next"])
    expect(box.locator("img.large.loaded")).to_have_attribute("alt", re.compile("^Picture 2 of 2"))
    expect(box.get_by_text("4 of 4")).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_role("link", name="Change and compare").click()
    expect(page.get_by_label("What to show")).to_have_value(re.compile(word))
    expect(page.locator(".pick input:checked")).to_have_count(4)


def test_a_set_that_fails_says_so_in_its_cell_and_is_made_there_when_it_is_tried_again(
    console: Console, models: list[str], scene: Scene
) -> None:
    word, page = scene(run="fail_500"), console.page
    wanted = {"prompt": word, "model_ids": models[:1], "scales": [0.5, 1]}
    made = console.context.request.post("/v1/comparisons", data=wanted).json()
    page.goto(f"/comparisons/{made['id']}")
    failed = page.locator("td", has_text="Not made")
    expect(failed).to_contain_text("fal.ai could not make the pictures")
    expect(failed).to_contain_text("Nothing was charged.")
    expect(page.locator("td button.tile")).to_have_count(1)

    failed.get_by_role("button", name="Try again").click()
    expect(page.locator("td button.tile")).to_have_count(2)
    expect(failed).to_have_count(0)
    page.goto("/gallery")
    page.get_by_role("link", name="comparison").first.click()
    expect(page.locator("td button.tile")).to_have_count(2)

    page.locator("td button.tile").first.click()
    page.get_by_role("dialog", name="Picture").get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("1 of its 2 sets is not here: deleted since")).to_be_visible()
