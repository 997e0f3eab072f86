"""The `lora` command as a script meets it: arguments in, exit code, stdout and stderr out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from cli.main import app
from tests.fake_api import FakeApi

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
    result = CliRunner().invoke(app, [str(word) for word in words], env=environment, prog_name="lora")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)
