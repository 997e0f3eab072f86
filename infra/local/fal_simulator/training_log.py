"""The log of a training as it reads at a given time, in the words that progress is read from (fal.md §1)."""

import hashlib
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from infra.local.fal_simulator.runs import Run
from infra.local.fal_simulator.timeline import schedule_of

PROGRESS_LINES = 40
_BAR_WIDTH = 10
_EIGHTHS = " ▏▎▍▌▋▊▉"


def log_of(run: Run, now: float) -> list[dict[str, Any]]:
    """The whole log up to `now`; every third timestamp has no zone, as has been seen (fal.md §1)."""
    schedule = schedule_of(run)
    until = min(now, schedule.ended_at)
    lines = [(at, text) for at, text in _lines(run, schedule.started_at) if at <= until]
    if schedule.failure is not None and now >= schedule.ended_at < math.inf and lines:
        lines.append((schedule.ended_at, f"Failed: {_reason(schedule.failure.detail)}"))
    return [_entry(index, at, text) for index, (at, text) in enumerate(lines)]


def _entry(index: int, at: float, text: str) -> dict[str, Any]:
    zoned = datetime.fromtimestamp(at, UTC)
    stamp = zoned.replace(tzinfo=None) if index % 3 == 2 else zoned
    return {"message": text, "level": "INFO", "source": "USER", "timestamp": stamp.isoformat()}


def _lines(run: Run, started_at: float) -> Iterator[tuple[float, str]]:
    if math.isinf(started_at):
        return
    yield started_at, "fal.ai simulator: nothing is really trained here"
    if run.picture_order is not None:
        yield started_at, "Loading LoRA weights"
        return
    yield started_at, "Downloading the training data"
    if run.prepared is None or run.prepared.archive is None or run.order is None:
        return
    begin, steps = max(started_at, run.prepared.at), run.order.steps
    end = max(started_at + run.training_s, begin)
    if (checkpoint := run.prepared.checkpoint) is not None:
        yield begin, f"Resuming from {checkpoint.tensors} tensors, sha256 {checkpoint.sha256}"
    yield begin, f"Preprocessing {len(run.prepared.archive.pictures)} images"
    for line in range(1, PROGRESS_LINES + 1):
        step = steps * line // PROGRESS_LINES
        at = begin + (end - begin) * 0.95 * line / PROGRESS_LINES
        if step:
            yield at, progress_line(step, steps, at - begin, seed=run.request_id)
    yield begin + (end - begin) * 0.98, "Saving LoRA weights"


def progress_line(step: int, steps: int, elapsed_s: float, *, seed: str) -> str:
    """A line as tqdm writes it: ` 12%|█▏        | 120/1000 [00:01<00:08, 99.1it/s, loss=0.41]`."""
    rate = step / max(elapsed_s, 0.001)
    filled, part = divmod(step * _BAR_WIDTH * 8 // steps, 8)
    bar = ("█" * filled + (_EIGHTHS[part] if part else "")).ljust(_BAR_WIDTH)
    noise = hashlib.sha256(f"{seed}:{step}".encode()).digest()[0] / 255
    loss = 0.35 + 0.25 * (1 - step / steps) + 0.05 * noise
    clock = f"{_clock(elapsed_s)}<{_clock((steps - step) / rate)}"
    return f"{step * 100 // steps:>3}%|{bar}| {step}/{steps} [{clock}, {rate:.1f}it/s, loss={loss:.2f}]"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02d}:{rest:02d}"


def _reason(detail: list[dict[str, Any]] | str) -> str:
    return detail if isinstance(detail, str) else "; ".join(str(item.get("msg", item)) for item in detail)
