"""What really happens when a run leaves the queue: the ZIP is downloaded and read, the files are made."""

import asyncio
import ipaddress
import json
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from infra.local.fal_simulator.archive import ArchiveFindings, ArchiveRefused, read_archive
from infra.local.fal_simulator.checkpoint import CheckpointRefused, DownloadFailed, fetch_checkpoint
from infra.local.fal_simulator.lora_names import naming_of
from infra.local.fal_simulator.outputs import input_failure, planned_failure
from infra.local.fal_simulator.pictures import NoLora, PictureOrder, draw_order
from infra.local.fal_simulator.plans import ArtifactFault, RunFault
from infra.local.fal_simulator.runs import Artifact, Checkpoint, Prepared, Run
from infra.local.fal_simulator.settings import SimulatorSettings
from infra.local.fal_simulator.weights import Content, write_file, write_weights
from shared.trainers.entry import WeightsOutput

BAD_CONTENT = {
    ArtifactFault.CORRUPT: Content.CORRUPT,
    ArtifactFault.ZEROS: Content.ZEROS,
    ArtifactFault.NAN: Content.NAN,
}
_WITHOUT_DOWNLOAD = (RunFault.FAIL_DOWNLOAD, RunFault.INFRASTRUCTURE_503)


async def prepare(run: Run, settings: SimulatorSettings, client: httpx.AsyncClient) -> Prepared:
    """Download, read and make everything that `run` needs to end; failures are values, not exceptions."""
    planned = planned_failure(run)
    if run.plan.run in _WITHOUT_DOWNLOAD:
        return Prepared(time.time(), failure=planned)
    if run.picture_order is not None:
        return await _prepare_pictures(run, run.picture_order, settings, client)
    try:
        archive = await _fetch_and_read(run, settings, client)
        if run.plan.run is RunFault.RETRIED:
            await asyncio.sleep(run.training_s / 2)
            archive = await _fetch_and_read(run, settings, client)
        checkpoint = await fetch_checkpoint(run, partial(download, settings=settings, client=client), settings.data_dir)
    except CheckpointRefused as error:
        return Prepared(time.time(), failure=input_failure(run, error.kind, str(error), run.trainer.resume_field))
    except DownloadFailed as error:
        return Prepared(time.time(), failure=input_failure(run, "file_download_error", str(error)))
    except ArchiveRefused as error:
        return Prepared(time.time(), failure=input_failure(run, "invalid_archive", str(error)))
    artifacts = () if planned else await asyncio.to_thread(make_artifacts, run, settings, checkpoint)
    return Prepared(time.time(), archive, planned, artifacts, checkpoint)


async def _prepare_pictures(
    run: Run, order: PictureOrder, settings: SimulatorSettings, client: httpx.AsyncClient
) -> Prepared:
    planned, fetch = planned_failure(run), partial(download, settings=settings, client=client)
    try:
        drawn = await draw_order(order, fetch, settings.data_dir / "archives", flagged=run.plan.flagged)
    except DownloadFailed as error:
        return Prepared(time.time(), failure=input_failure(run, "file_download_error", str(error)))
    except NoLora as error:
        return Prepared(time.time(), failure=input_failure(run, "invalid_lora", str(error)))
    artifacts = () if planned else tuple(_picture(run, settings, k, data) for k, data in enumerate(drawn))
    return Prepared(time.time(), failure=planned, artifacts=artifacts)


