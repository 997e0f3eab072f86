"""What ends a process of the stack when the one that started it is gone, however it went."""

from __future__ import annotations

import os
import signal
import sys
import threading

FLAG = "--lifeline"


def hold_lifeline() -> None:
    """End this process, as SIGTERM would, as soon as standard input closes: its other end is in the starter's hand."""
    threading.Thread(target=_wait, name="lifeline", daemon=True).start()


def _wait() -> None:
    # not through sys.stdin: a child that is forked meanwhile would inherit its lock, held by nobody
    while os.read(sys.stdin.fileno(), 1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
