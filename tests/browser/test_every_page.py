"""What holds for every page: it fits a phone, everybody can use it, and it loads nothing from elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import pytest

from infra.local.fal_simulator.control import SimulatorControl
from infra.local.stack import Stack
from tests.browser.console import Console

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

NO_AXE = "axe-playwright-python is not installed: run `make setup`."
FAILED = "FAILED"
# the width is the same in both themes: the second is only for the screenshots
SCHEMES = ["light", "dark"] if os.environ.get("SCREENSHOTS") else ["light"]


@pytest.fixture(scope="module")
def paths(console_once: Console, simulator: SimulatorControl) -> Mapping[str, str]:
    """Every page by its name, each with something on it."""
    simulator.plan({"trigger_word": FAILED}, run="fail_500")
    failed = console_once.open_shoot().press_train(FAILED)
    done = console_once.open_shoot().press_train("PAGES")
    console_once.wait_for_model()
    model_id = console_once.context.request.get(f"/v1/trainings/{done}").json()["model_id"]
    again = console_once.retrain(model_id, parameters={"steps": 200}, without=["03"])
    simulator.plan({"input_contains": "veiled"}, flagged=[False, True])
    simulator.plan({"input_contains": "never"}, run="never_ends")
    simulator.plan({"input_contains": "torn"}, run="fail_500")
    seen = console_once.pictures(model_id, "[trigger] veiled", count=2)
    console_once.pictures(model_id, "torn")
    console_once.pictures(model_id, "never", count=4, to_the_end=False)
    wanted = {"prompt": "beside", "model_ids": [model_id, again], "scales": [0, 1], "count": 2}
    compared = console_once.context.request.post("/v1/comparisons", data=wanted).json()["id"]
    return {
        "shoots": "/",
        "shoot": f"/shoots/{console_once.shoot_id}",
        "trainings": "/trainings",
        "training-done": f"/trainings/{done}",
        "training-failed": f"/trainings/{failed}",
        "models": "/models",
        "model": f"/models/{model_id}",
        "diff": f"/models/{again}/diff",
        "shoot-again": f"/shoots/{console_once.shoot_id}?model={again}",
        "gallery": "/gallery",
        "compare": f"/models/{model_id}/compare",
        "comparison": f"/comparisons/{compared}",
        "picture": f"/models/{model_id}?picture={seen}.1",
        "picture-flagged": f"/gallery?picture={seen}.2",
        "data": "/data",
        "not-found": "/models/m_nothing",
    }


@pytest.fixture(scope="module")
def console_once(browser: Browser, stack: Stack, shoot_id: str) -> Iterator[Console]:
    """A console for the whole module."""
    context = browser.new_context(base_url=stack.url)
    yield Console(context, shoot_id)
    context.close()


def _show(console: Console, path: str) -> None:
    console.page.goto(path)
    console.page.locator("h1:not(:has(.skeleton))").wait_for()
    console.page.locator("main .skeleton").first.wait_for(state="detached")


def _opens_the_story(console: Console) -> bool:
    """Whether the page has one; it is open then."""
    summary = console.page.locator(".story-card summary")
    if not summary.count():
        return False
    summary.click()
    console.page.locator(".story li").first.wait_for()
    return True


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_window_or_from_another_host(
    open_console: Callable[..., Console], paths: Mapping[str, str], stack: Stack, width: int, scheme: str
) -> None:
    console = open_console(width=width, color_scheme=scheme)
    asked: list[str] = []
    console.page.on("request", lambda request: asked.append(request.url))
    too_wide = {}
    for name, path in paths.items():
        _show(console, path)
        console.screenshot(f"{name}-{width}-{scheme}")
        if _opens_the_story(console):
            console.screenshot(f"{name}-story-{width}-{scheme}")
        if console.overflow() > 0:
            too_wide[name] = console.overflow()
    assert not too_wide
    assert asked
    assert [url for url in asked if not url.startswith(f"{stack.url}/")] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_console: Callable[..., Console], paths: Mapping[str, str], scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=NO_AXE).Axe()
    console = open_console(color_scheme=scheme, reduced_motion="reduce")
    # what is said and how it is made is the same in both themes
    options = {"runOnly": ["color-contrast"]} if scheme == "dark" else None
    found = []
    for name, path in paths.items():
        _show(console, path)
        _opens_the_story(console)
        violations = axe.run(console.page, options=options).response["violations"]
        found += [(name, v["id"], v["nodes"][0]["html"]) for v in violations if v["impact"] in ("serious", "critical")]
    assert not found


def test_a_change_of_page_moves_the_focus_to_its_heading(console: Console) -> None:
    page = console.page
    page.goto("/")

    page.get_by_role("link", name="Models", exact=True).click()

    page.get_by_role("heading", name="Models", level=1).wait_for()
    assert page.evaluate("document.activeElement.tagName") == "H1"
    assert page.title() == "Models – Costumes LoRA"
    page.go_back()
    page.get_by_role("heading", name="Shoots").wait_for()
