"""One JSON line per event on stdout, as Cloud Logging reads it: a static name and ids, never payloads, URLs or keys."""

from __future__ import annotations

import json
import sys
from typing import Any


def info(event: str, **ids: Any) -> None:
    """Something happened as it should."""
    _write("INFO", event, ids)


def warning(event: str, **ids: Any) -> None:
    """Something happened that will be tried again or was ignored on purpose."""
    _write("WARNING", event, ids)


def error(event: str, **ids: Any) -> None:
    """Something happened that somebody has to look at."""
    _write("ERROR", event, ids)


def _write(severity: str, event: str, ids: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"severity": severity, "message": event, **ids}, default=str) + "\n")
    sys.stdout.flush()
