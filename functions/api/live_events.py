"""A job as a stream of server-sent events: what one client is told of it, in her own time."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Receive, Scope, Send

from functions.api.live_trainings import LiveTrainings
from functions.api.seats import Seats
from shared.all_jobs import AnyJob
from shared.errors import LiveStreamsUnavailable, TooManyStreams

# When to come back after a lost connection. Not the same for everybody: a restart loses all of them at once.
_RETRY_MS = (1_000, 3_000)

_HEARTBEAT_S = 15

# When somebody else may have gone; a stream is nothing that ends within seconds by itself.
_RETRY_AFTER_S = 15.0


def stream_seats(*, per_user: int, in_all: int) -> Seats:
    """The seats of live streams: each holds a connection and some memory for as long as a training takes."""
    return Seats(
        per_user=per_user,
        in_all=in_all,
        too_many=partial(TooManyStreams, maximum=per_user),
        none_left=partial(LiveStreamsUnavailable, retry_after_s=_RETRY_AFTER_S),
    )


class LiveStream(EventSourceResponse):
    """The events of a job as an answer. It takes a seat when it begins, and gives it back however it ends.

    Comments in between (every 15 s) keep proxies from closing it and find clients that are gone. A client that reads
    slowly is not waited for by anybody: she is told the latest state when she is ready for it.
    """

    def __init__(self, events: AsyncIterator[bytes], *, seats: Seats, user: str) -> None:
        """Take the seat from `seats` for `user`."""
        super().__init__(events, ping=_HEARTBEAT_S)
        self._seats = seats
        self._user = user

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; what is raised for want of a seat comes before the answer begins."""
        with self._seats.taken(self._user):
            await super().__call__(scope, receive, send)


async def live_events(
    training_id: str, seen: int, *, live: LiveTrainings, view: Callable[[Any], str]
) -> AsyncGenerator[bytes]:
    """Events of the job from log line `seen` on, with its JSON `view`; the last is `end`.

    What there is to tell at one time is one piece. Where the training is gone the stream ends without `end`.
    """
    yield _come_back()
    with live.following(training_id) as feed:
        async for training in feed.states():
            yield b"".join(event.encode() for event in _events(training, seen, view))
            seen = max(seen, training.log_count)


async def live_sets(
    job_ids: Sequence[str], *, live: LiveTrainings, view: Callable[[Any], str]
) -> AsyncGenerator[bytes]:
    """Events of several jobs in one stream, each with its JSON `view` and without its log; the last is `end`.

    Where one of them is gone, the others are told to their end, and the stream ends without `end`.
    """
    yield _come_back()
    ended = set()
    with ExitStack() as followed:
        feeds = [followed.enter_context(live.following(job_id)) for job_id in job_ids]
        async for job in _merged([feed.states() for feed in feeds]):
            yield ServerSentEvent(event=job.kind, data=view(job)).encode()
            ended |= {job.id} if job.is_terminal else set()
    if ended == set(job_ids):
        yield ServerSentEvent(event="end", data=json.dumps({"ended": len(ended)})).encode()


async def _merged(sources: Sequence[AsyncIterator[AnyJob]]) -> AsyncGenerator[AnyJob]:
    """What any of `sources` gives, as it comes; each is asked for its next only when its last was taken."""
    waiting = {asyncio.ensure_future(anext(source, None)): source for source in sources}
    try:
        while waiting:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                source = waiting.pop(task)
                if (job := task.result()) is not None:
                    yield job
                    waiting[asyncio.ensure_future(anext(source, None))] = source
    finally:
        for task in waiting:
            task.cancel()


def _come_back() -> bytes:
    return ServerSentEvent(retry=random.randint(*_RETRY_MS)).encode()


def _events(training: AnyJob, seen: int, view: Callable[[Any], str]) -> Iterator[ServerSentEvent]:
    first = training.log_count - len(training.log_tail)
    for index, line in enumerate(training.log_tail, start=first):
        if index >= seen:
            yield ServerSentEvent(event="log", data=json.dumps({"index": index, "line": line}), id=str(index + 1))
    event_id = str(max(seen, training.log_count))
    yield ServerSentEvent(event=training.kind, data=view(training), id=event_id)
    if training.is_terminal:
        yield ServerSentEvent(event="end", data=json.dumps({"status": training.status}), id=event_id)
