"""Why a process of the stack did not start: what it logged where a setting cannot be read."""

from __future__ import annotations

import json


def unreadable_settings(log: str) -> str | None:
    """What the last process said in its `log` that ended so; None where none did."""
    said = [json.loads(line)["reason"] for line in log.splitlines() if '"message": "settings_unreadable"' in line]
    return said[-1] if said else None
