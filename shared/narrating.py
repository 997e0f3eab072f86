"""Telling stories: what one invocation logs about a training becomes one entry of that training's story.

Best effort. The promises rest on the training itself, whose history has every move; an entry that cannot be written is
logged and lost, and the step stands.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared import logs
from shared.errors import ProductError
from shared.ports import Clock, StoryRepository
from shared.stories import Outcome, Received, StoryEntry, StoryEvent

MOST_EVENTS = 200

# told beside others, but no reason to write: a poll that found nothing new
_QUIET = frozenset({"trainer_answered", "trainer_silent"})
_HINDERED = "check_hindered"

_OF_NOBODY = frozenset({"message_for_unknown_training", "job_is_gone"})
"""What is logged of a job that is not there (any more). No story is told of it: it may have been erased."""


class Recording:
    """What one invocation logs, by training; heard from several threads."""

    def __init__(
        self,
        clock: Clock,
        *,
        training_id: str | None = None,
        message: Received | None = None,
        everything: bool = False,
    ) -> None:
        """Begin now. `training_id` has an entry even when nothing is logged of it: its `message` came.

        With `everything`, that entry has also what is logged of other trainings.
        """
        self.at = clock.now()
        self.message = message
        self._clock = clock
        self._always = training_id
        self._hears_all = everything
        self._events: dict[str, list[StoryEvent]] = {training_id: []} if training_id else {}
        self._lock = threading.Lock()

    def hear(self, severity: str, name: str, ids: Mapping[str, Any]) -> None:
        """Keep an event that names a training, as `logs.heard_by` tells it."""
        fields: dict[str, Any] = json.loads(json.dumps(ids, default=str))
        if (training_id := fields.pop("training_id", None)) is None:
            return
        event = StoryEvent(at=self._clock.now(), name=name, severity=severity, fields=fields)
        with self._lock:
            self._events.setdefault(training_id, []).append(event)
            if self._hears_all and self._always not in (None, training_id) and name not in _QUIET:
                named = {"training_id": training_id, **fields}
                self._events[self._always].append(replace(event, fields=named))

    def told(self) -> Iterator[tuple[str, tuple[StoryEvent, ...]]]:
        """Every training that is there and that there is something to tell of, and what."""
        with self._lock:
            heard = {training_id: tuple(events[:MOST_EVENTS]) for training_id, events in self._events.items()}
        for training_id, events in heard.items():
            if any(event.name in _OF_NOBODY for event in events):
                continue
            if training_id == self._always or any(event.name not in _QUIET for event in events):
                yield training_id, events


@dataclass(frozen=True, kw_only=True)
class Narrator:
    """Writes the entries of the invocations of `function`; they are kept for `kept_for`."""

    stories: StoryRepository
    clock: Clock
    function: str
    new_id: Callable[[], str]
    kept_for: timedelta

    @contextmanager
    def invocation(
        self, training_id: str | None = None, message: Received | None = None, *, everything: bool = False
    ) -> Iterator[None]:
        """While the block runs, record; then write, once, whether it returned or raised an error of ours or a bug.

        A process that dies in it, and what is not an `Exception`, leaves no entry.
        """
        recording = Recording(self.clock, training_id=training_id, message=message, everything=everything)
        done, failed = (Outcome.ACKED, Outcome.NACKED) if message else (Outcome.ANSWERED, Outcome.ANSWERED)
        try:
            with logs.heard_by(recording.hear):
                yield
        except Exception as error:
            self.write(recording, failed, code=code_of(error))
            raise
        self.write(recording, done)

    def write(
        self, recording: Recording, outcome: Outcome, *, code: str | None = None, status: int | None = None
    ) -> None:
        """Write the entries of an invocation that ends now. Never raises; after one failure the rest is given up."""
        ended_at = self.clock.now()
        for training_id, events in recording.told():
            entry = StoryEntry(
                id=f"{training_id}-{self._key(events, ended_at)}",
                training_id=training_id,
                function=self.function,
                at=recording.at,
                ended_at=ended_at,
                outcome=outcome,
                code=code,
                status=status,
                message=recording.message,
                events=events,
                expires_at=ended_at + self.kept_for,
            )
            try:
                self.stories.append(entry)
            except Exception as error:  # noqa: BLE001 - the outermost edge: the step was done, whatever became of its story
                logs.warning("story_not_told", training_id=training_id, reason=code_of(error))
                return

    def _key(self, events: tuple[StoryEvent, ...], now: datetime) -> str:
        """A new name; the same one for an hour where a tick has nothing to say but that it could not look."""
        names = {event.name for event in events} - _QUIET
        return f"hindered-{now:%Y%m%d%H}" if names == {_HINDERED} else self.new_id()


def code_of(error: Exception) -> str:
    """The code of an error of the catalogue; of any other its kind, since its text may quote anything."""
    return error.code if isinstance(error, ProductError) else type(error).__name__
