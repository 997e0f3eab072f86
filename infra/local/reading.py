"""Settings of the functions, read when a process starts: an unreadable one would be said by whoever needs it first."""

from __future__ import annotations

import json
import sys

from infra.local.env_example import groups
from infra.local.errors import UNREADABLE
from shared import logs
from shared.environment import UnreadableSettingsError


def end_where_unreadable() -> None:
    """Read every setting; where one cannot be, log `settings_unreadable` and end this process."""
    try:
        for group in groups():
            group()
    except UnreadableSettingsError as error:
        logs.error("settings_unreadable", reason=str(error))
        sys.exit(UNREADABLE)


def unreadable_settings(log: str) -> str | None:
    """What the last process said in its `log` that ended so; None where none did."""
    said = [json.loads(line)["reason"] for line in log.splitlines() if '"message": "settings_unreadable"' in line]
    return said[-1] if said else None
