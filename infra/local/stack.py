"""The whole system as processes: simulated fal.ai, emulators where they are asked for, and the functions."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from infra.local.data_dir import held_folder
from infra.local.errors import StackError
from infra.local.processes import Processes
from infra.local.reading import unreadable_settings
from infra.local.servers import FUNCTIONS, Server, Servers, command, one_for_each, one_host
from infra.local.settings import FunctionProcesses, LocalBackend, StackSettings
from infra.local.ticker import Ticker
from shared.environment import UNREADABLE, UnreadableSettingsError
from shared.settings import FalSettings, NotifySettings, is_loopback

if TYPE_CHECKING:
    from infra.local.emulators import Emulators

START_TIMEOUT_S = 60.0
SIMULATOR = "fal.ai simulator"

# What makes the stack pleasant to watch; everything that is set in the environment wins.
LIVELY = {"PROGRESS_INTERVAL_S": "0.4", "EVENTS_POLL_S": "0.2", "STALLED_S": "15", "CLAIM_LEASE_S": "20"}

# With a heap for each thread, memory that one gave back stays its own: the image has this too.
ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}

# Where nothing is paid, nothing has to be rationed.
UNLIMITED = dict.fromkeys(
    (
        "TRAININGS_AT_ONCE",
        "IMAGE_JOBS_AT_ONCE",
        "BUDGET_USD_PER_DAY",
        "RATE_LIMIT_PER_MINUTE",
        "EVENTS_STREAMS_PER_USER",
        "EVENTS_STREAMS",
    ),
    "0",
)


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A running stack: its processes by name and its addresses.

    `endpoints` is where the messages for each function are pushed to. `simulator_url` is None with another fal.ai,
    `emulators` with the embedded backend.
    """

    url: str
    simulator_url: str | None
    data_dir: Path
    environment: Mapping[str, str]
    processes: Processes
    servers: Mapping[str, Server]
    endpoints: Mapping[str, str]
    emulators: Emulators | None = None

    def wait(self) -> str:
        """Block until one of the processes ends by itself; its name."""
        while not (ended := self.processes.ended()):
            time.sleep(0.2)
        return ended

    def start(self, *names: str) -> None:
        """Start these servers of functions, again where they were killed, and wait until they answer."""
        for name in names:
            self.processes.start(name, self.servers[name].command, self.environment)
        for name in names:
            _wait_until_up(name, self.servers[name], self.processes)

    def kill(self, *names: str) -> None:
        """kill -9 these processes, as a crash would."""
        for name in names:
            self.processes.kill(name)


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_stack(settings: StackSettings, *, extra: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Start everything, wait until it answers, stop it at the end; `extra` goes into the functions' environment.

    `StackError` where it cannot run, `UnreadableSettingsError` where a setting of the functions cannot be read.
    """
    _refuse_what_cannot_work(settings)
    url = f"http://127.0.0.1:{settings.port or free_port()}"
    separate = settings.processes is FunctionProcesses.SEPARATE
    servers = _separate_servers(url) if separate else one_host(url)
    with ExitStack() as cleanup:
        data_dir = cleanup.enter_context(held_folder(settings.data_dir, url))
        _refuse_a_port_that_is_taken(settings.port)
        processes = Processes(log=data_dir / "functions.log")
        simulator = None if settings.fal_queue_url else _simulator(settings, data_dir)
        fal = _fal_at(simulator.url, "simulated-key") if simulator else _other_fal(settings)
        store, emulators = _store(settings, data_dir, servers, cleanup)
        # before the emulators stop: who is at work finishes it, and what is saved there is all there is
        cleanup.callback(processes.stop)
        public = {"AUTH_MODE": "local", "PUBLIC_URL": settings.public_url or url, "TICK_S": str(settings.tick_s)}
        notified = {"NOTIFY_URL": settings.notify_url, "NOTIFY_SECRET": settings.notify_secret}
        rationed = UNLIMITED if simulator else {}
        defaults = {**ONE_HEAP, **LIVELY, **rationed, **servers.environment}
        stack = Stack(
            url=url,
            simulator_url=simulator.url if simulator else None,
            data_dir=data_dir,
            environment={**defaults, **os.environ, **store, **fal, **public, **notified, **(extra or {})},
            processes=processes,
            servers={**({SIMULATOR: simulator} if simulator else {}), **servers.by_name},
            endpoints=servers.endpoints,
            emulators=emulators,
        )
        stack.start(*stack.servers)
        if separate:
            # the host has its own
            cleanup.enter_context(Ticker(servers.endpoints["monitor"], settings.tick_s))
        yield stack


def _separate_servers(url: str) -> Servers:
    others = {name: f"http://127.0.0.1:{free_port()}" for name in FUNCTIONS if name != "api"}
    return one_for_each({"api": url, **others})


def _refuse_what_cannot_work(settings: StackSettings) -> None:
    FalSettings()
    NotifySettings(notify_url=settings.notify_url, notify_secret=SecretStr(settings.notify_secret))
    if settings.notify_url and not settings.notify_secret:
        raise StackError(
            "NOTIFY_URL is set and NOTIFY_SECRET is not, and nothing is sent unsigned: set it to whsec_ and random "
            "bytes in base64, as in: echo whsec_$(openssl rand -base64 32)"
        )
    if settings.processes is FunctionProcesses.SEPARATE and settings.backend is LocalBackend.EMBEDDED:
        raise StackError(
            "the embedded backend runs all functions in one process: set BACKEND=emulators, or PROCESSES=one."
        )


def _refuse_a_port_that_is_taken(port: int) -> None:
    if port and not _is_free(port):
        raise StackError(f"port {port} is taken by another program: set PORT to another one, or to 0.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _simulator(settings: StackSettings, data_dir: Path) -> Server:
    url = f"http://127.0.0.1:{_kept_port(data_dir)}"
    options = {
        "--data": data_dir / "fal-simulator",
        "--seconds-per-training": settings.simulator_seconds,
        "--weights-mb": settings.simulator_weights_mb,
    }
    given = [str(part) for option in options.items() for part in option]
    return Server(url=url, command=command("infra.local.fal_simulator", url, *given), healthz=False)


def _kept_port(data_dir: Path) -> int:
    """The simulator's port of the last time where it is free: trainings under way know its URLs."""
    kept = data_dir / "fal-simulator.port"
    port = int(kept.read_text()) if kept.exists() else free_port()
    port = port if _is_free(port) else free_port()
    kept.write_text(str(port))
    return port


def _fal_at(base: str, key: str) -> dict[str, str]:
    return {
        "FAL_QUEUE_URL": base,
        "FAL_API_URL": base,
        "FAL_JWKS_URL": f"{base}/.well-known/jwks.json",
        "FAL_MEDIA_HOSTS": urlsplit(base).netloc,
        "FAL_KEY": key,
    }


def _other_fal(settings: StackSettings) -> dict[str, str]:
    """Another fal.ai than the simulator; on loopback, what is not set is taken to be at the same address."""
    if is_loopback(settings.fal_queue_url):
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(settings.fal_queue_url))
        defaults = _fal_at(origin, settings.fal_key or "local-key")
        return {name: os.environ.get(name) or value for name, value in defaults.items()}
    if not settings.public_url:
        raise StackError(
            f"fal.ai at {settings.fal_queue_url} cannot reach this machine: it fetches the ZIP from us and calls us "
            "back. Open a tunnel to this machine's port with a public https address, set PUBLIC_URL to that address, "
            "and start again; or leave FAL_QUEUE_URL out to use the simulator."
        )
    if not settings.fal_key:
        raise StackError("FAL_KEY is not set: make a key at fal.ai, set FAL_KEY to it, and start again.")
    return {}


