"""The files of a run as fal.ai's CDN serves them to anyone, and every way to go wrong (fal.md §5)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from infra.local.fal_simulator.connection import TruncatedBody
from infra.local.fal_simulator.context import Refusal, simulator_of
from infra.local.fal_simulator.plans import ArtifactFault
from infra.local.fal_simulator.runs import Artifact, Run

_CHUNK = 64 * 1024
_STATUS_FAULTS = {ArtifactFault.MISSING_404: 404, ArtifactFault.GONE_410: 410, ArtifactFault.ERROR_500: 500}


async def media(request: Request) -> Response:
    """A file, well served or as its plan has it; only GETs count towards `artifact_times`."""
    simulator = simulator_of(request)
    run = simulator.store.run_by_file_token(request.path_params["token"])
    artifacts = run.prepared.artifacts if run and run.prepared else ()
    artifact = next((found for found in artifacts if found.file_name == request.path_params["name"]), None)
    if run is None or artifact is None:
        raise Refusal(404, "Not found")
    head, counter = request.method == "HEAD", f"download:{artifact.output_field}"
    before = simulator.store.counters(run.request_id).get(counter, 0)
    if not head:
        simulator.store.count(run.request_id, counter)
    is_over = run.plan.artifact_times is not None and before >= run.plan.artifact_times
    fault = ArtifactFault.OK if is_over else fault_of(run, artifact)
    return _answer(run, artifact, fault, simulator.settings.data_dir, head=head)


def fault_of(run: Run, artifact: Artifact) -> ArtifactFault:
    """The fault of this file: a plan is about one file of the output."""
    is_config = run.plan.artifacts is ArtifactFault.NOT_JSON_CONFIG
    meant = run.trainer.config_field if is_config else run.plan.artifact_field
    return run.plan.artifacts if artifact.output_field == meant else ArtifactFault.OK


def _answer(run: Run, artifact: Artifact, fault: ArtifactFault, data_dir: Path, *, head: bool) -> Response:
    path, media_type = data_dir / artifact.path, artifact.content_type
    if fault in _STATUS_FAULTS:
        raise Refusal(_STATUS_FAULTS[fault], "The file is not available")
    if fault is ArtifactFault.PRIVATE_REDIRECT:
        return RedirectResponse(run.plan.redirect_to, 302)
    if fault is ArtifactFault.TRUNCATED and not head:
        return TruncatedBody(read_slowly(path, artifact.size // 2), artifact.size, media_type)
    if fault is ArtifactFault.SLOW and not head:
        chunks = read_slowly(path, artifact.size, bytes_per_s=run.plan.artifact_bytes_per_s)
        return StreamingResponse(chunks, media_type=media_type, headers={"content-length": str(artifact.size)})
    if fault is ArtifactFault.WRONG_CONTENT_TYPE:
        media_type = "text/html"
    if fault is not ArtifactFault.OK and artifact.bad_path is not None:
        path = data_dir / artifact.bad_path
    return FileResponse(path, media_type=media_type)


async def read_slowly(path: Path, size: int, *, bytes_per_s: int | None = None) -> AsyncIterator[bytes]:
    """The file's first `size` bytes in small pieces, at most so many per second."""
    piece = _CHUNK if bytes_per_s is None else max(1, min(_CHUNK, bytes_per_s // 10))
    async with await anyio.open_file(path, "rb") as file:
        while size > 0 and (chunk := await file.read(min(piece, size))):
            yield chunk
            size -= len(chunk)
            if bytes_per_s is not None:
                await asyncio.sleep(len(chunk) / bytes_per_s)


routes = [Route("/files/{token}/{name}", media, methods=["GET", "HEAD"])]
