"""Publishing to the embedded queue from an event loop."""

from __future__ import annotations

from itertools import chain

from shared.adapters.embedded.group_commit import GroupCommit
from shared.adapters.embedded.queue import NewMessage, SqliteQueue
from shared.events import Event
from shared.tracing import publishing


class AsyncSqlitePublisher:
    """Fulfils `AsyncPublisher`: events that come while the disk is waited for are committed together."""

    def __init__(self, queue: SqliteQueue) -> None:
        """Publish to `queue`, in its process."""
        self._queue = queue
        self._commits = GroupCommit[list[NewMessage]](lambda batch: queue.insert([*chain.from_iterable(batch)]))

    async def publish(self, event: Event) -> None:
        """As `SqliteQueue.publish`."""
        with publishing(event):
            await self._commits.add(self._queue.messages_of(event))
