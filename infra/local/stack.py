"""The whole system as processes: simulated fal.ai, emulators where they are asked for, and the host."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from infra.local.lifeline import FLAG
from infra.local.settings import LocalBackend, StackSettings
from shared.settings import FalSettings, is_loopback

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0

# What makes the stack pleasant to watch; everything that is set in the environment wins.
LIVELY = {"PROGRESS_INTERVAL_S": "0.4", "EVENTS_POLL_S": "0.2", "STALLED_S": "15", "CLAIM_LEASE_S": "20"}

# Where nothing is paid, nothing has to be rationed.
UNLIMITED = {"TRAININGS_AT_ONCE": "0", "BUDGET_USD_PER_DAY": "0", "RATE_LIMIT_PER_MINUTE": "0"}


class StackError(Exception):
    """Why the stack cannot run, and what to do; for the person at the terminal."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A running stack: its processes by name and its addresses; `simulator_url` is None with another fal.ai."""

    url: str
    simulator_url: str | None
    data_dir: Path
    environment: Mapping[str, str]
    processes: Processes

    def wait(self) -> str:
        """Block until one of the processes ends by itself; its name."""
        while not (ended := self.processes.ended()):
            time.sleep(0.2)
        return ended

    def start_host(self) -> None:
        """Start the host, again where it was killed, and wait until it answers."""
        command = [sys.executable, "-m", "infra.local.host", "--port", str(urlsplit(self.url).port)]
        process = self.processes.start("host", command, self.environment)
        _wait_until_healthy(self.url, process, self.processes.log)

    def kill(self, name: str) -> None:
        """kill -9 one of the processes, as a crash would."""
        process = self.processes.running[name]
        process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


@dataclass(frozen=True, kw_only=True)
class Processes:
    """The processes that this stack started, and nothing else; what they print goes to `log`."""

    log: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], *, stdout: int | None = None
    ) -> subprocess.Popen[bytes]:
        """Start one in a session of its own, so that Ctrl-C reaches it through us and in order.

        Its standard input is a pipe that only we hold: it ends with us, also where we are killed.
        """
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                [*command, FLAG],
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=output if stdout is None else stdout,
                stderr=output,
                start_new_session=True,
            )
        self.running[name] = process
        return process

    def ended(self) -> str | None:
        """The name of one that ended by itself."""
        return next((name for name, process in self.running.items() if process.poll() is not None), None)

    def stop(self) -> None:
        """End them all, the last one first, politely and then not."""
        for process in reversed(self.running.values()):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=STOP_TIMEOUT_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_stack(settings: StackSettings, *, extra: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Start everything, wait until it answers, stop it at the end; `extra` goes into the functions' environment."""
    _refuse_what_cannot_work(settings)
    data_dir = _writable(settings.data_dir)
    url = f"http://127.0.0.1:{settings.port or free_port()}"
    processes = Processes(log=data_dir / "functions.log")
    with ExitStack() as cleanup:
        cleanup.callback(processes.stop)
        fal, simulator_url = _fal_environment(settings, data_dir, processes)
        store = _store_environment(settings, data_dir, url, cleanup)
        public = {"AUTH_MODE": "local", "PUBLIC_URL": settings.public_url or url, "TICK_S": str(settings.tick_s)}
        rationed = UNLIMITED if simulator_url else {}
        environment = {**LIVELY, **rationed, **os.environ, **store, **fal, **public, **(extra or {})}
        stack = Stack(
            url=url,
            simulator_url=simulator_url,
            data_dir=data_dir,
            environment=environment,
            processes=processes,
        )
        stack.start_host()
        yield stack


def _refuse_what_cannot_work(settings: StackSettings) -> None:
    try:
        FalSettings()
    except ValidationError as error:
        wrong = "; ".join(
            f"{str(e['loc'][0]).upper()} {e['msg'].removeprefix('Value error, ')}" for e in error.errors()
        )
        raise StackError(f"{wrong}.") from error
    if settings.port and not _is_free(settings.port):
        raise StackError(f"port {settings.port} is taken by another program: set PORT to another one, or to 0.")


def _writable(folder: Path) -> Path:
    found = folder.expanduser().resolve()
    try:
        found.mkdir(parents=True, exist_ok=True)
        (found / "functions.log").open("ab").close()
    except OSError as error:
        raise StackError(f"{found} cannot be written to ({error.strerror}): set DATA_DIR to another folder.") from error
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _fal_environment(
    settings: StackSettings, data_dir: Path, processes: Processes
) -> tuple[dict[str, str], str | None]:
    if settings.fal_queue_url:
        return _other_fal(settings), None
    command = [sys.executable, "-m", "infra.local.fal_simulator", "--data", str(data_dir / "fal-simulator")]
    command += ["--seconds-per-training", str(settings.simulator_seconds)]
    command += ["--weights-mb", str(settings.simulator_weights_mb), "--port", str(_kept_port(data_dir))]
    process = processes.start("fal.ai simulator", command, os.environ, stdout=subprocess.PIPE)
    line = process.stdout.readline() if process.stdout else b""
    if not line:
        raise StackError(f"the fal.ai simulator did not start: see {processes.log}.")
    base = json.loads(line)["fal_simulator"]
    return _fal_at(base, "simulated-key"), base


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


def _store_environment(settings: StackSettings, data_dir: Path, url: str, cleanup: ExitStack) -> dict[str, str]:
    if settings.backend is LocalBackend.EMBEDDED:
        return {"BACKEND": "embedded", "DATA_DIR": str(data_dir)}
    from infra.local.emulators import missing_emulators, running_emulators
    from infra.local.provision import provision

    if missing := missing_emulators():
        raise StackError(missing)
    emulators = cleanup.enter_context(running_emulators(data_dir / "emulators"))
    provision(emulators, url)
    return {"BACKEND": "google", "DATA_DIR": str(data_dir), **emulators.environment()}


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        if process.poll() is not None:
            tail = log.read_text(errors="replace")[-2000:]
            raise StackError(f"the host at {url} ended while starting:\n{tail}")
        if _answers(f"{url}/healthz"):
            return
        time.sleep(0.05)
    raise StackError(f"the host did not answer within {START_TIMEOUT_S:.0f} seconds: see {log}.")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1.0).is_success
    except httpx.HTTPError:
        return False
