"""Training a model again and continuing it, the tree of versions, and two of them side by side."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import expect

from infra.local.stack import Stack
from tests.browser.console import Console
from tests.world import jpeg

pytestmark = pytest.mark.slow

PORTRAIT = "fal-ai/flux-lora-portrait-trainer"


@pytest.fixture(scope="module")
def family_shoot(stack: Stack) -> str:
    """A shoot with pictures enough for the trainer that can continue."""
    with httpx.Client(base_url=stack.url, timeout=30.0, trust_env=False) as http:
        made = http.post("/v1/shoots", json={"costume_name": "Wolf", "person_id": "ben"}).raise_for_status()
        shoot = str(made.json()["id"])
        for i in range(11):
            http.put(f"/v1/shoots/{shoot}/files/{i:02}.jpg", content=jpeg(i, size=512)).raise_for_status()
    return shoot


@pytest.fixture(scope="module")
def model_id(stack: Stack, family_shoot: str) -> str:
    """A model of that shoot by that trainer, kept."""
    wanted = {"shoot_id": family_shoot, "trigger_word": "WOLF", "trainer": PORTRAIT, "captions": {"02": "a grey wolf"}}
    with httpx.Client(base_url=stack.url, timeout=30.0, trust_env=False) as http:
        training = http.post("/v1/trainings", json={**wanted, "without": ["05"]}).raise_for_status().json()
        # the stream of its events ends when it does
        http.get(f"/v1/trainings/{training['id']}/events").raise_for_status()
        return str(http.get(f"/v1/trainings/{training['id']}").json()["model_id"])


def pictures_ready(console: Console) -> None:
    console.page.locator(".report .skeleton").wait_for(state="detached")
    console.page.locator(".quote:not(.stale)").wait_for()


def test_train_again_begins_with_what_the_model_had_and_gives_the_next_version(console: Console, model_id: str) -> None:
    page = console.page
    page.goto(f"/models/{model_id}")
    page.get_by_role("link", name="Train again", exact=True).click()
    pictures_ready(console)
    expect(page.get_by_label("Trigger word")).to_have_value("WOLF")
    expect(page.get_by_label("Model name")).to_have_attribute("readonly", "")
    expect(page.get_by_label("Leave out 05.jpg")).to_be_checked()
    expect(page.locator('textarea[id="caption-02.jpg"]')).to_have_value("a grey wolf")
    expect(page.get_by_label("Continue its weights")).not_to_be_checked()

    page.get_by_label("Leave out 05.jpg").uncheck()
    page.get_by_label("Leave out 07.jpg").check()
    page.get_by_label("Steps", exact=True).fill("300")
    pictures_ready(console)
    console.screenshot("train-again-1280-light")
    page.get_by_role("button", name="Train again").click()
    training = console.training(console.training_id())
    assert (training["parent_model_id"], training["continues"], training["without"]) == (model_id, False, ["07"])
    assert training["parameters"]["steps"] == 300

    again = console.kept(training["id"])
    page.goto(f"/models/{model_id}/diff?against={again}")
    expect(page.locator("tr.differs")).to_contain_text(["Steps"])
    expect(page.locator(".file-name.added")).to_have_text(["07.jpg"])
    expect(page.locator(".file-name.removed")).to_have_text(["05.jpg"])
    page.goto(f"/shoots/{training['shoot_id']}")
    expect(console.train_button).to_be_visible()


def test_continue_begins_with_the_models_weights_as_long_as_its_own_trainer_is_chosen(
    console: Console, model_id: str
) -> None:
    page = console.page
    page.goto(f"/models/{model_id}")
    page.get_by_role("link", name="Continue", exact=True).click()
    pictures_ready(console)
    box = page.get_by_label("Continue its weights")
    expect(box).to_be_checked()
    page.get_by_label("Trainer").select_option(label="FLUX.1, fast")
    expect(box).to_be_disabled()
    expect(box).not_to_be_checked()
    page.get_by_label("Trainer").select_option(label="FLUX.1, portraits")
    box.check()
    pictures_ready(console)
    page.get_by_role("button", name="Train again").click()
    training = console.training(console.training_id())
    assert (training["parent_model_id"], training["continues"]) == (model_id, True)
    continued = console.kept(training["id"])
    page.goto(f"/models/{continued}")
    expect(page.locator(".version-row", has_text="continues").locator("a[aria-current]")).to_be_visible()


def test_beginning_a_new_model_instead_lets_go_of_the_old_one(
    console: Console, family_shoot: str, model_id: str, trigger: str
) -> None:
    page = console.page
    page.goto(f"/shoots/{family_shoot}?model={model_id}&continue=1")
    pictures_ready(console)
    page.reload()
    expect(page.get_by_text("It becomes the next version.")).to_be_visible()
    page.get_by_role("button", name="Begin a new model instead").click()
    expect(console.train_button).to_be_visible()
    console.fill_in(trigger)
    console.train_button.click()
    assert console.training(console.training_id())["parent_model_id"] is None


def test_a_picture_that_cannot_be_trained_on_can_be_left_out(console: Console, stack: Stack, family_shoot: str) -> None:
    page = console.page
    httpx.put(f"{stack.url}/v1/shoots/{family_shoot}/files/99.jpg", content=b"no picture").raise_for_status()
    page.goto(f"/shoots/{family_shoot}")
    expect(page.locator("#why-blocked")).to_contain_text("99.jpg")
    page.get_by_label("Leave out 99.jpg").check()
    expect(page.locator("#why-blocked")).to_be_hidden()
    expect(page.get_by_text("1 picture left out for the next run")).to_be_visible()


def test_another_version_is_made_current_and_says_so_on_both_pages(
    open_console: Callable[..., Console], model_id: str
) -> None:
    console = open_console(width=360, color_scheme="dark")
    page = console.page
    page.goto(f"/models/{model_id}")
    page.get_by_role("button", name="Make this version current").click()
    expect(page.get_by_text("This is the current version")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "versions-title"
    expect(page.locator(".version-row .pill")).to_have_count(1)
    console.screenshot("versions-360-dark")
    page.get_by_role("link", name="Compare with version 2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"wolf v2 against wolf v1"))
    expect(page.locator("thead th", has_text="v1").locator(".pill")).to_have_text("current")
    assert console.overflow() <= 0
    console.screenshot("diff-360-dark")
