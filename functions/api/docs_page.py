"""The API for people: one page that shows what /openapi.json says. It needs no console, and no other host.

Its files are some of the console's, under an address of its own, because with Firebase there is no console.
"""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter, HTTPException, Request, Response

from functions.api.console_pages import Asset, assets, has_console, page, sent_asset, sent_page

router = APIRouter(include_in_schema=False)

PAGE = "/docs"

_NEEDED = ("docs/", "lib/dom.js", "lib/ui.js", "console.css", "icon.svg")


def show_docs(request: Request) -> Response:
    """The page."""
    return sent_page(_with_a_way_home() if has_console() else _alone(), request)


def show_docs_asset(request: Request, digest: str, name: str) -> Response:
    """A file that the page needs."""
    if not name.startswith(_NEEDED):
        raise HTTPException(404)
    return sent_asset(request, digest, name)


router.add_api_route(PAGE, show_docs, methods=["GET", "HEAD"])
router.add_api_route(f"{PAGE}/{{digest}}/{{name:path}}", show_docs_asset, methods=["GET", "HEAD"])


@cache
def _with_a_way_home() -> Asset:
    return page("docs.html", PAGE, _scripts(), home="/", sign_in="")


@cache
def _alone() -> Asset:
    return page("docs.html", PAGE, _scripts(), home=PAGE, sign_in="bearer")


def _scripts() -> list[str]:
    return [name for name in assets() if name.startswith(_NEEDED)]