def _store(
    settings: StackSettings, data_dir: Path, servers: Servers, cleanup: ExitStack
) -> tuple[dict[str, str], Emulators | None]:
    """What the functions must know of the backend, and the emulators where it is those."""
    if settings.backend is LocalBackend.EMBEDDED:
        return {"BACKEND": "embedded", "DATA_DIR": str(data_dir)}, None
    from infra.local.emulators import missing_emulators, running_emulators
    from infra.local.provision import PushPolicy, provision

    if missing := missing_emulators():
        raise StackError(missing)
    emulators = cleanup.enter_context(running_emulators(data_dir / "emulators"))
    policy = PushPolicy(minimum_backoff_s=settings.retry_min_s, maximum_backoff_s=settings.retry_max_s)
    provision(emulators, servers.endpoints, policy=policy, notifies=bool(settings.notify_url))
    return {"BACKEND": "google", "DATA_DIR": str(data_dir), **emulators.environment()}, emulators


def _wait_until_up(name: str, server: Server, processes: Processes) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        if (code := processes.running[name].poll()) is not None:
            log = processes.log.read_text(errors="replace")
            if code == UNREADABLE and (sentences := unreadable_settings(log)):
                raise UnreadableSettingsError(sentences)
            raise StackError(f"the {name} at {server.url} ended while starting:\n{log[-2000:]}")
        if _answers(f"{server.url}/healthz") if server.healthz else _listens(server.url):
            return
        time.sleep(0.05)
    raise StackError(f"the {name} did not answer within {START_TIMEOUT_S:.0f} seconds: see {processes.log}.")


def _listens(url: str) -> bool:
    address = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((str(address.hostname), int(address.port or 0))) == 0


def _answers(url: str) -> bool:
    try:
        # nothing here is encrypted, and reading the machine's certificates would take longer than the answer
        return httpx.get(url, timeout=1.0, verify=False, trust_env=False).is_success
    except httpx.HTTPError:
        return False
