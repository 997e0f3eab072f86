"""One commit for all who want to write at the same time: waiting for the disk is what writing takes longest for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(eq=False)
class _Ticket(Generic[T]):
    """An item on its way; whoever brought it is woken when it is settled, or when it is her turn to commit."""

    item: T
    woken: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    error: BaseException | None = None


class GroupCommit(Generic[T]):
    """Threads that call `add` while another commits share the next commit. Safe to share between threads.

    Who commits does it once: then the first of those who came meanwhile does it for all of them. Each is woken by
    itself, so that the next commit waits for nobody who only has to be told.
    """

    def __init__(self, commit: Callable[[Sequence[T]], None]) -> None:
        """`commit` makes all of its items durable, or none."""
        self._commit = commit
        self._waiting: list[_Ticket[T]] = []
        self._busy = False
        self._lock = threading.Lock()

    def add(self, item: T) -> None:
        """Return when `item` is durable; raises what its commit raised, and then it is not."""
        ticket = _Ticket(item)
        with self._lock:
            self._waiting.append(ticket)
            ticket.leads = not self._busy
            self._busy = True
        if not ticket.leads:
            ticket.woken.wait()
        if ticket.leads:
            self._settle()
        if ticket.error is not None:
            raise ticket.error

    def _settle(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        error: BaseException | None = None
        try:
            self._commit([ticket.item for ticket in batch])
        except BaseException as raised:  # noqa: BLE001 - each of them hears of it, in its own thread
            error = raised
        self._hand_on()
        for ticket in batch:
            ticket.error = error
            ticket.woken.set()

    def _hand_on(self) -> None:
        with self._lock:
            self._busy = bool(self._waiting)
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].woken.set()
