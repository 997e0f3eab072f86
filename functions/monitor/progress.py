"""How far a training is, read from the texts of its log, else estimated from time (fal.md §1). Pure.

fal.ai has no progress field for trainers. What its trainers print is what tqdm prints, or a step of so many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.all_jobs import AnyJob
from shared.image_jobs import ImageJob
from shared.ports import RunState, RunStatus
from shared.training_records import Progress

# Only the end of a training is 100 %: after the last step the weights are still being saved.
MOST_PERCENT = 99.0
MOST_ESTIMATED_PERCENT = 95.0
# About what the default trainer takes: a start, then so long for each step.
START_S = 60.0
# Before that time alone says nothing: the log may still tell it better, in a moment.
UNTOLD_S = 10.0
SECONDS_PER_STEP = 0.25
# The same for one picture.
PICTURE_S = 8.0

_LOG_LINES_READ = 2000
_LINE_CHARACTERS_READ = 1000

_FRACTION = re.compile(
    r"(?<![\w./:-])(?P<step>\d{1,7})\s*(?:/|\bof\b)\s*(?P<total>\d{1,7})(?![\w/:-]|\.\d)"
    r"(?!\s*(?:images?|pictures?|photos?|files?|captions?|masks?|shards?|epochs?|[kKMG]i?B)\b)"
)
_PERCENT = re.compile(r"(?<![\w.])(?P<percent>\d{1,3}(?:\.\d+)?)\s?%")
_REMAINING = re.compile(r"<\s*(?P<clock>\d{1,6}(?::\d{2}){1,2})\s*[,\]]")
_STEPS_MEANT = re.compile(r"\bsteps?\b|\btrain(?:ing)?\b|it/s|s/it|\bloss\b|%\|", re.IGNORECASE)
_SOMETHING_ELSE = re.compile(
    r"down-?load|up-?load|\bload|caption|pre-?process|extract|unzip|fetch|mask|segment|cach|encod|\bsav|images",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What one line says; `remaining_s` is the bar's own forecast."""

    percent: float
    step: int | None = None
    total: int | None = None
    remaining_s: float | None = None


def progress_of(job: AnyJob, status: RunStatus, now: datetime) -> Progress | None:
    """How far a job is that fal.ai has; `now` is also the earliest that its run may have begun."""
    if status.state is RunState.IN_QUEUE:
        message = "waiting in fal.ai's queue"
        return Progress(percent=0.0, message=message, queue_position=status.queue_position, updated_at=now)
    if isinstance(job, ImageJob):
        return _pictures_progress(job, now)
    steps = job.parameters.get("steps")
    return parse_progress(status.log, total_steps=steps, started_at=job.since, now=now, before=job.progress)


def _pictures_progress(job: ImageJob, now: datetime) -> Progress:
    """Pictures take seconds, and what fal.ai logs meanwhile is not about them: estimated from time alone."""
    expected_s, elapsed_s = PICTURE_S * job.count, max(0.0, (now - job.since).total_seconds())
    left_s = expected_s - elapsed_s
    percent = min(100 * elapsed_s / expected_s, MOST_ESTIMATED_PERCENT)
    before = job.progress.percent if job.progress else 0.0
    message = "making the pictures, estimated from the time it takes"
    return Progress(percent=max(percent, before), message=message, eta_s=left_s if left_s > 0 else None, updated_at=now)


def parse_progress(
    log: Sequence[str],
    *,
    total_steps: int | None,
    started_at: datetime | None,
    now: datetime,
    queue_position: int | None = None,
    before: Progress | None = None,
) -> Progress | None:
    """The progress that the newest telling line of `log` shows; None where nothing can be said.

    With `total_steps` only a count to exactly that many is taken for steps. `before` is what was shown last:
    progress never goes backwards from there, except from an estimate.
    """
    elapsed_s = (now - started_at).total_seconds() if started_at else None
    reading = _newest(log, total_steps)
    if reading is not None:
        progress = _shown(reading, elapsed_s, now)
    elif queue_position is not None:
        message = "waiting in fal.ai's queue"
        progress = Progress(percent=0.0, message=message, queue_position=queue_position, updated_at=now)
    elif total_steps and elapsed_s is not None:
        progress = _estimated(total_steps, elapsed_s, now)
    else:
        return None
    return _not_backwards(progress, before)


