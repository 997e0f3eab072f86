"""Routes of shoots: what there is to train on, and a way to bring one's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from functions.api.auth import User
from functions.api.bodies import Body
from functions.api.idempotency import IdempotencyKey
from functions.api.plain_words import Words
from functions.api.search_shoots import search_shoots
from functions.api.seats import Seats
from functions.api.shoot_views import FileView, Looks, ShootDetailView, ShootView, shoot_detail_view, shoot_view
from functions.api.start_training import owned_shoot
from functions.api.thumbnails import Thumbnail, show_thumbnails
from functions.api.views import PageView
from shared import bootstrap
from shared.errors import Conflict, InvalidRequest, NotAllowed, PayloadTooLarge
from shared.hidden_characters import HIDDEN
from shared.jobs import keyed_id
from shared.models import Model
from shared.ports import Page
from shared.reading import read_whole
from shared.shoots import (
    CAPTION_TYPE,
    ID_PATTERN,
    IMAGE_TYPES,
    Picture,
    Shoot,
    pictures,
    preprocessed_prefix,
    split_name,
)
from shared.thumbnail_names import thumbnail_prefix

router = APIRouter(prefix="/v1/shoots", tags=["shoots"])

_FILE_NAME = re.compile(rf"[^/\\{HIDDEN}.][^/\\{HIDDEN}]{{0,199}}")


class NewShoot(Body):
    """A shoot to be filled with pictures."""

    costume_name: Words = Field(min_length=1, max_length=120, examples=["Red Riding Hood"])
    person_id: str = Field(pattern=ID_PATTERN, examples=["anna"])


def found_in(shoot_id: str) -> list[Picture]:
    """The pictures that the bucket holds for a shoot now."""
    prefix = preprocessed_prefix(shoot_id)
    return list(pictures(bootstrap.shoots_bucket().list(prefix), prefix))


@router.get("")
def list_shoots(
    user: User,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: str | None = None,
    search: Annotated[str | None, Query(min_length=1, max_length=120, examples=["riding"])] = None,
) -> PageView[ShootView]:
    """Your shoots, newest first, with their picture counts, covers and latest models.

    `search` keeps those with it somewhere in their costume's name, in capitals or not. It looks through a part of your
    shoots at a time: a page can have fewer than `limit`, even none, and `next_cursor` still leads on to more.
    """
    page = _page(user, search, limit, cursor)
    latest = bootstrap.models().latest_for_shoots(user, [shoot.id for shoot in page.items])
    with ThreadPoolExecutor(max_workers=8) as pool:
        views = list(pool.map(lambda shoot: _with_cover(shoot, latest.get(shoot.id)), page.items))
    return PageView(items=views, next_cursor=page.next_cursor)


def _page(user: str, search: str | None, limit: int, cursor: str | None) -> Page[Shoot]:
    if search is None:
        return bootstrap.shoots().list_for_owner(user, limit=limit, cursor=cursor)
    return search_shoots(user, search, limit=limit, cursor=cursor, shoots=bootstrap.shoots())


def _with_cover(shoot: Shoot, latest_model: Model | None) -> ShootView:
    found = found_in(shoot.id)
    return shoot_view(shoot, found, Looks(thumbnails=_thumbnails(shoot, found[:1]), latest_model=latest_model))


def _thumbnails(shoot: Shoot, found: Sequence[Picture]) -> Mapping[str, Thumbnail]:
    return show_thumbnails(
        thumbnail_prefix(shoot.id),
        found,
        source=bootstrap.shoots_bucket(),
        thumbnails=bootstrap.thumbnails_bucket(),
        ttl_s=bootstrap.api_settings().thumbnail_url_ttl_s,
        limits=bootstrap.dataset_settings(),
    )


@router.get("/{shoot_id}")
def show_shoot(shoot_id: str, user: User, request: Request) -> ShootDetailView:
    """One of your shoots with its pictures and captions."""
    shoot = owned_shoot(shoot_id, user, bootstrap.shoots())
    seats: Seats = request.app.state.look_seats
    with seats.taken(user):
        return _shown(shoot, user)


def _shown(shoot: Shoot, user: str) -> ShootDetailView:
    found = found_in(shoot.id)
    # of more than can be trained on, the rest is only counted: reading them all would take as long as anybody likes
    shown = found[: bootstrap.dataset_settings().max_images]
    latest = bootstrap.models().latest_for_shoots(user, [shoot.id])
    with ThreadPoolExecutor(max_workers=8) as pool:
        captions = dict(zip((p.stem for p in shown), pool.map(_caption_text, shown), strict=True))
    looks = Looks(thumbnails=_thumbnails(shoot, shown), latest_model=latest.get(shoot.id))
    return shoot_detail_view(shoot, found, looks, captions)


def _caption_text(picture: Picture) -> str | None:
    limit = bootstrap.dataset_settings().max_caption_bytes
    if picture.caption is None or picture.caption.size > limit:
        return None
    return read_whole(bootstrap.shoots_bucket(), picture.caption).decode("utf-8-sig", errors="replace").strip()


@router.post("", status_code=201)
def create_shoot(
    new: NewShoot,
    user: User,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> ShootView:
    """An empty shoot of yours; the same Idempotency-Key gives the same shoot, and takes no other name or person."""
    _require_import()
    shoot = _created_once(keyed_id("s", user, idempotency_key or bootstrap.new_nonce()), user, new)
    response.headers["Location"] = f"/v1/shoots/{shoot.id}"
    return _with_cover(shoot, bootstrap.models().latest_for_shoots(user, [shoot.id]).get(shoot.id))


def _created_once(shoot_id: str, user: str, new: NewShoot) -> Shoot:
    shoot = Shoot(id=shoot_id, owner_id=user, created_at=bootstrap.clock().now(), **new.model_dump())
    if bootstrap.shoots().create(shoot):
        return shoot
    before = bootstrap.shoots().get(shoot_id)
    if replace(shoot, created_at=before.created_at) != before:
        raise Conflict(reason="this Idempotency-Key was used for another shoot: take a new key")
    return before


@router.put("/{shoot_id}/files/{name}", status_code=201)
async def put_file(shoot_id: str, name: str, user: User, request: Request) -> FileView:
    """Put a picture (jpg, jpeg, png, webp) or a caption (txt) into your shoot; the body is the file itself."""
    _require_import()
    _check_file_name(name)
    kind = split_name(name)[1]
    limits = bootstrap.dataset_settings()
    maximum = limits.max_caption_bytes if kind == CAPTION_TYPE else limits.max_image_bytes
    shoot = await run_in_threadpool(owned_shoot, shoot_id, user, bootstrap.shoots())
    seats: Seats = request.app.state.upload_seats
    with seats.taken(user):
        info = await run_in_threadpool(
            bootstrap.shoots_bucket().write,
            f"{preprocessed_prefix(shoot.id)}{name}",
            await _pieces(request, maximum),
            content_type=IMAGE_TYPES.get(kind, "text/plain; charset=utf-8"),
        )
    return FileView.of(info)


def _require_import() -> None:
    if not bootstrap.api_settings().shoot_import:
        raise NotAllowed(reason="shoots come from the app here; importing them is switched off (SHOOT_IMPORT)")


def _check_file_name(name: str) -> None:
    if not _FILE_NAME.fullmatch(name) or split_name(name)[1] not in {*IMAGE_TYPES, CAPTION_TYPE}:
        kinds = ", ".join((*IMAGE_TYPES, CAPTION_TYPE))
        raise InvalidRequest(reason=f"a file is named like 01.jpg, without folders, and ends in one of {kinds}")


async def _pieces(request: Request, maximum: int) -> list[bytes]:
    pieces, size = list[bytes](), 0
    async for piece in request.stream():
        pieces.append(piece)
        size += len(piece)
        if size > maximum:
            raise PayloadTooLarge(maximum=maximum)
    return pieces
