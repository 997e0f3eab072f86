"""The web console: one page for all its paths, and its assets under a name that changes whenever one of them does.

The page that shows the API to people is not the console's (functions/api/docs_page.py), but its files lie here, too.

The headers that forbid pages to load anything else are added around all routes (functions/api/security.py).
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response

from functions.api.problem_answers import on_http_error
from shared import bootstrap
from shared.settings import AuthMode

router = APIRouter(include_in_schema=False)

PAGES = (
    "/",
    "/shoots/{id}",
    "/trainings",
    "/trainings/{id}",
    "/models",
    "/models/{id}",
    "/models/{id}/diff",
    "/models/{id}/compare",
    "/comparisons/{id}",
    "/gallery",
    "/data",
)
ASSETS = "/console"

_FOLDER = Path(__file__).parent / "console"
_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
# the scripts that no page of the console loads before it is asked for
_NOT_ITS_OWN = ("main.js", "docs/")
# what programs ask for: there, nobody looks at a page
_NO_PAGES = ("/v1/", f"{ASSETS}/")
_REVALIDATE = "no-cache"
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A file of the console as it is sent."""

    body: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, body: bytes, name: str) -> Asset:
        """The asset with the type that its name says."""
        kind = _KINDS.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        return cls(body=body, media_type=kind, etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"')


@cache
def assets() -> Mapping[str, Asset]:
    """Every file of the console but pages, by its path in the folder; read once, on first use."""
    files = sorted(path for kind in _KINDS if kind != ".html" for path in _FOLDER.rglob(f"*{kind}"))
    names = [path.relative_to(_FOLDER).as_posix() for path in files]
    return {name: Asset.of((_FOLDER / name).read_bytes(), name) for name in names}


@cache
def version() -> str:
    """What stands in the assets' URLs: it changes when any of them does."""
    return hashlib.sha256("".join(f"{name}{asset.etag}" for name, asset in assets().items()).encode()).hexdigest()[:16]


@cache
def index() -> Asset:
    """The console's page."""
    return page("index.html", ASSETS, [name for name in assets() if not name.startswith(_NOT_ITS_OWN)])


def page(name: str, place: str, scripts: Iterable[str], **words: str) -> Asset:
    """A page as it is sent: with the assets of this version at `place`, of which those `scripts` are loaded at once,
    and `words` in their places."""
    here = f"{place}/{version()}"
    loaded = [script for script in scripts if script.endswith(".js")]
    preloads = "\n    ".join(f'<link rel="modulepreload" href="{here}/{script}">' for script in loaded)
    text = (_FOLDER / name).read_text("utf-8")
    for word, what in {"assets": here, "preloads": preloads, **words}.items():
        text = text.replace(f"{{{{{word}}}}}", what)
    return Asset.of(text.encode(), name)


def show_page(request: Request) -> Response:
    """The console; which page it shows is decided from the path, in the browser."""
    _require_console()
    return sent_page(index(), request)


def show_asset(request: Request, digest: str, name: str) -> Response:
    """A file of the console. One of another version is answered with ours, which must then not be kept."""
    _require_console()
    return sent_asset(request, digest, name)


def show_missing(request: Request, error: Exception) -> Response:
    """What answers where nothing is: to whoever looks for a page the console, which says so; else a problem."""
    looks = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(_NO_PAGES)
    if not (looks and has_console()):
        return on_http_error(request, error)
    return Response(index().body, 404, media_type=index().media_type)


for _path in PAGES:
    router.add_api_route(_path, show_page, methods=["GET", "HEAD"])
router.add_api_route(f"{ASSETS}/{{digest}}/{{name:path}}", show_asset, methods=["GET", "HEAD"])


def has_console() -> bool:
    """Whether this deployment has the console: with Firebase, the app is what people see."""
    return bootstrap.api_settings().auth_mode is not AuthMode.FIREBASE


def _require_console() -> None:
    if not has_console():
        raise HTTPException(404)


def sent_page(page: Asset, request: Request) -> Response:
    """The answer with a page, which browsers ask for each time."""
    return _answer(page, request, _REVALIDATE)


def sent_asset(request: Request, digest: str, name: str) -> Response:
    """The answer with an asset, which browsers keep where it is of this version; 404 where there is none."""
    if name not in assets():
        raise HTTPException(404)
    return _answer(assets()[name], request, _FOREVER if digest == version() else _REVALIDATE)


def _answer(asset: Asset, request: Request, cache_control: str) -> Response:
    headers = {"cache-control": cache_control, "etag": asset.etag}
    known = (tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(","))
    if asset.etag in known:
        # with its type: the security headers go by that, and browsers take over those of a 304, too
        return Response(status_code=304, headers=headers, media_type=asset.media_type)
    return Response(asset.body, media_type=asset.media_type, headers=headers)
