"""Trainings as they change: one look at the database for all in this process who follow the same one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from anyio import CapacityLimiter, to_thread

from shared import logs
from shared.all_jobs import AnyJob
from shared.edge import where_it_happened
from shared.errors import DatabaseUnavailable, JobNotFound

# Looks at the same time. They have threads of their own, so that other requests never wait for them.
LOOKS_AT_ONCE = 8


class Feed:
    """The latest known state of one training. Nothing is queued, so nobody's slowness takes memory."""

    def __init__(self) -> None:
        """Nothing is known yet, and nobody follows."""
        self.followers = 0
        self._latest: AnyJob | None = None
        self._ended = False
        self._news = asyncio.Event()

    async def states(self) -> AsyncIterator[AnyJob]:
        """Its states, from the latest known one on; what came and went while the caller was busy is left out."""
        told: AnyJob | None = None
        while True:
            if self._latest is not None and self._latest is not told:
                told = self._latest
                yield told
            elif self._ended:
                return
            else:
                await self._news.wait()

    def tell(self, training: AnyJob) -> None:
        """Let everybody know the training as it is now."""
        if training != self._latest:
            self._latest = training
            self._wake()

    def end(self) -> None:
        """Let everybody know that nothing more comes."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


class LiveTrainings:
    """The feeds of this process, one for each training that is followed. To be used in one event loop."""

    def __init__(self, look: Callable[[str], AnyJob], *, poll_s: float) -> None:
        """Look every `poll_s` seconds at each training that is followed, with `look`, in a thread."""
        self._look = look
        self._poll_s = poll_s
        self._limiter = CapacityLimiter(LOOKS_AT_ONCE)
        self._feeds: dict[str, Feed] = {}
        self._tasks: dict[Feed, asyncio.Task[None]] = {}

    @contextmanager
    def following(self, training_id: str) -> Iterator[Feed]:
        """The training's feed for as long as the block lasts; what it knows at first is at most `poll_s` s old.

        It ends with the training, and where there is none. A database that fails is waited for.
        """
        feed = self._feeds.get(training_id) or self._start(training_id)
        feed.followers += 1
        try:
            yield feed
        finally:
            feed.followers -= 1
            if not feed.followers:
                self._stop(training_id, feed)

    def _start(self, training_id: str) -> Feed:
        feed = self._feeds[training_id] = Feed()
        self._tasks[feed] = asyncio.create_task(self._keep_looking(training_id, feed))
        self._tasks[feed].add_done_callback(_report)
        return feed

    def _stop(self, training_id: str, feed: Feed) -> None:
        self._forget(training_id, feed)
        self._tasks.pop(feed).cancel()

    def _forget(self, training_id: str, feed: Feed) -> None:
        """Whoever comes from now on begins anew."""
        if self._feeds.get(training_id) is feed:
            del self._feeds[training_id]

    async def _keep_looking(self, training_id: str, feed: Feed) -> None:
        try:
            while not await self._has_ended(training_id, feed):
                await asyncio.sleep(self._poll_s)
        finally:
            # also after what nobody expected: that ends the streams, and whoever follows comes again
            self._forget(training_id, feed)
            feed.end()

    async def _has_ended(self, training_id: str, feed: Feed) -> bool:
        try:
            training = await to_thread.run_sync(self._look, training_id, limiter=self._limiter)
        except DatabaseUnavailable:
            return False
        except JobNotFound:
            return True
        feed.tell(training)
        return training.is_terminal


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logs.error("live_look_failed", error=type(error).__name__, stack=where_it_happened(error))
