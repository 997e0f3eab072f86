"""The weights that a run resumes from: really fetched, and read as the trainer would before it spends any time."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from infra.local.fal_simulator.runs import Checkpoint, Run

_MAX_HEADER_BYTES = 100 * 1024 * 1024


class DownloadFailed(Exception):
    """A URL of the input could not be fetched; the message says why."""


class CheckpointRefused(Exception):
    """The weights to resume from cannot be used; the message says why, `kind` is fal.ai's word for it."""

    def __init__(self, kind: str, message: str) -> None:
        """Keep the word beside the message."""
        super().__init__(message)
        self.kind = kind


async def fetch_checkpoint(
    run: Run, download: Callable[[str, Path], Awaitable[None]], data_dir: Path
) -> Checkpoint | None:
    """The weights behind the run's URL; None where it begins afresh. Raises CheckpointRefused."""
    assert run.order is not None
    if run.order.resume_url is None:
        return None
    path = data_dir / "checkpoints" / f"{run.request_id}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        await download(run.order.resume_url, path)
        return _read(path.read_bytes())
    except DownloadFailed as error:
        raise CheckpointRefused("file_download_error", str(error)) from error
    finally:
        path.unlink(missing_ok=True)


def _read(data: bytes) -> Checkpoint:
    size = int.from_bytes(data[:8], "little")
    try:
        if not 0 < size <= min(len(data) - 8, _MAX_HEADER_BYTES):
            raise ValueError("its header is longer than the file")
        names = [name for name in json.loads(data[8 : 8 + size]) if name != "__metadata__"]
        if not any("lora" in name for name in names):
            raise ValueError("it has no LoRA tensors")
    except ValueError as error:
        raise CheckpointRefused("invalid_checkpoint", f"The checkpoint cannot be read: {error}") from error
    return Checkpoint(bytes=len(data), sha256=hashlib.sha256(data).hexdigest(), tensors=len(names))
