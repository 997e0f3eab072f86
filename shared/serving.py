"""`python -m shared.serving`: one function as the image runs it, from FUNCTION_SOURCE and FUNCTION_TARGET.

It is what functions-framework's own command does, and three things that it does not: a setting that cannot be read
keeps the process from starting, what the framework itself answers is a problem document, and no web socket is offered.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any, cast

import functions_framework
from flask import Flask
from functions_framework._http import create_server
from pydantic import Field

from shared import logs
from shared.environment import UNREADABLE, Group, UnreadableSettingsError
from shared.problems import MEDIA_TYPE, http_problem
from shared.settings import GROUPS

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response


class ServingSettings(Group):
    """Which function is served, and where; the image and Cloud Run set them."""

    function_source: str = Field(description="The file that the function is in")
    function_target: str = Field(description="The function's name there")
    host: str = "0.0.0.0"
    port: int = Field(8080, ge=0, le=65535, description="Where to listen; Cloud Run sets it")


def load_function(target: str, source: str) -> Flask | Starlette:
    """The function's own app, as functions-framework makes it from its source and target."""
    app = functions_framework.create_app(target=target, source=source)
    if isinstance(app, Flask):
        return app
    # only for an asynchronous function: the others start sooner without
    from starlette.exceptions import HTTPException

    found = cast("Starlette", app)
    found.add_exception_handler(HTTPException, _on_http_error)
    return found


async def _on_http_error(request: Request, error: Exception) -> Response:
    """What the framework has no route for: a method that nobody knows, a path that is none."""
    from starlette.exceptions import HTTPException
    from starlette.responses import JSONResponse

    assert isinstance(error, HTTPException)
    document = http_problem(error.status_code, str(error.detail), instance=request.url.path)
    return JSONResponse(document, error.status_code, error.headers, media_type=MEDIA_TYPE)


def serve(target: str, source: str, *, host: str, port: int, **gunicorn: Any) -> None:
    """Serve it on gunicorn, with these settings of it, until SIGTERM or SIGINT."""
    app = load_function(target, source)
    # what was imported stays: collecting garbage need not go through it again and again
    gc.freeze()
    if not isinstance(app, Flask):
        gunicorn["worker_class"] = "shared.asgi_worker.Worker"
    create_server(app, debug=False, **gunicorn).run(host, port)


def end_where_unreadable(*own: type[Group]) -> None:
    """Read every setting of a function, and these; where one cannot be, log `settings_unreadable` and end here."""
    try:
        for group in (*GROUPS, *own):
            group()
    except UnreadableSettingsError as error:
        logs.error("settings_unreadable", reason=str(error))
        sys.exit(UNREADABLE)


def main() -> None:
    """Serve what the environment names."""
    end_where_unreadable(ServingSettings)
    given = ServingSettings()
    serve(given.function_target, given.function_source, host=given.host, port=given.port)


if __name__ == "__main__":
    main()
