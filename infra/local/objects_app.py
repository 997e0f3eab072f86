"""Serves objects of the embedded backend to whoever has a signed URL, as Cloud Storage does."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from shared.adapters.clock import SystemClock
from shared.adapters.embedded.objects import DirectoryObjects
from shared.adapters.embedded.signing import OBJECTS_PATH, UrlSigner
from shared.errors import InvalidRequest, NotFound, ProductError
from shared.ports import Clock
from shared.problems import MEDIA_TYPE, problem


class ObjectResponse(FileResponse):
    """An object's bytes, streamed; answers HEAD and Range."""

    chunk_size = 1 << 20


def create_objects_app(root: Path, signer: UrlSigner, *, clock: Clock | None = None) -> Starlette:
    """The ASGI app for GET and HEAD of `/_objects/{bucket}/{name}`, over the buckets in the directory `root`.

    A URL that `signer` did not sign, or that has expired, answers 403; an object that is gone 404; both as
    problems.
    """
    now = clock or SystemClock()

    async def serve(request: Request) -> Response:
        bucket, name = request.path_params["bucket"], request.path_params["name"]
        try:
            download = signer.verify(bucket, name, request.query_params, now=now.now())
            return await run_in_threadpool(_response, DirectoryObjects(root, bucket, signer), name, download)
        except ProductError as error:
            return JSONResponse(problem(error), status_code=error.status, media_type=MEDIA_TYPE)

    path = f"{OBJECTS_PATH}/{{bucket}}/{{name:path}}"
    return Starlette(routes=[Route(path, serve, methods=["GET", "HEAD"])])


def _response(objects: DirectoryObjects, name: str, download: str | None) -> Response:
    try:
        located = objects.locate(name)
    except InvalidRequest as error:
        raise NotFound() from error
    if located is None:
        raise NotFound()
    path, content_type = located
    headers = {"cache-control": "private, no-cache", "x-content-type-options": "nosniff"}
    return ObjectResponse(path, headers=headers, media_type=content_type, filename=download)