def _newest(log: Sequence[str], total_steps: int | None) -> _Reading | None:
    """The newest count of steps; where there is none, the newest percentage."""
    percentage: _Reading | None = None
    for line in _lines_backwards(log):
        if (steps := _steps(line, total_steps)) is not None:
            return steps
        percentage = percentage or _percentage(line)
    return percentage


def _lines_backwards(log: Sequence[str]) -> Iterator[str]:
    """The newest lines first; a message may hold several states of one bar, each drawn over the last."""
    for message in reversed(log[-_LOG_LINES_READ:]):
        yield from reversed(re.split(r"[\r\n]+", message[-_LINE_CHARACTERS_READ:]))


def _steps(line: str, total_steps: int | None) -> _Reading | None:
    if total_steps is None and not _is_about_steps(line):
        return None
    for found in _FRACTION.finditer(line):
        step, total = int(found["step"]), int(found["total"])
        if 0 < total == (total_steps or total) and step <= total:
            percent = 100 * step / total
            return _Reading(percent=percent, step=step, total=total, remaining_s=_remaining_s(line))
    return None


def _is_about_steps(line: str) -> bool:
    """What a count is taken for where it is not known how many steps there are: nothing else may be named."""
    meant = _STEPS_MEANT.search(line) or _FRACTION.fullmatch(line.strip())
    return bool(meant) and not _SOMETHING_ELSE.search(line)


def _percentage(line: str) -> _Reading | None:
    """A percentage that stands alone: one beside a count is of what is counted, which is not our steps."""
    found = _PERCENT.search(line)
    if found is None or float(found["percent"]) > 100 or _SOMETHING_ELSE.search(line) or _FRACTION.search(line):
        return None
    return _Reading(percent=float(found["percent"]), remaining_s=_remaining_s(line))


def _remaining_s(line: str) -> float | None:
    """The forecast in `[00:01<00:08, 99.1it/s]`, in seconds."""
    found = _REMAINING.search(line)
    if found is None:
        return None
    seconds = 0
    for part in found["clock"].split(":"):
        seconds = seconds * 60 + int(part)
    return float(seconds)


def _shown(reading: _Reading, elapsed_s: float | None, now: datetime) -> Progress:
    eta_s = reading.remaining_s
    if eta_s is None and elapsed_s is not None and reading.percent > 0:
        eta_s = max(0.0, elapsed_s) * (100 - reading.percent) / reading.percent
    known = f"step {reading.step} of {reading.total}" if reading.total else f"{reading.percent:.0f} % trained"
    return Progress(
        percent=min(reading.percent, MOST_PERCENT),
        step=reading.step,
        total=reading.total,
        message=known,
        eta_s=eta_s,
        updated_at=now,
    )


def _estimated(total_steps: int, elapsed_s: float, now: datetime) -> Progress:
    if elapsed_s < UNTOLD_S:
        return Progress(percent=0.0, total=total_steps, message="fal.ai is preparing", updated_at=now)
    expected_s = START_S + SECONDS_PER_STEP * total_steps
    percent = min(100 * max(0.0, elapsed_s) / expected_s, MOST_ESTIMATED_PERCENT)
    left_s = expected_s - max(0.0, elapsed_s)
    return Progress(
        percent=percent,
        total=total_steps,
        message="training, estimated from the time it takes",
        eta_s=left_s if left_s > 0 else None,
        updated_at=now,
    )


def _not_backwards(progress: Progress, before: Progress | None) -> Progress:
    """What was shown, where that was further: fal.ai may start a run anew by itself (fal.md §1)."""
    if before is None or progress.percent >= before.percent:
        return progress
    if _is_estimate(before) and not _is_estimate(progress):
        return progress
    return replace(progress, percent=before.percent, step=before.step, total=before.total)


def _is_estimate(progress: Progress) -> bool:
    return progress.step is None and progress.total is not None
