"""What an app does over HTTP: one request, and the same again when no answer comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.errors import ProductError
from tests.simulation.fate import Fate
from tests.simulation.scheduler import Scheduler, Task
from tests.simulation.weather import Weather

PATIENCE = 8


@dataclass(frozen=True, kw_only=True)
class Requests:
    """Sends requests; `escaped` has what no request should raise."""

    scheduler: Scheduler
    fate: Fate
    weather: Weather
    tell: Callable[[str], None]
    escaped: list[str]

    def likes(self, key: str) -> bool:
        """Whether a user does what `key` says."""
        return self.fate.strikes(key, self.weather.user)

    def do(self, after_s: float, name: str, request: Callable[[], None], attempt: int = 1) -> None:
        """One HTTP request; without an answer, or with one that says "later", the app sends it again."""

        def ended(failure: Exception | None) -> None:
            if failure is None:
                return
            self.tell(f"{name}.{attempt}: answered {getattr(failure, 'code', repr(failure))}")
            if not isinstance(failure, ProductError):
                self.escaped.append(f"{name}.{attempt}: {failure!r}")
            elif failure.retryable and attempt < PATIENCE:
                self.do(30.0 * attempt, name, request, attempt + 1)

        def begin() -> None:
            task = Task(f"{name}.{attempt}", request, ended)
            self.scheduler.spawn(task)
            self._watch(task, lambda: self.do(10.0, name, request, attempt + 1) if attempt < PATIENCE else None)

        self.scheduler.after(after_s, begin)

    def _watch(self, task: Task, killed: Callable[[], None]) -> None:
        if task.killed:
            killed()
        elif not task.done:
            self.scheduler.after(5, lambda: self._watch(task, killed))
