"""A browser for the browser tests: `python -m infra.local.browser` gets one where it can, and says so where it cannot.

A system package for root on Debian and its kin, Playwright's own download for everybody else. It never fails: without a
browser those tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_S = 300


def find_browser() -> str | None:
    """The Chromium that `CHROMIUM` names or the system has."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUMS)), None)


def get_browser() -> str:
    """Make sure of a browser; what came of it, for people."""
    if find_browser() or _playwrights_own():
        return ""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium for the browser tests …", flush=True)
        got = _ran("apt-get", "update", "-qq") and _ran(
            "apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"
        )
    else:
        print("Downloading Playwright's Chromium for the browser tests …", flush=True)
        got = _ran(sys.executable, "-m", "playwright", "install", "chromium")
    return "" if got else "No browser could be had: the browser tests will be skipped and say how to get one."


def _playwrights_own() -> bool:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return os.path.exists(playwright.chromium.executable_path)


def _ran(*command: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(command, env=environment, timeout=PATIENCE_S, capture_output=True, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


if __name__ == "__main__":
    if said := get_browser():
        print(said)
