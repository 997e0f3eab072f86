"""Virtual time and tasks that run in it, one at a time: who goes next is decided, never raced."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from greenlet import GreenletExit, getcurrent, greenlet

# an hour before midnight, so that a new day comes while everybody is at work
START = datetime(2026, 1, 1, 23, tzinfo=UTC)
# The platform ends what takes longer: an invocation has a limit of minutes there, and may be held up for longer here.
LONGEST_INVOCATION_S = 3600.0


class VirtualClock:
    """The time of a schedule; fulfils `Clock`."""

    def __init__(self) -> None:
        """Stand at the start."""
        self.elapsed_s = 0.0

    def now(self) -> datetime:
        """The virtual time."""
        return START + timedelta(seconds=self.elapsed_s)


class Task:
    """One invocation of a function: it runs until it pauses, and a killed one never runs again."""

    def __init__(
        self,
        name: str,
        run: Callable[[], None],
        ended: Callable[[Exception | None], None],
        *,
        background: bool = False,
    ) -> None:
        """Not yet begun. `ended` is told how it ended; for a task that was killed it is never called.

        One in the background does not keep the schedule going.
        """
        self.name = name
        self.background = background
        self.calls: Counter[str] = Counter()
        self.killed = False
        self.done = False
        self._run = run
        self._ended = ended
        self.greenlet = greenlet(self._body)

    def _body(self) -> None:
        failure: Exception | None = None
        try:
            self._run()
        except Exception as error:  # noqa: BLE001 - the edge of an invocation: whatever escapes is a nack
            failure = error
        if not self.killed:
            self.done = True
            self._ended(failure)


class Scheduler:
    """Runs what is due, in the order of virtual time; tasks pause in it."""

    def __init__(self, clock: VirtualClock) -> None:
        """Nothing is due yet."""
        self.clock = clock
        self.pending = 0
        self._agenda: list[tuple[float, int, bool, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._tasks: list[Task] = []
        self._hub = getcurrent()
        self.current: Task | None = None
        self._over = False

    def after(self, seconds: float, action: Callable[[], None], *, background: bool = False) -> None:
        """Do `action` later. What is done in the background does not keep the schedule going."""
        self.pending += not background
        entry = (self.clock.elapsed_s + seconds, next(self._numbers), background, action)
        heapq.heappush(self._agenda, entry)

    def spawn(self, task: Task, *, longest_s: float = LONGEST_INVOCATION_S) -> None:
        """Begin a task now, which is ended after `longest_s`."""
        self._tasks = [t for t in self._tasks if not t.done]
        self._tasks.append(task)
        self.after(0, lambda: self._switch(task), background=task.background)
        self.after(longest_s, lambda: self._end(task), background=True)

    def pause(self, seconds: float) -> None:
        """Let others run for so long; only ever called in a task."""
        task = self._in_task()
        self.after(seconds, lambda: self._switch(task), background=task.background)
        self._hub.switch()
        if self._over or task.killed:
            raise GreenletExit

    def kill(self) -> None:
        """End the running task at once, as kill -9 does: nothing of it runs any more."""
        task = self._in_task()
        task.killed = True
        self._hub.switch()
        raise GreenletExit

    def kill_all(self) -> list[Task]:
        """End every task that has begun and not ended."""
        victims = [task for task in self._tasks if not task.done and not task.killed]
        for task in victims:
            task.killed = True
        return victims

    def _end(self, task: Task) -> None:
        task.killed = task.killed or not task.done

    def step(self) -> bool:
        """Do what is due next; False when nothing is."""
        if not self._agenda:
            return False
        at, _, background, action = heapq.heappop(self._agenda)
        self.pending -= not background
        self.clock.elapsed_s = max(self.clock.elapsed_s, at)
        action()
        return True

    def close(self) -> None:
        """Let go of the tasks that never ended."""
        self._over = True
        for task in self._tasks:
            if not task.done and task.greenlet:
                task.killed = True
                self.current = task
                task.greenlet.throw()
        self.current = None

    @property
    def in_task(self) -> bool:
        """Whether the caller is the running task itself, and not one of its threads or the schedule."""
        return self.current is not None and getcurrent() is self.current.greenlet

    def _in_task(self) -> Task:
        assert self.current is not None and self.in_task, "only a task pauses"
        return self.current

    def _switch(self, task: Task) -> None:
        if task.killed:
            return
        self.current = task
        task.greenlet.switch()
        self.current = None
