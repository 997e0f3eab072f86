"""What happens to a training, as it happens: server-sent events, followed over lost connections."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from cli.client import TRANSIENT, ApiClient, ApiProblem, ApiUnreachable, at

SILENCE_S = 60.0
PATIENCE_S = 180.0
PAUSES_S = (0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event of the stream: `training` or `images`, `log` or `end`, with its JSON data and its id."""

    name: str
    data: dict[str, Any]
    id: str | None = None


@dataclass(kw_only=True)
class EventStream:
    """The events of a job until its `end`; goes on after the last id when the connection is lost.

    `kind` is how the path of such jobs begins: `trainings` or `images`.

    `on_lost` hears of every lost connection. After `patience_s` without one, and at once where the first
    cannot be made, `ApiUnreachable` is raised.
    """

    client: ApiClient
    training_id: str
    on_lost: Callable[[ApiUnreachable], None]
    kind: str = "trainings"
    patience_s: float = PATIENCE_S
    pauses_s: tuple[float, ...] = PAUSES_S
    _last_id: str | None = field(default=None, init=False)
    _failures: int = field(default=0, init=False)
    _heard: bool = field(default=False, init=False)
    _lost_at: float = field(default=0.0, init=False)

    def __iter__(self) -> Iterator[Event]:
        """Every event, the last of which is `end`."""
        while True:
            try:
                with closing(self._connection()) as events:
                    for event in events:
                        yield event
                        if event.name == "end":
                            return
                self._wait(ApiUnreachable(self.client.url, "it closed the stream early"))
            except ApiUnreachable as error:
                self._wait(error)
            except ApiProblem as problem:
                if problem.status not in TRANSIENT or not self._heard:
                    raise
                self._wait(ApiUnreachable(self.client.url, problem.sentence))

    def _connection(self) -> Generator[Event, None, None]:
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        if self._last_id is not None:
            headers["Last-Event-ID"] = self._last_id
        path = at(self.kind, self.training_id, "events")
        with self.client.stream(path, headers=headers, read_timeout_s=SILENCE_S) as response:
            for event in parse_events(response.iter_bytes()):
                self._heard, self._failures = True, 0
                self._last_id = event.id or self._last_id
                yield event

    def _wait(self, lost: ApiUnreachable) -> None:
        if self._failures == 0:
            self._lost_at = time.monotonic()
        if not self._heard or time.monotonic() - self._lost_at > self.patience_s:
            raise lost
        if self._failures == 0:
            self.on_lost(lost)
        time.sleep(self.pauses_s[min(self._failures, len(self.pauses_s) - 1)])
        self._failures += 1


def parse_events(pieces: Iterable[bytes]) -> Iterator[Event]:
    """The events in the bytes of a text/event-stream; comments are none, nor is an event that was cut."""
    name, event_id, data = "message", None, list[str]()
    for line in _lines(pieces):
        label, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield Event(name=name, data=json.loads("\n".join(data)), id=event_id)
            name, event_id, data = "message", None, []
        elif label == "event":
            name = value
        elif label == "id":
            event_id = value
        elif label == "data":
            data.append(value)


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    # httpx's own iter_lines also splits at characters that JSON strings may contain
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode(errors="replace")
