"""A training as a stream of server-sent events, read from the database as it changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

from sse_starlette import ServerSentEvent
from starlette.concurrency import run_in_threadpool

from functions.api.views import training_view
from shared import bootstrap
from shared.errors import DatabaseUnavailable, TrainingNotFound
from shared.trainings import Training


async def live_events(training_id: str, seen: int, *, poll_s: float) -> AsyncIterator[ServerSentEvent]:
    """Events of the training from log line `seen` on; ends after `end`. A database that fails is waited for."""
    before: Training | None = None
    while before is None or not before.is_terminal:
        try:
            training = await run_in_threadpool(bootstrap.trainings().get, training_id)
        except DatabaseUnavailable:
            await asyncio.sleep(poll_s)
            continue
        except TrainingNotFound:
            return
        for event in _changes(before, training, seen):
            yield event
        seen = max(seen, training.log_count)
        before = training
        if not training.is_terminal:
            await asyncio.sleep(poll_s)
    yield ServerSentEvent(event="end", data=json.dumps({"status": before.status}), id=str(seen))


def _changes(before: Training | None, training: Training, seen: int) -> Iterator[ServerSentEvent]:
    if training == before:
        return
    first = training.log_count - len(training.log_tail)
    for index, line in enumerate(training.log_tail, start=first):
        if index >= seen:
            yield ServerSentEvent(event="log", data=json.dumps({"index": index, "line": line}), id=str(index + 1))
    view = training_view(training, bootstrap.clock().now())
    yield ServerSentEvent(event="training", data=view.model_dump_json(), id=str(max(seen, training.log_count)))
