"""Serves the simulator on 127.0.0.1: in its own process, or in a thread for tests."""

import asyncio
import contextlib
import json
import logging
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import uvicorn

from infra.local.fal_simulator.app import create_app
from infra.local.fal_simulator.connection import DroppableProtocol
from infra.local.fal_simulator.control import SimulatorControl
from infra.local.fal_simulator.control_routes import NOTICE
from infra.local.fal_simulator.settings import SimulatorSettings

log = logging.getLogger("fal_simulator")
START_TIMEOUT_S = 15.0


@dataclass(frozen=True)
class RunningSimulator:
    """A simulator that listens, with the addresses that the product's settings want."""

    settings: SimulatorSettings
    control: SimulatorControl

    @property
    def url(self) -> str:
        """The simulator's address."""
        return self.settings.base_url

    @property
    def queue_url(self) -> str:
        """In place of https://queue.fal.run."""
        return self.url

    @property
    def api_url(self) -> str:
        """In place of https://api.fal.ai (paths begin with /v1/models)."""
        return self.url

    @property
    def jwks_url(self) -> str:
        """In place of https://rest.fal.ai/.well-known/jwks.json."""
        return f"{self.url}/.well-known/jwks.json"

    @property
    def media_hosts(self) -> tuple[str, ...]:
        """In place of fal.md §5's hosts; a host name without its port."""
        return ("127.0.0.1",)


class _Server(uvicorn.Server):
    """uvicorn without its signal handling, which would end the process with the signal instead of cleanly."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to `serve`."""
        yield


def listen(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A listening socket, on the loopback interface where no other is named; port 0 takes a free one."""
    # With its protocol named, or asyncio leaves Nagle's algorithm on and every answer takes 40 ms longer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(128)
    return listener


def _server(settings: SimulatorSettings) -> _Server:
    config = uvicorn.Config(
        create_app(settings),
        http=DroppableProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        headers=[("X-Fal-Simulator", "true")],
        timeout_graceful_shutdown=1,
    )
    return _Server(config)


def serve(settings: SimulatorSettings, *, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `announce` gets the address once it listens."""
    listener = listen(settings.port, settings.host)
    settings = replace(settings, port=listener.getsockname()[1])
    server = _server(settings)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, setattr, server, "should_exit", True)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if server.started:
            log.info(json.dumps({"severity": "INFO", "message": "fal_simulator_started", "notice": NOTICE}))
            announce(settings.base_url)
        await serving

    with contextlib.closing(listener):
        asyncio.run(run())


@contextmanager
def running_simulator(settings: SimulatorSettings) -> Iterator[RunningSimulator]:
    """Serve in a thread while the block runs; entering again with the same data directory continues."""
    listener = listen(settings.port)
    settings = replace(settings, port=listener.getsockname()[1])
    server = _server(settings)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), name="fal-simulator")
    thread.start()
    try:
        _wait_until_started(server, thread)
        with SimulatorControl(settings.base_url) as control:
            yield RunningSimulator(settings, control)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    pause = threading.Event()
    for _ in range(int(START_TIMEOUT_S / 0.01)):
        if server.started:
            return
        if not thread.is_alive():
            break
        pause.wait(0.01)
    raise RuntimeError("the fal.ai simulator did not start")
