"""Windows at the console: each test finds them as new, but for the scripts that the browser has already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.browser.console import Console, PageErrors

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TIMEOUT_MS = 15_000
DESK, HEIGHT = 1280, 860


class Windows:
    """One profile of a browser for many tests: to load and compile the scripts anew is half of a short test's work."""

    def __init__(self, browser: Browser, url: str, shoot_id: str) -> None:
        """`url` is where the console is, and `shoot_id` the shoot that is trained."""
        self._url, self._shoot_id = url, shoot_id
        self._profile = browser.new_context(base_url=url, viewport={"width": DESK, "height": HEIGHT})
        self._profile.set_default_timeout(TIMEOUT_MS)
        self._errors = PageErrors()
        self._errors.watch(self._profile)
        # one page stays, so that the process that has compiled the scripts does (--process-per-site)
        self._anchor = self._profile.new_page()
        self._anchor.goto("/openapi.json")

    def open(self, *, width: int = DESK, **media: Any) -> Console:
        """The console in a window of this width; `media` are those that a page can emulate, such as color_scheme."""
        console = Console(self._profile, self._shoot_id)
        console.page.set_viewport_size({"width": width, "height": HEIGHT})
        console.page.emulate_media(**media)
        return console

    def forget(self) -> None:
        """Close all windows and forget what their pages stored; fails where anything went wrong in any of them."""
        self._profile.unroute_all()
        for page in self._profile.pages:
            if page is not self._anchor:
                page.close()
        stored = {"origin": self._url, "storageTypes": "local_storage,cookies"}
        self._profile.new_cdp_session(self._anchor).send("Storage.clearDataForOrigin", stored)
        found, self._errors.found = self._errors.found, []
        assert not found, found

    def close(self) -> None:
        """Close the browser's profile; fails where anything went wrong since `forget`."""
        self._profile.close()
        assert not self._errors.found, self._errors.found
