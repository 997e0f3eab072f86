"""Ports between which the scheduler stands: at every call it may crash the caller, fail the call or let others run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.lost_answers import update_twice
from tests.simulation.fate import Fate
from tests.simulation.scheduler import Scheduler
from tests.simulation.weather import CALM_AFTER_S, OUTAGES, Weather

# One call as a rule takes less than this; a slow one outlives an ack deadline.
LATENCY_S = 0.5
SLOW_S = 1500.0
UNTIL_TRIED_AGAIN_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Interposer:
    """Stands between functions and ports; `tell` writes the story."""

    fate: Fate
    weather: Weather
    scheduler: Scheduler
    tell: Callable[[str], None]

    def port(self, real: object, name: str, service: str) -> Any:
        """`real` with the scheduler in between; its faults are those of `service`."""
        return _Port(self, real, name, service)

    def call(self, port: _Port, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One call of a port, with what befalls it."""
        if not self.scheduler.in_task:
            return self._from_a_thread(port, method, args, kwargs)
        task = self.scheduler.current
        assert task is not None
        place = f"{port.name}.{method}"
        task.calls[place] += 1
        key = f"{task.name} {place}#{task.calls[place]}"
        self.scheduler.pause(self.fate.between(f"{key} takes", 0, LATENCY_S))
        self._befall(f"{key} before", port, method)
        result = self._effect(key, port, method, args, kwargs)
        self.tell(f"{task.name}: {place}{_brief(args)}")
        self._befall(f"{key} after", port, method)
        return result

    def _effect(self, key: str, port: _Port, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The effect of a call; a write whose answer is lost is tried again as soon as somebody else has written."""
        if method != "update" or self._is_calm or not self.fate.strikes(f"{key}: answer lost", self.weather.fail):
            return port.effect(method, args, kwargs)
        value_id, change = args

        def meanwhile() -> None:
            self.tell(f"{key}: ANSWER LOST")
            written, until = port.real.get(value_id), self.scheduler.clock.elapsed_s + SLOW_S
            while port.real.get(value_id) == written and self.scheduler.clock.elapsed_s < until:
                self.scheduler.pause(UNTIL_TRIED_AGAIN_S)

        return update_twice(port.real, value_id, change, meanwhile)

    @property
    def _is_calm(self) -> bool:
        return self.scheduler.clock.elapsed_s > CALM_AFTER_S

    def point(self, key: str) -> None:
        """A moment within a call at which the task may be killed or held up."""
        if self.scheduler.in_task:
            self._befall(key, None, "")

    def _befall(self, key: str, port: _Port | None, method: str) -> None:
        if port is not None and self._is_out(port, method):
            self._fail(port, f"{port.service} is out")
        if self._is_calm:
            return
        luck, weather = self.fate.fraction(key), self.weather
        if luck < weather.crash / 2:
            if self.fate.admits(f"{key}: killed"):
                self.tell(f"{key}: KILLED")
                self.scheduler.kill()
        elif luck < (weather.crash + weather.fail) / 2:
            if port is not None and port.fails(method) and self.fate.admits(f"{key}: fails"):
                self._fail(port, key)
        elif luck < (weather.crash + weather.fail + weather.slow) / 2 and self.fate.admits(f"{key}: slow"):
            self.tell(f"{key}: SLOW")
            self.scheduler.pause(self.fate.between(f"{key} slowness", 10, SLOW_S))

    def _is_out(self, port: _Port, method: str) -> bool:
        outage = self.weather.outages.get(port.service)
        now = self.scheduler.clock.elapsed_s
        return outage is not None and port.fails(method) and outage.begins_s <= now < outage.ends_s

    def _fail(self, port: _Port, why: str) -> None:
        self.tell(f"{why}: FAILS")
        raise OUTAGES[port.service](reason="simulated")

    def _from_a_thread(self, port: _Port, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call from a task's thread or from outside: the schedule cannot be held there, but the call may fail."""
        task = self.scheduler.current
        if (
            task is not None
            and not self._is_calm
            and self.fate.strikes(f"{task.name} {port.name}.{method}{_brief(args)}: fails", self.weather.fail / 4)
        ):
            raise OUTAGES[port.service](reason="simulated")
        return port.effect(method, args, kwargs)


class _Port:
    """A port, seen through the interposer."""

    def __init__(self, interposer: Interposer, real: Any, name: str, service: str) -> None:
        self.name, self.service = name, service
        self._interposer, self.real = interposer, real

    def __getattr__(self, method: str) -> Any:
        found = getattr(self.real, method)
        if not callable(found):
            return found
        if method == "open":
            return lambda *args, **kwargs: self._opened(method, args, kwargs)
        return lambda *args, **kwargs: self._interposer.call(self, method, args, kwargs)

    def fails(self, method: str) -> bool:
        """Whether a call of that method may fail here: the paid one has faults of its own, a price never fails."""
        return method not in ("submit", "cost_usd")

    def effect(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The real call, done whole."""
        result = getattr(self.real, method)(*args, **kwargs)
        return iter(list(result)) if method in ("list", "read") else result

    @contextmanager
    def _opened(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Iterator[bytes]]:
        with self._interposer.call(self, method, args, kwargs) as chunks:
            yield self._streamed(chunks)

    def _streamed(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        task = self._interposer.scheduler.current
        for number, chunk in enumerate(chunks):
            if task is not None and number == 1:
                task.calls["chunk"] += 1
                self._interposer.point(f"{task.name} stream#{task.calls['chunk']}")
            yield chunk


def _brief(args: tuple[Any, ...]) -> str:
    shown = ", ".join(_one(argument) for argument in args)
    return f"({shown})"


def _one(argument: Any) -> str:
    if isinstance(argument, str | int | float):
        return str(argument)
    request_id = getattr(argument, "request_id", None) or getattr(argument, "training_id", None)
    return f"{type(argument).__name__} {request_id}" if request_id else type(argument).__name__
