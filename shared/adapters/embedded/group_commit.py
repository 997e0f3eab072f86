"""One commit for all who want to write at the same time: waiting for the disk is what writing takes longest for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class GroupCommit(Generic[T]):
    """Tasks of one event loop that call `add` while a commit is under way share the next one.

    Commits are made one after the other in a thread of its own: whoever else makes the loop's threads wait does not
    hold them up.
    """

    def __init__(self, commit: Callable[[Sequence[T]], None]) -> None:
        """`commit` makes all of its items durable, or none."""
        self._commit = commit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="group-commit")
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._committing: asyncio.Task[None] | None = None

    async def add(self, item: T) -> None:
        """Return when `item` is durable; raises what its commit raised, and then it is not.

        Who is canceled meanwhile does not know: the item may be durable all the same.
        """
        settled = asyncio.get_running_loop().create_future()
        self._waiting.append((item, settled))
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_all())
        await settled

    async def _commit_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            failure = await asyncio.get_running_loop().run_in_executor(
                self._thread, self._failure_of, [item for item, _ in batch]
            )
            for _, settled in batch:
                _settle(settled, failure)

    def _failure_of(self, items: Sequence[T]) -> Exception | None:
        try:
            self._commit(items)
        except Exception as error:  # noqa: BLE001 - each of them hears of it, in its own task
            return error
        return None


def _settle(settled: asyncio.Future[None], failure: Exception | None) -> None:
    if settled.done():
        return
    if failure is None:
        settled.set_result(None)
    else:
        settled.set_exception(failure)
