"""The API with a full store, and with hundreds who watch."""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median

from shared.adapters.embedded.database import Database
from shared.adapters.embedded.jobs import SqliteTrainings
from shared.stages import Status
from shared.trainings import Training
from tests.bench.figures import Figure, at_most, percentile, within
from tests.bench.load import get, load
from tests.bench.memory import resident_bytes
from tests.builders import AT, a_training
from tests.function_process import FunctionProcess, function_process

REQUESTS = 400
AT_ONCE = 4
RUNS = 3
WATCHERS = 500
OWNER = "local-user"
KIB = 1 << 10


def _training(number: int, status: Status = Status.REQUESTED) -> Training:
    at = AT + timedelta(seconds=number)
    return a_training(id=f"t_{number}", owner_id=OWNER, created_at=at, status=status)


def _canceled(training: Training) -> Training:
    return training.canceled("enough", at=training.updated_at + timedelta(seconds=1), charged=False)


@contextmanager
def api(folder: Path, trainings: int) -> Iterator[tuple[FunctionProcess, SqliteTrainings]]:
    """The API as production runs it, over a store with so many trainings."""
    with closing(Database(folder / "documents.sqlite3")) as database:
        repository = SqliteTrainings(database)
        for number in range(trainings):
            repository.create(_training(number))
        settings = {"AUTH_MODE": "local", "RATE_LIMIT_PER_MINUTE": "0", "EVENTS_POLL_S": "0.2"}
        streams = {"EVENTS_STREAMS": str(WATCHERS), "EVENTS_STREAMS_PER_USER": "0"}
        with function_process("api", folder, **settings, **streams) as process:
            yield process, repository


def api_latency() -> Iterator[Figure]:
    """A page of 10 and one training, of 10,000 in the store, against the same of 10; asked in turns."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as many,
        tempfile.TemporaryDirectory(prefix="bench-") as few,
        api(Path(many), 10_000) as (full, _),
        api(Path(few), 10) as (empty, _),
    ):
        for name, path in (("list", "/v1/trainings?limit=10"), ("detail", "/v1/trainings/t_5")):
            for process in (full, empty):
                _p99_ms(process, path)
            turns = [(_p99_ms(full, path), _p99_ms(empty, path)) for _ in range(RUNS)]
            ours, small = (median(turn[which] for turn in turns) for which in (0, 1))
            peer = "10 trainings"
            yield at_most(f"api_latency_{name}", ours, "ms", peer=peer, peer_value=small, times=1.5, note="p99")


def _p99_ms(process: FunctionProcess, path: str) -> float:
    answers = load(process.port, lambda _: get(path), count=REQUESTS, at_once=AT_ONCE)
    return percentile(list(answers.taken), 0.99) * 1e3


def sse_clients() -> Iterator[Figure]:
    """500 watchers of one training: from the write to the last of them, and what each costs in memory."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192) if hard > 0 else 8192, hard))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, api(Path(folder), 0) as (process, repository):
        repository.create(_training(1, status=Status.RUNNING))
        before = _resident(process)
        delays, during = asyncio.run(_watched(process, repository))
    yield within("sse_clients", max(delays), "s", 2, note=f"{WATCHERS} watchers, from the write to the last of them")
    yield within("sse_memory", (during - before) / WATCHERS / KIB, "KiB", 100, note="resident, for each watcher")


def _resident(process: FunctionProcess) -> int:
    children = Path(f"/proc/{process.process.pid}/task/{process.process.pid}/children").read_text().split()
    return sum(resident_bytes(int(child)) for child in children)


async def _watched(process: FunctionProcess, repository: SqliteTrainings) -> tuple[list[float], int]:
    streams = [await _watch(process.port) for _ in range(WATCHERS)]
    during = _resident(process)
    await asyncio.to_thread(repository.update, "t_1", _canceled)
    written = time.perf_counter()
    delays = await asyncio.gather(*(_end_of(reader, written) for reader, _ in streams))
    for _, writer in streams:
        writer.close()
    return list(delays), during


async def _watch(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(get("/v1/trainings/t_1/events"))
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head.partition(b"\r\n")[0], head
    await reader.readuntil(b"event: training")
    return reader, writer


async def _end_of(reader: asyncio.StreamReader, written: float) -> float:
    await reader.readuntil(b"event: end")
    return time.perf_counter() - written
