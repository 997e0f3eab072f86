"""Services as Cloud Run would start them: the image's command and environment, and what Terraform says of each."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.infra.image import Image
from tests.infra.terraform import functions, local_value

Settings = Mapping[str, Mapping[str, str]]

# What the startup probe allows (infra/gcp/modules/function): generous, since this machine may be busy.
STARTUP_S = 60.0

# Between SIGTERM and SIGKILL. Cloud Run allows 10 s; a busy machine gets more, but less than the 30 s after which
# gunicorn would end its workers whatever they do.
GRACE_S = 25.0


@dataclass(frozen=True)
class Service:
    """A running service; `name` is its function's."""

    name: str
    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def taken_away(self) -> int:
        """SIGTERM, as Cloud Run sends it to an instance that it takes away; the exit code within its grace."""
        self.process.send_signal(signal.SIGTERM)
        return self.gone()

    def gone(self) -> int:
        """The exit code of an instance that was told to go: SIGKILL's where it had not gone within the grace."""
        try:
            return self.process.wait(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.process.wait()

    def kill(self) -> None:
        """End all its processes at once: without gunicorn's, the one that serves would go on for ever."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def peak_bytes(self) -> int:
        """The most memory that its processes held, each counted for itself: pages that they share count twice."""
        return sum(_peak_bytes(pid) for pid in self._processes())

    def _processes(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def lines(self) -> list[dict[str, Any]]:
        """The lines that it logged; ValueError where it printed anything else."""
        return [json.loads(line) for line in self.printed().splitlines()]

    def printed(self) -> str:
        """What it wrote to stdout and stderr."""
        return self.log.read_text(errors="replace")


def environment_of(name: str, image: Image, settings: Settings, port: int) -> dict[str, str]:
    """What the process of the service `name` is told; `settings` by the groups of shared/settings."""
    function = functions()[name]
    told = [settings.get(group, {}) for group in [*function["settings"], *function["secrets"]]]
    return {
        **image.environment,
        **local_value("runtime"),
        "FUNCTION_SOURCE": function["source"],
        "FUNCTION_TARGET": function["target"],
        "THREADS": str(function["concurrency"]),
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "HOME": str(image.home),
        **{variable: value for group in told for variable, value in group.items()},
    }


def quiet_port() -> int:
    """A free port that nobody is given for an outgoing connection before a service has started and taken it."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def running(image: Image, settings: Settings, ports: Mapping[str, int]) -> Iterator[dict[str, Service]]:
    """The services of these functions on these ports while the block runs, from when all of them take connections."""
    services: dict[str, Service] = {}
    try:
        for name, port in ports.items():
            services[name] = _started(name, image, settings, port)
        for service in services.values():
            _wait_until_it_listens(service)
        yield services
    finally:
        for service in services.values():
            service.kill()


def _started(name: str, image: Image, settings: Settings, port: int) -> Service:
    log = image.folder / f"{name}-{port}.log"
    # an instance on Cloud Run shares its /tmp with no other: two gunicorns there would want the same socket
    own = image.folder / f"tmp-{port}"
    own.mkdir()
    environment = {**environment_of(name, image, settings, port), "XDG_RUNTIME_DIR": str(own)}
    with log.open("ab") as output:
        process = subprocess.Popen(
            image.command,
            cwd=image.app,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Service(name, f"http://127.0.0.1:{port}", process, log)


def memory_bytes(name: str) -> int:
    """What Terraform gives the service."""
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", functions()[name]["memory"]).groups()  # type: ignore[union-attr]
    return int(number) << {"Mi": 20, "Gi": 30}[unit]


def _wait_until_it_listens(service: Service) -> None:
    end = time.monotonic() + STARTUP_S
    while time.monotonic() < end and service.process.poll() is None:
        try:
            httpx.get(f"{service.url}/robots.txt", timeout=STARTUP_S, trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"{service.name} did not come up:\n{service.printed()[-3000:]}")


def _peak_bytes(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) << 10 if found else 0