def _picture(run: Run, settings: SimulatorSettings, number: int, data: bytes) -> Artifact:
    """One picture as a file, and beside it what a fault serves in its stead."""
    assert run.pictures is not None
    one = run.pictures.one_image
    field, folder = run.pictures.images_field if one else f"images.{number}", Path("files") / run.file_token
    good, bad = folder / f"{number}.jpg", folder / f"bad-{number}.jpg"
    made = write_file(settings.data_dir / good, [data])
    fault = run.plan.artifacts if run.plan.artifact_field == field else ArtifactFault.OK
    if fault in (ArtifactFault.TRUNCATED_QUIETLY, *BAD_CONTENT):
        write_file(settings.data_dir / bad, [data[: len(data) // 2]])
    served = str(bad) if (settings.data_dir / bad).exists() else None
    return Artifact(field, good.name, "image/jpeg", made.size, made.sha256, str(good), served)


async def _fetch_and_read(run: Run, settings: SimulatorSettings, client: httpx.AsyncClient) -> ArchiveFindings:
    assert run.order is not None
    if run.order.archive_format_unknown:
        raise DownloadFailed("The archive's format cannot be told from the URL")
    path = settings.data_dir / "archives" / f"{run.request_id}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        await download(run.order.data_url, path, settings, client)
        return await asyncio.to_thread(
            read_archive,
            path,
            min_pictures=run.trainer.minimum_images,
            captions_required=run.order.captions_required,
        )
    finally:
        path.unlink(missing_ok=True)


async def download(url: str, path: Path, settings: SimulatorSettings, client: httpx.AsyncClient) -> None:
    """Stream `url` to `path`; plain http only from this machine. Raises DownloadFailed.

    A server that does not answer is asked again for a while, as fetchers are: it may just be restarting.
    """
    if not may_be_called(url):
        raise DownloadFailed("Only https URLs can be downloaded")
    end = time.monotonic() + settings.archive_patience_s
    while True:
        try:
            return await _download_once(url, path, settings, client)
        except httpx.TransportError as error:
            if time.monotonic() > end:
                raise DownloadFailed(f"Failed to download the file: {type(error).__name__}") from error
            await asyncio.sleep(0.25)


async def _download_once(url: str, path: Path, settings: SimulatorSettings, client: httpx.AsyncClient) -> None:
    try:
        async with asyncio.timeout(settings.archive_timeout_s), client.stream("GET", url) as response:
            if response.status_code != 200:
                raise DownloadFailed(f"Failed to download the file: the server answered {response.status_code}")
            await _save(response, path, settings.max_archive_bytes)
    except (httpx.InvalidURL, TimeoutError) as error:
        raise DownloadFailed(f"Failed to download the file: {type(error).__name__}") from error


async def _save(response: httpx.Response, path: Path, limit: int) -> None:
    with path.open("wb") as file:
        async for chunk in response.aiter_bytes():
            file.write(chunk)
            if file.tell() > limit:
                raise DownloadFailed("The file is too large")


def may_be_called(url: str) -> bool:
    """Whether fal.ai would call this URL (no private addresses, fal.md §2), or it is http on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return parts.scheme == "https" and bool(host)
    return address.is_loopback if parts.scheme == "http" else parts.scheme == "https" and address.is_global


def make_artifacts(run: Run, settings: SimulatorSettings, checkpoint: Checkpoint | None = None) -> tuple[Artifact, ...]:
    """Write the weights and the config, and beside them what a fault serves in their stead.

    Weights that were continued from others say so in their header.
    """
    folder = Path("files") / run.file_token
    resumed = {"resumed_from_sha256": checkpoint.sha256} if checkpoint else {}
    loras = [_lora(run, settings, folder, output, resumed) for output in run.trainer.weights]
    return (*loras, _config(run, settings, folder))


def _lora(
    run: Run, settings: SimulatorSettings, folder: Path, output: WeightsOutput, metadata: Mapping[str, str]
) -> Artifact:
    output_field, seed = output.output, f"{run.request_id}:{output.output}"
    name = f"pytorch_lora_weights{output.part and '_'}{output.part.replace('-', '_')}.safetensors"
    good, bad = folder / name, folder / f"bad-{name}"
    write = partial(
        write_weights,
        seed=seed,
        megabytes=settings.weights_mb,
        naming=naming_of(run.trainer.base_model.id),
        metadata=metadata,
    )
    made = write(settings.data_dir / good)
    fault = run.plan.artifacts if run.plan.artifact_field == output_field else ArtifactFault.OK
    if fault is ArtifactFault.TRUNCATED_QUIETLY:
        _write_half(settings.data_dir / good, settings.data_dir / bad, made.size)
    elif fault in BAD_CONTENT:
        write(settings.data_dir / bad, content=BAD_CONTENT[fault])
    exists = (settings.data_dir / bad).exists()
    content_type = "application/octet-stream"
    return Artifact(output_field, name, content_type, made.size, made.sha256, str(good), str(bad) if exists else None)


def _write_half(good: Path, bad: Path, size: int) -> None:
    with good.open("rb") as file:
        piece = 64 * 1024
        write_file(bad, (file.read(piece) for _ in range(max(1, size // 2 // piece))))


def _config(run: Run, settings: SimulatorSettings, folder: Path) -> Artifact:
    assert run.order is not None
    config = {
        "simulated": True,
        "trainer": run.endpoint,
        "instance_prompt": run.order.trigger,
        "trigger_word": run.order.trigger,
        "steps": run.order.steps,
        "rank": 16,
        "parameters": {k: v for k, v in run.order.parameters.items() if k not in _urls_of(run)},
    }
    good, bad = folder / "config.json", None
    made = write_file(settings.data_dir / good, [json.dumps(config, indent=2).encode()])
    if run.plan.artifacts is ArtifactFault.NOT_JSON_CONFIG:
        bad = str(folder / "bad-config.json")
        write_file(settings.data_dir / bad, [b"<html><body>Bad gateway</body></html>"])
    return Artifact(run.trainer.config_field, "config.json", "application/json", made.size, made.sha256, str(good), bad)


def _urls_of(run: Run) -> set[str]:
    """The fields of the input that are signed URLs: a configuration has none."""
    return {run.trainer.data_field, run.trainer.resume_field or ""}
