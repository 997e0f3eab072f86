"""What a training is doing, in words and as a stepper line; for the live view and for plain lines alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from cli.output import clean, duration, usd
from shared.stages import TERMINAL, Stage

DONE, NOW, AHEAD, BROKEN = "✓", "●", "○", "✗"
_STYLES = {DONE: "green", NOW: "bold cyan", AHEAD: "dim", BROKEN: "bold red"}

Document = Mapping[str, Any]


def is_ended(training: Document) -> bool:
    """Whether nothing more will happen by itself."""
    return training["status"] in TERMINAL


def marks(training: Document) -> dict[str, str]:
    """Each stage with its mark: done, being done, ahead, or the one that it ended in."""
    stages = [stage.value for stage in Stage]
    if training["status"] == "succeeded":
        return dict.fromkeys(stages, DONE)
    here = stages.index(_present(training))
    mark = BROKEN if is_ended(training) else NOW
    return {stage: DONE if at < here else mark if at == here else AHEAD for at, stage in enumerate(stages)}


def _present(training: Document) -> str:
    failed_in = (training.get("error") or {}).get("stage")
    entered = list(training.get("stages") or {})
    known = [stage.value for stage in Stage]
    for stage in (training.get("stage"), failed_in, entered[-1] if entered else None):
        if stage in known:
            return str(stage)
    return Stage.PACKAGING.value


def stepper(training: Document, width: int, *, passed_s: float = 0.0) -> Text:
    """The stages on one line of at most `width` characters; `passed_s` is the document's age in seconds."""
    for with_times, with_names in ((True, True), (False, True), (False, False)):
        line = _stepper(training, passed_s, with_times=with_times, with_names=with_names)
        if line.cell_len <= width:
            return line
    return line


def _stepper(training: Document, passed_s: float, *, with_times: bool, with_names: bool) -> Text:
    line = Text()
    seconds = training.get("stages") or {}
    for stage, mark in marks(training).items():
        words = [mark]
        if with_names or mark in (NOW, BROKEN):
            words.append(stage)
        if with_times and stage in seconds:
            words.append(duration(seconds[stage] + (passed_s if mark == NOW else 0)))
        line.append(("  " if line else "") + " ".join(words), style=_STYLES[mark])
    return line


def percent(training: Document) -> float | None:
    """How much of the run is done, 0 to 100; None outside of it and while unknown."""
    progress = training.get("progress")
    return float(progress["percent"]) if progress and training.get("stage") == Stage.TRAINING else None


def title_line(training: Document) -> str:
    """Which training it is."""
    return clean(f"Training {training['id']}: {training['model_name']}, trigger {training['trigger_word']}")


def stage_line(training: Document) -> str:
    """The present stage and its place among all: `4/5 training`; nothing when it ended."""
    stages = [stage.value for stage in Stage]
    stage = training.get("stage")
    return f"{stages.index(stage) + 1}/{len(stages)} {stage}" if stage in stages else ""


def passed_unseen(training: Document, seen: str | None) -> list[str]:
    """The stages that it went through after `seen` and has left already, in order; none where nothing was seen."""
    entered = [stage.value for stage in Stage if stage in (training.get("stages") or {})]
    after = entered[entered.index(seen) + 1 :] if seen in entered else []
    return [stage for stage in after if stage != training.get("stage")]


def samples_line(training: Document) -> str | None:
    """The pictures that are made with the model by themselves, and their own price; None where there are none."""
    count, quoted = training.get("samples"), (training.get("quote") or {}).get("samples_usd")
    if not count:
        return None
    price = f", {usd(quoted)} quoted" if quoted is not None else ""
    return f"{'1 sample picture' if count == 1 else f'{count} sample pictures'} with the model{price}"


def progress_line(training: Document, *, passed_s: float = 0.0) -> str:
    """What is being done and how far it is: `step 240/1000, 24 %, about 38 s left`; nothing when it ended."""
    progress = training.get("progress") or {}
    done = percent(training)
    if done is None:
        return _waiting_line(training.get("stage"), progress.get("queue_position"))
    step, total, eta_s = progress.get("step"), progress.get("total"), progress.get("eta_s")
    if not done and step is None and eta_s is None:
        return _DOING[Stage.TRAINING]
    parts = [f"step {step}/{total}"] if step is not None and total is not None else []
    parts.append(f"{done:.0f} %")
    if eta_s is not None:
        left_s = eta_s - passed_s
        parts.append(f"about {duration(left_s)} left" if left_s >= 1 else "almost done")
    return ", ".join(parts)


def _waiting_line(stage: str | None, position: int | None) -> str:
    if stage == Stage.QUEUED and position is not None:
        return f"{position} ahead in fal.ai's queue" if position else "next in fal.ai's queue"
    return _DOING.get(stage or "", "")


_DOING: Mapping[str, str] = {
    Stage.PACKAGING: "making the archive of pictures and captions",
    Stage.SUBMITTING: "handing the archive to fal.ai",
    Stage.QUEUED: "in fal.ai's queue",
    Stage.TRAINING: "fal.ai is preparing",
    Stage.MIRRORING: "copying the weights into our bucket and checking them",
}


def took(training: Document) -> str:
    """How long all its stages took together."""
    return duration(sum((training.get("stages") or {}).values()))


def hindrance_line(training: Document) -> str:
    """Why it waits, or nothing."""
    hindrance = training.get("hindrance")
    return f"waiting because: {clean(hindrance['message'])}" if hindrance and not is_ended(training) else ""


def cost_line(charged: bool | None) -> str:
    """Whether a failure cost money."""
    return {True: "yes", False: "no", None: "not known"}[charged]


def costs_again(training: Document) -> bool:
    """Whether retrying it starts a new training, which is paid."""
    return training["status"] in ("failed", "canceled") and not training.get("recoverable")


def retry_line(before: Document, now: Document) -> str:
    """What a retry came to: `now` is the same training, or its successor."""
    if now["id"] == before["id"]:
        return "The weights that are paid for are fetched again. That costs nothing."
    if is_ended(now):
        return f"It was retried before, as {clean(now['id'])}, which {ending(now)}."
    quoted = (now.get("quote") or {}).get("total_usd")
    price = f" costs {usd(quoted)} and" if quoted is not None else ""
    return f"A new training{price} takes its place: {clean(now['id'])}"


def ending(training: Document) -> str:
    """How it ended, as what goes after "it": `succeeded`, `failed` or `was canceled`."""
    return "was canceled" if training["status"] == "canceled" else str(training["status"])
