"""`lora open`: the web console in the browser."""

from __future__ import annotations

import webbrowser
from enum import StrEnum
from typing import Annotated

import typer

from cli.client import ApiClient, Misused, in_path
from cli.context import client_of
from cli.output import AsJson, print_json, say, stderr, stdout


class Page(StrEnum):
    """The pages of the console."""

    SHOOTS = "shoots"
    SHOOT = "shoot"
    TRAININGS = "trainings"
    TRAINING = "training"
    MODELS = "models"
    MODEL = "model"
    GALLERY = "gallery"
    COMPARISON = "comparison"
    DATA = "data"


OF_ONE = frozenset({Page.SHOOT, Page.TRAINING, Page.MODEL, Page.COMPARISON})
_MANY = ", ".join(page for page in Page if page not in OF_ONE)
_ONE = ", ".join(page for page in Page if page in OF_ONE)


def open_console(
    context: typer.Context,
    page: Annotated[
        Page, typer.Argument(metavar="PAGE", help=f"One of {_MANY}; or, with an ID, of {_ONE}.")
    ] = Page.SHOOTS,
    item_id: Annotated[str | None, typer.Argument(metavar="ID", help="The id of the one thing to show.")] = None,
    as_json: AsJson = False,
) -> None:
    """Open the web console in the browser; its URL is printed, too, for where there is none."""
    client = client_of(context)
    url = client.url + console_path(page, item_id)
    _require_console(client)
    opened = _opened(url)
    if as_json:
        print_json({"url": url, "opened": opened})
        return
    say(stdout(), url)
    if not opened:
        say(stderr(), "No browser could be opened here: open that address yourself.")


def console_path(page: Page, item_id: str | None) -> str:
    """The path of the page; `typer.BadParameter` where it needs an id, or none."""
    if (page in OF_ONE) != (item_id is not None):
        needs = f"the id of one: lora open {page} ID" if page in OF_ONE else "no id: leave it out."
        raise typer.BadParameter(f"`lora open {page}` takes {needs}", param_hint="ID")
    if item_id is not None:
        return f"/{page}s/{in_path(item_id)}"
    return "/" if page is Page.SHOOTS else f"/{page}"


def _require_console(client: ApiClient) -> None:
    # a browser may come in where we may not, behind Identity-Aware Proxy: only what is not there at all counts
    if client.status("/") == 404:
        raise Misused("no_console", f"The API at {client.url} has no console: it has one with AUTH_MODE=local or iap.")


def _opened(url: str) -> bool:
    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False
