"""How much the resident memory of a process grows by a piece of work, measured in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from infra.local.stack import ONE_HEAP

ROOT = Path(__file__).parents[2]
MIB = 1 << 20
RUNS = 3


def peak_growth_mib(module: str, *arguments: str) -> float:
    """The median of what `python -m module arguments` says of itself, with the image's allocator: it ends by printing
    what `growing` gives.
    """
    return median(_growth_mib(module, arguments) for _ in range(RUNS))


def _growth_mib(module: str, arguments: Sequence[str]) -> float:
    command = [sys.executable, "-m", module, *arguments]
    run = subprocess.run(command, cwd=ROOT, env={**os.environ, **ONE_HEAP}, check=True, capture_output=True, text=True)
    return float(json.loads(run.stdout.splitlines()[-1])["growth_mib"])


def growing(work: Callable[[], object]) -> dict[str, float]:
    """By how much the peak of the resident memory rose over what was resident when `work` began.

    The kernel's high-water mark is reset first, so that what came before does not hide anything.
    """
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    work()
    return {"growth_mib": (_status("VmHWM") - before) / MIB}


def resident_bytes(pid: int) -> int:
    """What a process, or one of its children, has resident now."""
    return _status("VmRSS", pid)


def _status(name: str, pid: int | None = None) -> int:
    lines = Path(f"/proc/{pid or 'self'}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))
