"""A function that starts as the image starts it: with settings that can be read, or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from infra.local.processes import ROOT
from infra.local.servers import source_of


def started(**settings: str) -> subprocess.CompletedProcess[str]:
    given = {"FUNCTION_TARGET": "mirror", "FUNCTION_SOURCE": source_of("mirror"), "BACKEND": "embedded", **settings}
    command = [sys.executable, "-m", "shared.serving"]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **given}, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_function_whose_settings_cannot_be_read_does_not_start() -> None:
    done = started(MIRROR_STALLED_S="secret")
    assert (done.returncode, done.stderr) == (2, "")
    line = json.loads(done.stdout)
    assert (line["severity"], line["message"]) == ("ERROR", "settings_unreadable")
    assert line["reason"].startswith("MIRROR_STALLED_S takes a number")
    assert "secret" not in done.stdout
