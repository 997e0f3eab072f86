"""The web console: one page for all its paths, and its assets under a name that changes whenever one of them does.

The headers that forbid pages to load anything else are added around all routes (functions/api/security.py).
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response

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
    """Every file of the console but its page, by its path in the folder; read once, on first use."""
    files = sorted(path for kind in _KINDS for path in _FOLDER.rglob(f"*{kind}") if path.name != "index.html")
    names = [path.relative_to(_FOLDER).as_posix() for path in files]
    return {name: Asset.of((_FOLDER / name).read_bytes(), name) for name in names}


@cache
def version() -> str:
    """What stands in the assets' URLs: it changes when any of them does."""
    return hashlib.sha256("".join(f"{name}{asset.etag}" for name, asset in assets().items()).encode()).hexdigest()[:16]


@cache
def index() -> Asset:
    """The page, naming the assets of this version."""
    here = f"{ASSETS}/{version()}"
    scripts = [name for name in assets() if name.endswith(".js") and name != "main.js"]
    preloads = "\n    ".join(f'<link rel="modulepreload" href="{here}/{name}">' for name in scripts)
    page = (_FOLDER / "index.html").read_text("utf-8").replace("{{assets}}", here).replace("{{preloads}}", preloads)
    return Asset.of(page.encode(), "index.html")


def show_page(request: Request) -> Response:
    """The console; which page it shows is decided from the path, in the browser."""
    _require_console()
    return _answer(index(), request, _REVALIDATE)


def show_asset(request: Request, digest: str, name: str) -> Response:
    """A file of the console. One of another version is answered with ours, which must then not be kept."""
    _require_console()
    if name not in assets():
        raise HTTPException(404)
    return _answer(assets()[name], request, _FOREVER if digest == version() else _REVALIDATE)


for _path in PAGES:
    router.add_api_route(_path, show_page, methods=["GET", "HEAD"])
router.add_api_route(f"{ASSETS}/{{digest}}/{{name:path}}", show_asset, methods=["GET", "HEAD"])


def _require_console() -> None:
    if bootstrap.api_settings().auth_mode is AuthMode.FIREBASE:
        raise HTTPException(404)


def _answer(asset: Asset, request: Request, cache_control: str) -> Response:
    headers = {"cache-control": cache_control, "etag": asset.etag}
    known = (tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(","))
    if asset.etag in known:
        # with its type: the security headers go by that, and browsers take over those of a 304, too
        return Response(status_code=304, headers=headers, media_type=asset.media_type)
    return Response(asset.body, media_type=asset.media_type, headers=headers)
