"""Live streams over real sockets, from the server that runs in production: hundreds of them, and how they end."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx
import pytest

from shared.adapters.embedded.database import Database
from shared.adapters.embedded.jobs import SqliteTrainings
from shared.settings import ApiSettings
from shared.stages import Status
from tests.builders import STEP, a_training
from tests.function_process import FunctionProcess, function_process

pytestmark = pytest.mark.slow

CLIENTS = 500
MAX_KIB_PER_CLIENT = 100
PATIENCE_S = 60.0
LOG = tuple(f"step {n}/1000, loss 0.123" for n in range(100))


@dataclass(frozen=True)
class Server:
    """The API as its own process, and the database that it reads."""

    process: FunctionProcess
    trainings: SqliteTrainings

    def start_training(self, user: str) -> str:
        """A training of the user's that is running."""
        training_id = f"t_{user}"
        running = a_training(status=Status.RUNNING, id=training_id, owner_id=user, log_tail=LOG, log_count=len(LOG))
        self.trainings.create(running)
        return training_id

    def end_training(self, training_id: str) -> None:
        """Let it be canceled."""
        self.trainings.update(training_id, lambda t: t.canceled("enough", at=t.updated_at + STEP, charged=False))

    def answers(self, path: str, user: str) -> int:
        """The status of the answer to a request that has a connection of its own."""
        return httpx.get(self.url(path), headers={"X-Local-User": user}, trust_env=False).status_code

    def url(self, path: str) -> str:
        """Where a path is."""
        return f"http://127.0.0.1:{self.process.port}{path}"

    def resident_kib(self) -> int:
        """The memory that its serving process has now."""
        found = Path(f"/proc/{self.process.process.pid}/task/{self.process.process.pid}/children").read_text().split()
        statuses = [line for child in found for line in Path(f"/proc/{child}/status").read_text().splitlines()]
        return sum(int(line.split()[1]) for line in statuses if line.startswith("VmRSS:"))

    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self.process.process.poll() is not None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with a_server(tmp_path_factory.mktemp("live")) as made:
        yield made


@contextmanager
def a_server(folder: Path) -> Iterator[Server]:
    """The API as production runs it, on an embedded database in `folder`."""
    _allow_open_files(2 * CLIENTS)
    settings = {"AUTH_MODE": "local", "EVENTS_POLL_S": "0.2", "EVENTS_STREAMS": str(CLIENTS)}
    with (
        function_process("api", folder, **settings) as process,
        closing(Database(folder / "documents.sqlite3")) as database,
    ):
        yield Server(process, SqliteTrainings(database))


def _allow_open_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        pytest.skip(f"{CLIENTS} connections need {count} open files: raise the limit with `ulimit -Hn {count}`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.02)


@dataclass
class Watcher:
    """One client of a live stream; `heard` is everything that came, its answer's head included."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: bytes = b""

    @classmethod
    async def open(cls, server: Server, user: str) -> Watcher:
        """Ask for the live stream of the user's training and read the answer's head."""
        reader, writer = await asyncio.open_connection("127.0.0.1", server.process.port)
        request = f"GET /v1/trainings/t_{user}/events HTTP/1.1\r\nHost: localhost\r\nX-Local-User: {user}\r\n\r\n"
        writer.write(request.encode())
        return cls(reader, writer, await reader.readuntil(b"\r\n\r\n"))

    @property
    def status(self) -> int:
        """How the request was answered."""
        return int(self.heard.split(None, 2)[1])

    async def read_until(self, words: bytes) -> bool:
        """Whether `words` came before the stream ended."""
        async with asyncio.timeout(PATIENCE_S):
            while words not in self.heard and (piece := await self.reader.read(1 << 16)):
                self.heard += piece
        return words in self.heard


@dataclass
class Crowd:
    """Clients that leave together, at the latest when the block ends."""

    server: Server
    watchers: list[Watcher] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        self.leave()
        await asyncio.sleep(0)

    async def come(self, user: str) -> Watcher:
        """One more client of the user's training, with the head of its answer."""
        watcher = await Watcher.open(self.server, user)
        self.watchers.append(watcher)
        return watcher

    async def follow(self, users: list[str]) -> None:
        """A client for each of `users`, all at once, and each with the training's state."""
        found = await asyncio.gather(*(self.come(user) for user in users))
        assert {watcher.status for watcher in found} == {200}
        assert await self.all_hear(b"event: training")

    async def all_hear(self, words: bytes) -> bool:
        """Whether everybody hears that before the stream ends."""
        return all(await asyncio.gather(*(watcher.read_until(words) for watcher in self.watchers)))

    def leave(self) -> None:
        """Go, without a word."""
        for watcher in self.watchers:
            watcher.writer.transport.abort()
        self.watchers.clear()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc: run it on Linux")
def test_five_hundred_clients_follow_with_bounded_memory_and_all_hear_the_end(server: Server) -> None:
    each = ApiSettings().events_streams_per_user
    users = [f"user-{n}" for n in range(CLIENTS // each)]
    ids = [server.start_training(user) for user in users]

    async def scenario() -> None:
        # what the process needs once, however many come: its threads and their connections to the database
        await asyncio.gather(*(asyncio.to_thread(server.answers, f"/v1/trainings/{ids[0]}", users[0]) for _ in ids * 4))
        before = server.resident_kib()
        async with Crowd(server) as crowd, Crowd(server) as late:
            await crowd.follow(users * each)
            assert len(crowd.watchers) == CLIENTS
            assert server.resident_kib() - before < CLIENTS * MAX_KIB_PER_CLIENT

            assert (await late.come(users[0])).status == 429
            assert await late.all_hear(b"too_many_streams")
            for path in ("/v1/shoots", f"/v1/trainings/{ids[0]}"):
                assert (await asyncio.to_thread(server.answers, path, users[0])) == 200

            for training_id in ids:
                server.end_training(training_id)
            assert await crowd.all_hear(b"event: end")
            assert {watcher.heard.count(b"event: log") for watcher in crowd.watchers} == {len(LOG)}

    asyncio.run(scenario())


def test_clients_that_went_without_a_word_make_room_for_others(server: Server) -> None:
    server.start_training("anna")

    async def scenario() -> None:
        async with Crowd(server) as crowd:
            await crowd.follow(["anna"] * ApiSettings().events_streams_per_user)
            assert (await crowd.come("anna")).status == 429
            crowd.leave()
            async with asyncio.timeout(PATIENCE_S):
                while (await crowd.come("anna")).status != 200:
                    await asyncio.sleep(0.02)

    asyncio.run(scenario())


def test_a_server_that_is_told_to_stop_lets_its_streams_go_and_stops(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        async with Crowd(server) as crowd:
            await crowd.follow(["anna"] * 5)
            server.process.process.terminate()
            assert not await crowd.all_hear(b"event: end")
            await _until(server.has_ended)

    with a_server(tmp_path) as server:
        server.start_training("anna")
        asyncio.run(scenario(server))
        assert server.process.process.returncode == 0
