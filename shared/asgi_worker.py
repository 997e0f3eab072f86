"""gunicorn's worker for asynchronous functions."""

from __future__ import annotations

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):  # type: ignore[misc]  # it has no types
    """Serves no web sockets: we have none, and an offer of one must not keep a connection open."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {**UvicornWorker.CONFIG_KWARGS, "ws": "none"}
