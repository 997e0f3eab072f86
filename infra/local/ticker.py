"""What Cloud Scheduler is in the cloud: a call of the monitor, again and again."""

from __future__ import annotations

import threading
from typing import Self

import httpx

from shared import logs


class Ticker:
    """POSTs to one URL every `interval_s` seconds, never two at once; a call that fails is logged and comes again.

    Also a context manager.
    """

    def __init__(self, url: str, interval_s: float, *, timeout_s: float = 60.0) -> None:
        """Call `url`."""
        self._url = url
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def start(self) -> None:
        """Begin; the first call comes after one interval."""
        self._thread.start()

    def stop(self) -> None:
        """End after the call that is under way; waits for it."""
        self._stopped.set()
        self._thread.join(timeout=self._timeout_s)

    def _run(self) -> None:
        with httpx.Client(timeout=self._timeout_s) as client:
            while not self._stopped.wait(self._interval_s):
                self._tick(client)

    def _tick(self, client: httpx.Client) -> None:
        try:
            answer = client.post(self._url)
        except httpx.HTTPError as error:
            logs.warning("tick_failed", reason=type(error).__name__)
            return
        if not answer.is_success:
            logs.warning("tick_failed", status=answer.status_code)
