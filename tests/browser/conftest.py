"""A real browser at the real stack: real processes, simulated fal.ai, small simulated seconds, drawn pictures."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from infra.local.browser import find_browser
from infra.local.fal_simulator.control import SimulatorControl
from infra.local.sample_shoot import draw_sample_shoot
from infra.local.settings import LocalBackend, StackSettings
from infra.local.stack import Stack, running_stack
from tests.browser.console import Console
from tests.browser.windows import TIMEOUT_MS, Windows

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NO_PLAYWRIGHT = "Playwright is not installed: run `make setup`."
NO_BROWSER = (
    "No browser was found: `apt-get install chromium` as root, or `playwright install chromium` elsewhere; "
    "CHROMIUM=/path/to/chromium names one."
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--process-per-site",
    "--in-process-gpu",
    "--disable-features=SpareRendererForSitePerProcess",
]
TRAINING_S = 1.2

_words = itertools.count(1)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser; the test is skipped with a sentence where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason=NO_PLAYWRIGHT)
    with api.sync_playwright() as playwright:
        path = find_browser() or playwright.chromium.executable_path
    if not Path(path).exists():
        pytest.skip(NO_BROWSER)
    return str(path)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A running browser; not for longer than a module, because Playwright keeps an event loop of its own running."""
    from playwright.sync_api import expect, sync_playwright

    # a machine that is busy with other things is no failure
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def stack(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system, once for all browser tests; only where there is a browser."""
    settings = StackSettings(
        port=0,
        data_dir=tmp_path_factory.mktemp("stack"),
        tick_s=0.2,
        simulator_seconds=TRAINING_S,
        simulator_weights_mb=0.5,
        backend=LocalBackend.EMBEDDED,
        fal_queue_url="",
    )
    # pictures are made where a test asks for them
    with running_stack(settings, extra={"SAMPLE_IMAGES": "0"}) as running:
        yield running


@pytest.fixture(scope="session")
def simulator(stack: Stack) -> Iterator[SimulatorControl]:
    """What the simulated fal.ai is told and asked."""
    with SimulatorControl(str(stack.simulator_url)) as control:
        yield control


@pytest.fixture(scope="session")
def shoot_id(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A shoot called Red Riding Hood with six drawn pictures and their captions."""
    folder = tmp_path_factory.mktemp("pictures")
    draw_sample_shoot(folder, count=6, size=512)
    with httpx.Client(base_url=stack.url, timeout=30.0, trust_env=False) as http:
        made = http.post("/v1/shoots", json={"costume_name": "Red Riding Hood", "person_id": "anna"}).raise_for_status()
        shoot = str(made.json()["id"])
        for path in sorted(folder.iterdir()):
            http.put(f"/v1/shoots/{shoot}/files/{path.name}", content=path.read_bytes()).raise_for_status()
    return shoot


@pytest.fixture
def trigger() -> str:
    """A trigger word that no other test trains with."""
    return f"TOK{next(_words)}"


@pytest.fixture(scope="module")
def windows(browser: Browser, stack: Stack, shoot_id: str) -> Iterator[Windows]:
    """Where the tests of a module open the console."""
    windows = Windows(browser, str(stack.url), shoot_id)
    yield windows
    windows.close()


@pytest.fixture
def open_console(windows: Windows) -> Iterator[Callable[..., Console]]:
    """Opens the console as for the first time; afterwards nothing may have gone wrong in any page of it."""
    yield windows.open
    windows.forget()


@pytest.fixture
def console(open_console: Callable[..., Console]) -> Console:
    """The console, 1280 pixels wide."""
    return open_console()


@pytest.fixture(scope="module")
def shared_console(browser: Browser, stack: Stack, shoot_id: str) -> Iterator[Console]:
    """One for all tests of a module that only look."""
    windows = Windows(browser, str(stack.url), shoot_id)
    # what moves has another contrast at every moment
    yield windows.open(reduced_motion="reduce")
    windows.close()
