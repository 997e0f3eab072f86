"""What a person does in the console, in her words, so that tests read like her way through it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Response, Route


# pictures further down come only when one scrolls there
_SHOW_ALL_PICTURES = """async () => {
    for (const image of document.images) image.loading = "eager";
    await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
}"""


class PageErrors:
    """Collects what goes wrong in pages: exceptions, console errors, answers of 500 and above."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.found: list[str] = []

    def watch(self, context: BrowserContext) -> None:
        """Listen to every page of `context`, also to those that are opened later."""
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.found.append(f"exception: {error.error}"))
        context.on("response", self._on_response)

    def _on_response(self, response: Response) -> None:
        if response.status >= 500:
            self.found.append(f"{response.status} {response.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        # the browser's own line about an answer of 4xx or a cut connection: those are shown to the person, and tested
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.found.append(f"console: {message.text}")


class BadConnection:
    """Lets the server do what it is asked, and then loses the first answer to a POST and cuts the second one off."""

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self.asked: list[str] = []

    def __call__(self, route: Route) -> None:
        """Answer as it does."""
        if route.request.method != "POST":
            route.continue_()
            return
        answer = route.fetch()
        self.asked.append(route.request.headers["idempotency-key"])
        if len(self.asked) == 1:
            route.abort("connectionreset")
        elif len(self.asked) == 2:
            route.fulfill(response=answer, body=answer.body()[: len(answer.body()) // 2])
        else:
            route.fulfill(response=answer)


class Console:
    """One browser window at the console."""

    def __init__(self, context: BrowserContext, shoot_id: str) -> None:
        """`shoot_id` is the shoot that is trained."""
        self.context = context
        self.page: Page = context.new_page()
        self.shoot_id = shoot_id

    def open_shoot(self) -> Console:
        """Open the shoot by its address and wait until it can be trained."""
        self.page.goto(f"/shoots/{self.shoot_id}")
        self.page.get_by_label("Trigger word").wait_for()
        self.page.locator(".report .skeleton").wait_for(state="detached")
        return self

    def press_train(self, trigger: str) -> str:
        """Train with this trigger word; the id of the training whose page then shows."""
        self.fill_in(trigger)
        self.train_button.click()
        return self.training_id()

    def fill_in(self, trigger: str) -> None:
        """Type the trigger word and let the report for it arrive."""
        self.page.get_by_label("Trigger word").fill(trigger)
        self.page.locator(".quote:not(.stale)").wait_for()

    def training_id(self) -> str:
        """The id of the training that is shown, once one is."""
        self.page.wait_for_url(re.compile(r"/trainings/t_"))
        return self.page.url.rsplit("/", 1)[-1]

    @property
    def train_button(self) -> Locator:
        """The one button of the form."""
        return self.page.get_by_role("button", name="Train LoRA")

    def heading(self, words: str) -> Locator:
        """A heading that says exactly these words."""
        return self.page.get_by_role("heading", name=words, exact=True)

    def wait_for_model(self) -> None:
        """Wait for the confirmation."""
        self.heading("Your model is ready").wait_for()

    def training(self, training_id: str) -> dict[str, Any]:
        """The training as the API tells it."""
        answer: dict[str, Any] = self.context.request.get(f"/v1/trainings/{training_id}").json()
        return answer

    def retrain(self, model_id: str, **changes: Any) -> str:
        """Have the API train a model again, with `changes`; the id of the next version, once it is kept."""
        asked = self.context.request.post(f"/v1/models/{model_id}/retrain", data=changes)
        assert asked.status == 202, asked.text()
        return self.kept(asked.json()["id"])

    def kept(self, training_id: str) -> str:
        """The id of the training's model, once it is kept."""
        self.page.goto(f"/trainings/{training_id}")
        self.wait_for_model()
        return str(self.training(training_id)["model_id"])

    def pictures(self, model_id: str, prompt: str, *, to_the_end: bool = True, **wish: Any) -> str:
        """Have the API make pictures with a model; the id of the set, once it has ended."""
        asked = self.context.request.post(f"/v1/models/{model_id}/images", data={"prompt": prompt, **wish})
        assert asked.status == 202, asked.text()
        images_id = str(asked.json()["id"])
        if to_the_end:
            # the stream of its events ends when it does
            self.context.request.get(f"/v1/images/{images_id}/events")
        return images_id

    def has(self, path: str, method: str = "get") -> bool:
        """Whether the API has an operation, by its template in the OpenAPI document."""
        paths: dict[str, Any] = self.context.request.get("/openapi.json").json()["paths"]
        return method in paths.get(path, {})

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def screenshot(self, name: str) -> None:
        """Keep a picture of the page in the folder that SCREENSHOTS names, if it names one."""
        if folder := os.environ.get("SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.evaluate(_SHOW_ALL_PICTURES)
            self.page.wait_for_timeout(400)
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
