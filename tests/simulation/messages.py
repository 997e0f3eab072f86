"""Pub/Sub in virtual time: at least once, in any order, again after a back-off, until the dead letter (gcp.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.errors import ProductError
from shared.events import SUBSCRIPTIONS, Event, ImagesFinished, TrainingFinished
from tests.simulation.fate import Fate
from tests.simulation.scheduler import Scheduler, Task
from tests.simulation.weather import CALM_AFTER_S, Weather

ACK_DEADLINE_S = 600.0
MAX_ATTEMPTS = 5
MIN_BACKOFF_S = 10.0
MAX_BACKOFF_S = 600.0
LATE_S = 2400.0


@dataclass
class _Message:
    """One message and what became of it."""

    name: str
    event: Event
    attempts: int = 0
    acked: bool = False


class Messages:
    """Fulfils `Publisher`; `deliver` is the function's invocation, which raises to be called again.

    `finished` has what the app was told, `dead` what nobody could handle, `escaped` what no function should raise.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        fate: Fate,
        weather: Weather,
        deliver: Callable[[Event, int], None],
        tell: Callable[[str], None],
    ) -> None:
        """Nothing is queued."""
        self.finished: list[TrainingFinished | ImagesFinished] = []
        self.dead: list[Event] = []
        self.escaped: list[str] = []
        self._scheduler, self._fate, self._weather = scheduler, fate, weather
        self._deliver, self._tell = deliver, tell
        self._numbers: dict[str, int] = {}

    def publish(self, event: Event) -> None:
        """Queue it."""
        if isinstance(event, TrainingFinished | ImagesFinished):
            self.finished.append(event)
        self._send(event)

    def _send(self, event: Event) -> None:
        for function in SUBSCRIPTIONS[event.topic]:
            name = self._name(function, event)
            message = _Message(name=name, event=event)
            self._scheduler.after(self._delay(f"{name} arrives"), lambda m=message: self._push(m))  # type: ignore[misc]
            if self._bad(f"{name}: delivered twice"):
                again = self._fate.between(f"{name} second copy", 0, 120)
                self._scheduler.after(again, lambda m=message: self._push(m, extra=True))  # type: ignore[misc]

    def redrive_ends(self) -> None:
        """Send what the notifier gave up once more, as an operator does when the receiver is well again."""
        for event in [event for event in self.dead if isinstance(event, TrainingFinished | ImagesFinished)]:
            self.dead.remove(event)
            self._send(event)

    def _name(self, function: str, event: Event) -> str:
        key = f"{function} {event.training_id}"
        self._numbers[key] = self._numbers.get(key, 0) + 1
        return f"{key} m{self._numbers[key]}"

    def _delay(self, key: str) -> float:
        if self._bad(f"{key} late"):
            return self._fate.between(f"{key} lateness", 30, LATE_S)
        return self._fate.between(key, 0.05, 2)

    def _bad(self, key: str) -> bool:
        calm = self._scheduler.clock.elapsed_s > CALM_AFTER_S
        return not calm and self._fate.strikes(key, self._weather.message / 4)

    def _push(self, message: _Message, *, extra: bool = False) -> None:
        """One delivery; an extra one is Pub/Sub's own mistake and comes even after an ack."""
        if message.acked and not extra:
            return
        message.attempts += 1
        attempt = message.attempts
        task = Task(
            f"{message.name}.{attempt}",
            lambda: self._deliver(message.event, attempt),
            lambda failure: self._ended(message, attempt, failure),
        )
        self._tell(f"{task.name}: {type(message.event).__name__} is delivered")
        self._scheduler.spawn(task)
        self._scheduler.after(ACK_DEADLINE_S, lambda: self._deadline(message, attempt, task), background=True)
        self._watch(message, attempt, task)

    def _watch(self, message: _Message, attempt: int, task: Task) -> None:
        """See to it that the death of an invocation is noticed: its connection is reset."""
        if task.killed:
            self._again(message, attempt)
        elif not task.done:
            self._scheduler.after(5, lambda: self._watch(message, attempt, task))

    def _deadline(self, message: _Message, attempt: int, task: Task) -> None:
        if not task.done and not task.killed:
            self._tell(f"{task.name}: the ack deadline passed, and it is still at work")
            self._again(message, attempt)

    def _ended(self, message: _Message, attempt: int, failure: Exception | None) -> None:
        if failure is None:
            message.acked = True
            return
        self._tell(f"{message.name}.{attempt}: nack, {type(failure).__name__}")
        if not isinstance(failure, ProductError):
            self.escaped.append(f"{message.name}.{attempt}: {failure!r}")
        self._again(message, attempt)

    def _again(self, message: _Message, attempt: int) -> None:
        if message.acked or attempt != message.attempts:
            return
        if attempt >= MAX_ATTEMPTS:
            self._tell(f"{message.name}: a dead letter")
            self.dead.append(message.event)
            return
        wait = min(MAX_BACKOFF_S, MIN_BACKOFF_S * 2.0 ** (attempt - 1))
        self._scheduler.after(wait, lambda: self._push(message))
