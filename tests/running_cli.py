"""The `lora` command as a script meets it, arguments in, exit code, stdout and stderr out; and as people do."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from click.testing import CliRunner

from cli.main import app
from tests.fake_api import FakeApi

# made once: looking at the signatures of all commands is most of what a short one costs. Typer carries a click of its
# own, which the tests' click runs as well and whose types it does not know.
LORA: Any = typer.main.get_command(app)

# what a terminal would obey; a new line is all that plain output needs
CONTROL = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))} - {"\n"}


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it wrote."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.stdout)

    @property
    def control_characters(self) -> set[str]:
        """Everything in the output that does not belong into plain lines."""
        return CONTROL & {*self.stdout, *self.stderr}


def run(api: FakeApi | str, *words: str | Path, token: str = "") -> Outcome:
    """Run `lora` with these words against the API."""
    url = api if isinstance(api, str) else api.url
    environment = {"LORA_API_URL": url, "LORA_API_TOKEN": token, "COLUMNS": "80", "FORCE_COLOR": None}
    result = CliRunner().invoke(LORA, [str(word) for word in words], env=environment, prog_name="lora")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)


def run_on_a_terminal(
    api: FakeApi, *words: str | Path, typed: str = "", environment: Mapping[str, str] | None = None
) -> Outcome:
    """Run `lora` in a process of its own on a terminal on which somebody types; all that it shows is its `stdout`."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-W", "error", "-m", "cli.main", *map(str, words)]
    ours = {"LORA_API_URL": api.url, "TERM": "xterm-256color", "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"}
    environment = {**os.environ, **ours, **(environment or {})}
    with subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, env=environment, start_new_session=True
    ) as process:
        os.close(follower)
        os.write(leader, typed.encode())
        shown = _all_of(leader)
    return Outcome(process.returncode, shown.decode(), "")


def _all_of(leader: int) -> bytes:
    shown = b""
    try:
        # Linux says with an error that nobody is left to write
        while piece := os.read(leader, 1 << 16):
            shown += piece
    except OSError:
        pass
    finally:
        os.close(leader)
    return shown
