"""Finding the emulators on this machine, and running one as a process of our own."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
FIRESTORE_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
MINIMUM_JAVA = 11

# short-lived and small: the simple collector and the quick compiler start sooner and take less memory
JAVA_OPTIONS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.language=en")

# Ends the emulator also when this process is killed, for then the pipe closes and `read` returns; and
# outlives it, so that waiting for this shell is waiting for the emulator.
GUARD = """
exec 3<&0
"$@" & emulator=$!
(read -r _ <&3; kill $emulator) & guard=$!
trap : TERM
wait $emulator; wait $emulator
kill $guard
"""


class EmulatorFailed(RuntimeError):
    """An emulator did not start; the message has the end of its log."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """Where the emulators are: None for what is missing."""

    java: str | None
    java_version: int
    pubsub_jar: Path | None
    firestore_jar: Path | None
    has_storage: bool

    @classmethod
    def find(cls) -> Installation:
        """Look at this machine: `gcloud` and `java` on the path or at their usual places."""
        java = shutil.which("java")
        platform = next((root / "platform" for root in _gcloud_roots()), Path("/nonexistent"))
        return cls(
            java=java,
            java_version=_java_version(java) if java else 0,
            pubsub_jar=next(iter(platform.glob("pubsub-emulator/lib/cloud-pubsub-emulator-*.jar")), None),
            firestore_jar=next(iter(platform.glob("cloud-firestore-emulator/cloud-firestore-emulator.jar")), None),
            has_storage=importlib.util.find_spec("gcp_storage_emulator") is not None,
        )

    @property
    def missing(self) -> str | None:
        """A sentence that says what is missing and how to get it; None where nothing is."""
        wanted = []
        if self.pubsub_jar is None:
            wanted.append(_component("pubsub"))
        if self.firestore_jar is None:
            wanted.append(_component("firestore", "cloud-firestore-emulator"))
        if self.java_version < MINIMUM_JAVA:
            wanted.append(f"Java {MINIMUM_JAVA} or later (for example the package default-jre-headless)")
        if not self.has_storage:
            wanted.append("gcp-storage-emulator (`uv sync`, or `pip install gcp-storage-emulator`)")
        return f"The Google Cloud emulators need {'; '.join(wanted)}." if wanted else None

    def pubsub(self, port: int) -> tuple[str, ...]:
        """The command of the Pub/Sub emulator."""
        return (
            str(self.java),
            *JAVA_OPTIONS,
            "-jar",
            str(self.pubsub_jar),
            f"--host={LOOPBACK}",
            f"--port={port}",
        )

    def firestore(self, port: int, export: Path | None) -> tuple[str, ...]:
        """The command of the Firestore emulator, with the documents of `export`."""
        seed = (f"--seed_from_export={export}",) if export else ()
        java = (str(self.java), *JAVA_OPTIONS, "-cp", str(self.firestore_jar), FIRESTORE_CLASS)
        return (*java, "start", f"--host={LOOPBACK}", f"--port={port}", *seed)

    def storage(self, port: int, data_dir: Path | None, bucket: str) -> tuple[str, ...]:
        """The command of the Cloud Storage emulator, with `bucket` in it; in memory where there is no
        `data_dir`."""
        where = ("--data-dir", str(data_dir.absolute())) if data_dir else ()
        memory = () if data_dir else ("--in-memory",)
        options = ("--host", LOOPBACK, "--port", str(port), "--default-bucket", bucket, "--quiet", *memory)
        return (sys.executable, "-m", "gcp_storage_emulator", *where, "start", *options)


def _gcloud_roots() -> Iterator[Path]:
    gcloud = shutil.which("gcloud")
    candidates = [Path(gcloud).resolve().parent.parent] if gcloud else []
    usual = ("/usr/lib/google-cloud-sdk", "/opt/google-cloud-sdk", "~/google-cloud-sdk")
    candidates += [Path(path).expanduser() for path in usual]
    return (root for root in candidates if (root / "platform").is_dir())


def _java_version(java: str) -> int:
    told = subprocess.run((java, "-version"), capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else 0


def _component(name: str, component: str = "") -> str:
    component = component or f"{name}-emulator"
    return (
        f"the {name} emulator (`gcloud components install {component}`, "
        f"or the package google-cloud-cli-{name}-emulator)"
    )


def free_port() -> int:
    """A loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass(frozen=True, kw_only=True)
class EmulatorProcess:
    """One emulator in a process group of its own; it ends with `stop`, and also when this process is
    killed."""

    name: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, name: str, command: Sequence[str], *, port: int, log: Path) -> EmulatorProcess:
        """Start `command` and return at once; what it prints goes to the file `log`."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                ("/bin/sh", "-c", GUARD, name, *command),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=log.parent,
                # a shell that is set to other emulators shall not make this one talk to them
                env={key: value for key, value in os.environ.items() if not key.endswith("_EMULATOR_HOST")},
            )
        return cls(name=name, port=port, log=log, process=process)

    def wait_until(self, ready: Callable[[EmulatorProcess], bool], *, timeout_s: float) -> None:
        """Return when `ready`; `EmulatorFailed` where it ends before or takes too long."""
        deadline = time.monotonic() + timeout_s
        while not ready(self):
            if self.process.poll() is not None or time.monotonic() > deadline:
                end = self.log.read_text(errors="replace")[-800:]
                raise EmulatorFailed(f"The {self.name} emulator did not start on port {self.port}: {end}")
            time.sleep(0.05)

    def stop(self, *, patience_s: float = 5.0) -> None:
        """End the whole process group: politely, then not."""
        for how, wait_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, patience_s)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(wait_s)
                break
        if self.process.stdin:
            self.process.stdin.close()


@dataclass(kw_only=True)
class EmulatorServer:
    """One emulator at its port, again and again: `command` is asked for at every start, `ready` when it answers."""

    name: str
    port: int
    log: Path
    command: Callable[[], Sequence[str]]
    ready: Callable[[EmulatorProcess], bool]
    process: EmulatorProcess | None = None

    def start(self) -> None:
        """Start it and return at once."""
        self.process = EmulatorProcess.start(self.name, self.command(), port=self.port, log=self.log)

    def wait(self, *, timeout_s: float) -> None:
        """Return when it answers; `EmulatorFailed` where it ends before or takes too long."""
        if self.process is not None:
            self.process.wait_until(self.ready, timeout_s=timeout_s)

    def stop(self) -> None:
        """End it where it runs."""
        if self.process is not None:
            self.process.stop()
        self.process = None
