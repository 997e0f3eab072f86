"""The users of a schedule: they press Train, press it again, cancel, ask, retry, each at a moment of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from functions.api.end_training import cancel_job, retry_training
from functions.api.start_training import Wish, start_training
from shared.errors import ProductError
from shared.events import CheckRequested
from shared.stages import Status
from tests.simulation.fate import Fate
from tests.simulation.scheduler import Scheduler, Task
from tests.simulation.weather import Weather
from tests.wiring import Functions

PATIENCE = 8


@dataclass(frozen=True, kw_only=True)
class Users:
    """What the users do over HTTP, and what their apps do when no answer comes: the same again."""

    functions: Functions
    scheduler: Scheduler
    fate: Fate
    weather: Weather
    tell: Callable[[str], None]
    escaped: list[str]

    @property
    def keys(self) -> int:
        """How many different trainings they press for, however often."""
        return 1 + int(self.fate.fraction("trainings") * 4)

    def plan(self) -> None:
        """Decide who wants what when."""
        for number in range(1, self.keys + 1):
            owner = self.fate.pick(f"owner {number}", ("anna", "bert"))
            at = self.fate.between(f"press {number}", 0, 300)
            self._do(at, f"press {number}", self._press(owner, number))
            if self._likes(f"{number} presses twice"):
                self._do(
                    at + self.fate.between(f"press {number} again", 0, 3),
                    f"press {number}'",
                    self._press(owner, number),
                )

    def recover(self, training_id: str) -> None:
        """Press Retry on a training whose weights are still to be had."""
        self._do(0, f"recover {training_id}", lambda: self._retry(training_id))

    def _press(self, owner: str, number: int) -> Callable[[], None]:
        wish = Wish(
            shoot_id=f"s_{owner}",
            trigger_word="TOK",
            trainer="fal-ai/flux-lora-fast-training",
            parameters={"steps": 10},
            force=True,
        )

        def press() -> None:
            training = start_training(owner, f"key {number}", wish, self.functions.desk)
            self._follow(training.id, number)

        return press

    def _follow(self, training_id: str, number: int) -> None:
        """What the user of a training does later."""
        if self._likes(f"{number} cancels"):
            at = self.fate.between(f"cancel {number}", 0, self.fate.pick(f"cancel {number} by", (5.0, 600.0, 3000.0)))
            self._do(at, f"cancel {number}", lambda: self._cancel(training_id))
        if self._likes(f"{number} asks"):
            at = self.fate.between(f"ask {number}", 0, 1800)
            self._do(at, f"ask {number}", lambda: self._ask(training_id))
        if self._likes(f"{number} retries"):
            at = self.fate.between(f"retry {number}", 300, 5400)
            self._do(at, f"retry {number}", lambda: self._retry(training_id))

    def _likes(self, key: str) -> bool:
        return self.fate.strikes(key, self.weather.user)

    def _do(self, after_s: float, name: str, request: Callable[[], None], attempt: int = 1) -> None:
        """One HTTP request; without an answer, or with one that says "later", the app sends it again."""

        def ended(failure: Exception | None) -> None:
            if failure is None:
                return
            self.tell(f"{name}.{attempt}: answered {getattr(failure, 'code', repr(failure))}")
            if not isinstance(failure, ProductError):
                self.escaped.append(f"{name}.{attempt}: {failure!r}")
            elif failure.retryable and attempt < PATIENCE:
                self._do(30.0 * attempt, name, request, attempt + 1)

        def begin() -> None:
            task = Task(f"{name}.{attempt}", request, ended)
            self.scheduler.spawn(task)
            self._watch(task, lambda: self._do(10.0, name, request, attempt + 1) if attempt < PATIENCE else None)

        self.scheduler.after(after_s, begin)

    def _watch(self, task: Task, killed: Callable[[], None]) -> None:
        if task.killed:
            killed()
        elif not task.done:
            self.scheduler.after(5, lambda: self._watch(task, killed))

    def _cancel(self, training_id: str) -> None:
        functions = self.functions
        training = functions.trainings.get(training_id)
        cancel_job(training, jobs=functions.jobs, publisher=functions.publisher, clock=functions.clock)

    def _ask(self, training_id: str) -> None:
        self.functions.publisher.publish(CheckRequested(training_id=training_id))

    def _retry(self, training_id: str) -> None:
        training = self.functions.trainings.get(training_id)
        if training.status in (Status.FAILED, Status.CANCELED):
            retry_training(training, self.functions.desk)
