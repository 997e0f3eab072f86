"""One JSON line per event on stdout, as Cloud Logging reads it: a static name and ids, never payloads, URLs or keys."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from shared import tracing

Listener = Callable[[str, str, Mapping[str, Any]], None]

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_about: ContextVar[Mapping[str, Any]] = ContextVar("about", default=_NOTHING)
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)
_project: ContextVar[str] = ContextVar("project", default="")


def info(event: str, **ids: Any) -> None:
    """Something happened as it should."""
    _write("INFO", event, ids)


def warning(event: str, **ids: Any) -> None:
    """Something happened that will be tried again or was ignored on purpose."""
    _write("WARNING", event, ids)


def error(event: str, **ids: Any) -> None:
    """Something happened that somebody has to look at."""
    _write("ERROR", event, ids)


@contextmanager
def about(**ids: Any) -> Iterator[None]:
    """While the block runs, every line has these ids, where it does not name others: adapters know of no training."""
    token = _about.set({**_about.get(), **ids})
    try:
        yield
    finally:
        _about.reset(token)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """While the block runs, `listener` is told severity, event and ids of every line, from any thread that has a copy
    of the block's context.
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def of_project(project: str) -> Iterator[None]:
    """While the block runs, traces are named as those of this Google Cloud project; empty: of none."""
    token = _project.set(project)
    try:
        yield
    finally:
        _project.reset(token)


def _trace() -> dict[str, Any]:
    """The fields by which Cloud Logging shows a line with its request and its trace."""
    if (place := tracing.here()) is None:
        return {}
    project = _project.get()
    return {
        "logging.googleapis.com/trace": f"projects/{project}/traces/{place.trace_id}" if project else place.trace_id,
        "logging.googleapis.com/spanId": place.span_id,
        "logging.googleapis.com/trace_sampled": place.sampled,
    }


def _write(severity: str, event: str, ids: dict[str, Any]) -> None:
    ids = {**_about.get(), **ids}
    sys.stdout.write(json.dumps({"severity": severity, "message": event, **ids, **_trace()}, default=str) + "\n")
    sys.stdout.flush()
    if listener := _listener.get():
        listener(severity, event, ids)
