"""What holds for every page: it fits a phone, everybody can use it, and it loads nothing from elsewhere.

Each page is opened once, and each test looks at its own part of what was seen there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from playwright.sync_api import expect

from infra.local.fal_simulator.control import SimulatorControl
from infra.local.stack import Stack
from tests.browser.console import Console

pytestmark = pytest.mark.slow

Scheme = Literal["light", "dark"]

FAILED = "FAILED"
WIDTHS, HEIGHT = (360, 1280), 860
NO_AXE = "axe-playwright-python is not installed: run `make setup`."
# what is said and how it is made is the same in both themes: the second has other colours and nothing else
RULES: Mapping[Scheme, dict[str, Any]] = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A way through all pages, and what was seen on it."""

    console: Console
    axe: Any
    too_wide: list[tuple[str, int, int]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    barriers: list[tuple[str, Scheme, str, str]] = field(default_factory=list)

    def look_at(self, name: str, path: str) -> None:
        """Open a page, with its story where it has one, at a desk and on a phone, and in both themes."""
        _show(self.console, path)
        self._at_every_width(name)
        if _opens_the_story(self.console):
            self._at_every_width(f"{name}-story")
        for scheme, rules in RULES.items():
            self.console.page.emulate_media(color_scheme=scheme)
            self._look_for_barriers(name, scheme, rules)

    def _at_every_width(self, name: str) -> None:
        # the desk last, which is where axe looks
        for width in WIDTHS:
            self.console.page.set_viewport_size({"width": width, "height": HEIGHT})
            if (overflow := self.console.overflow()) > 0:
                self.too_wide.append((name, width, overflow))
            self._photograph(f"{name}-{width}")

    def _photograph(self, name: str) -> None:
        if os.environ.get("SCREENSHOTS"):
            for scheme in RULES:
                self.console.page.emulate_media(color_scheme=scheme)
                self.console.screenshot(f"{name}-{scheme}")

    def _look_for_barriers(self, name: str, scheme: Scheme, rules: dict[str, Any]) -> None:
        options = {"resultTypes": ["violations"], **rules}
        violations = self.axe.run(self.console.page, options=options).response["violations"]
        serious = (found for found in violations if found["impact"] in ("serious", "critical"))
        self.barriers.extend((name, scheme, found["id"], found["nodes"][0]["html"]) for found in serious)


@pytest.fixture(scope="module")
def paths(shared_console: Console, simulator: SimulatorControl) -> Mapping[str, str]:
    """Every page by its name, each with something on it."""
    simulator.plan({"trigger_word": FAILED}, run="fail_500")
    failed = shared_console.open_shoot().press_train(FAILED)
    done = shared_console.open_shoot().press_train("PAGES")
    shared_console.wait_for_model()
    model_id = shared_console.context.request.get(f"/v1/trainings/{done}").json()["model_id"]
    again = shared_console.retrain(model_id, parameters={"steps": 200}, without=["03"])
    simulator.plan({"input_contains": "veiled"}, flagged=[False, True])
    simulator.plan({"input_contains": "never"}, run="never_ends")
    simulator.plan({"input_contains": "torn"}, run="fail_500")
    seen = shared_console.pictures(model_id, "[trigger] veiled", count=2)
    shared_console.pictures(model_id, "torn")
    shared_console.pictures(model_id, "never", count=4, to_the_end=False)
    wanted = {"prompt": "beside", "model_ids": [model_id, again], "scales": [0, 1], "count": 2}
    compared = shared_console.context.request.post("/v1/comparisons", data=wanted).json()["id"]
    return {
        "shoots": "/",
        "shoot": f"/shoots/{shared_console.shoot_id}",
        "trainings": "/trainings",
        "training-done": f"/trainings/{done}",
        "training-failed": f"/trainings/{failed}",
        "models": "/models",
        "model": f"/models/{model_id}",
        "diff": f"/models/{again}/diff",
        "shoot-again": f"/shoots/{shared_console.shoot_id}?model={again}",
        "gallery": "/gallery",
        "compare": f"/models/{model_id}/compare",
        "comparison": f"/comparisons/{compared}",
        "picture": f"/models/{model_id}?picture={seen}.1",
        "picture-flagged": f"/gallery?picture={seen}.2",
        "data": "/data",
        "not-found": "/models/m_nothing",
        "api": "/docs#make_images",
    }


@pytest.fixture(scope="module")
def walk(shared_console: Console, paths: Mapping[str, str]) -> Walk:
    """The way through all pages, once."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=NO_AXE).Axe()
    walk = Walk(console=shared_console, axe=axe)
    shared_console.page.on("request", lambda request: walk.asked.append(request.url))
    for name, path in paths.items():
        walk.look_at(name, path)
    return walk


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


def test_nothing_is_wider_than_the_window(walk: Walk) -> None:
    assert not walk.too_wide


def test_nothing_comes_from_another_host(walk: Walk, stack: Stack) -> None:
    assert walk.asked
    assert [url for url in walk.asked if not url.startswith(f"{stack.url}/")] == []


def test_axe_finds_nothing_serious_in_either_theme(walk: Walk) -> None:
    assert not walk.barriers


def test_a_page_whose_server_was_away_is_tried_again_where_it_is(console: Console) -> None:
    page = console.page
    page.route("**/v1/shoots/*", lambda route: route.abort())
    page.goto(f"/shoots/{console.shoot_id}")
    page.get_by_role("heading", name="This shoot cannot be shown").wait_for()
    page.unroute("**/v1/shoots/*")

    page.get_by_role("link", name="Try again").click()

    page.get_by_role("heading", name="Red Riding Hood", level=1).wait_for()


def test_a_change_of_page_moves_the_focus_to_its_heading(console: Console) -> None:
    page = console.page
    page.goto("/")

    page.get_by_role("link", name="Models", exact=True).click()

    page.get_by_role("heading", name="Models", level=1).wait_for()
    assert page.evaluate("document.activeElement.tagName") == "H1"
    assert page.title() == "Models – Costumes LoRA"
    page.go_back()
    page.get_by_role("heading", name="Shoots").wait_for()


def test_the_api_is_searched_read_and_linked_to(shared_console: Console) -> None:
    page = shared_console.page
    page.goto("/docs")
    page.get_by_role("searchbox").fill("make pictures your")
    expect(page.get_by_text("1 operation found.")).to_be_visible()
    found = page.locator("details.operation:visible")

    found.locator("summary").first.click()

    expect(found.locator(".command code")).to_contain_text("""--json '{"count":2,"prompt":"[trigger] in a red cape""")
    found.locator("summary", has_text="202").click()
    expect(found.get_by_text("As it is sent: with the trigger word")).to_be_visible()
    page.reload()
    expect(page.locator("details.operation[open] .op-title")).to_have_text("Make images")
