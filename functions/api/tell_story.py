"""A training's history and the entries of its story as one list in the order of time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from functions.api.story_sentences import (
    sentence_of_arrival,
    sentence_of_ending,
    sentence_of_event,
    sentence_of_move,
)
from shared.stages import Status
from shared.stories import Outcome, StoryEntry
from shared.training_records import Move


class Kind(StrEnum):
    """What a line tells: that the training moved, that a message came, what was done, or how that ended."""

    MOVE = "move"
    MESSAGE = "message"
    EVENT = "event"
    ENDING = "ending"


@dataclass(frozen=True, kw_only=True)
class StoryLine:
    """One thing that happened; `source` is the function that did it, or what moved: `training` or `images`.

    `severity` is INFO, WARNING or ERROR. `name` and `fields` are the event's own, for programs.
    """

    at: datetime
    source: str
    kind: Kind
    severity: str
    name: str
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.source:9} {self.text}"


def tell_story(
    history: Sequence[Move], entries: Iterable[StoryEntry], *, now: datetime, of: str = "training"
) -> tuple[StoryLine, ...]:
    """All of it, the earliest first. What has expired at `now` is left out: it may vanish at any time.

    `of` says what the moves are of.
    """
    told = [line for entry in entries if entry.expires_at > now for line in lines_of(entry)]
    return tuple(sorted([*told, *(_of_move(move, of) for move in history)], key=lambda line: line.at))


def lines_of(entry: StoryEntry) -> Iterator[StoryLine]:
    """One invocation: what came, what was done, how it ended."""
    if (arrival := sentence_of_arrival(entry)) and entry.message:
        fields = {"message_id": entry.message.message_id, "attempt": entry.message.attempt, **_wait(entry)}
        yield _line(entry, Kind.MESSAGE, entry.at, "INFO", entry.message.topic, arrival, fields)
    for event in entry.events:
        text = sentence_of_event(event)
        yield _line(entry, Kind.EVENT, event.at, event.severity, event.name, text, event.fields)
    if ending := sentence_of_ending(entry):
        severity = "INFO" if entry.outcome is Outcome.ACKED else "WARNING"
        facts = {"code": entry.code, "status": entry.status, "seconds": _seconds(entry.at, entry.ended_at)}
        known = {name: value for name, value in facts.items() if value is not None}
        yield _line(entry, Kind.ENDING, entry.ended_at, severity, entry.outcome.value, ending, known)


def _line(
    entry: StoryEntry, kind: Kind, at: datetime, severity: str, name: str, text: str, fields: Mapping[str, Any]
) -> StoryLine:
    return StoryLine(at=at, source=entry.function, kind=kind, severity=severity, name=name, text=text, fields=fields)


def _of_move(move: Move, of: str) -> StoryLine:
    severity = "ERROR" if move.status is Status.FAILED else "INFO"
    fields = {"reason": move.reason} if move.reason else {}
    return StoryLine(
        at=move.at,
        source=of,
        kind=Kind.MOVE,
        severity=severity,
        name=move.status.value,
        text=sentence_of_move(move),
        fields=fields,
    )


def _wait(entry: StoryEntry) -> dict[str, float]:
    """How long the message waited to be delivered; clocks of two machines may differ."""
    if entry.message is None or entry.message.published_at is None:
        return {}
    return {"waited_s": max(0.0, _seconds(entry.message.published_at, entry.at))}


def _seconds(begin: datetime, end: datetime) -> float:
    return round((end - begin).total_seconds(), 3)
