"""One commit for all who want to write at the same time: waiting for the disk is what writing takes longest for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Ticket(Generic[T]):
    item: T
    settled: bool = False
    error: BaseException | None = None


class GroupCommit(Generic[T]):
    """Threads that call `add` while another commits share the next commit. Safe to share between threads."""

    def __init__(self, commit: Callable[[Sequence[T]], None]) -> None:
        """`commit` makes all of its items durable, or none."""
        self._commit = commit
        self._waiting: list[_Ticket[T]] = []
        self._gathering = threading.Lock()
        self._committing = threading.Lock()

    def add(self, item: T) -> None:
        """Return when `item` is durable; raises what its commit raised, and then it is not."""
        ticket = _Ticket(item)
        with self._gathering:
            self._waiting.append(ticket)
        with self._committing:
            if not ticket.settled:
                self._settle()
        if ticket.error is not None:
            raise ticket.error

    def _settle(self) -> None:
        with self._gathering:
            batch, self._waiting = self._waiting, []
        error: BaseException | None = None
        try:
            self._commit([ticket.item for ticket in batch])
        except BaseException as raised:  # noqa: BLE001 - each of them hears of it, in its own thread
            error = raised
        for ticket in batch:
            ticket.settled, ticket.error = True, error
