"""The processes of a stack: started, ended and killed by name."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.lifeline import FLAG

ROOT = Path(__file__).resolve().parents[2]
STOP_TIMEOUT_S = 15.0


@dataclass(frozen=True, kw_only=True)
class Processes:
    """The processes that this stack started, and nothing else; what they print goes to `log`."""

    log: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start one in a session of its own, so that Ctrl-C reaches it through us and in order.

        Its standard input is a pipe that only we hold: it ends with us, also where we are killed.
        """
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                [*command, FLAG],
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.running[name] = process

    def kill(self, name: str) -> None:
        """kill -9 one with everything that it started, as a crash of its machine would."""
        process = self.running[name]
        # the group: a server that forks does its work in children
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _let_go(process)

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
            _let_go(process)


def _let_go(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
