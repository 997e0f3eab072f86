"""Mend what a simulated run serves, without a mirror that is still fetching it getting the better of a test."""

from __future__ import annotations

import time

from infra.local.fal_simulator.control import SimulatorControl

QUIET_S = 1.0


def mend(simulator: SimulatorControl, request_id: str) -> None:
    """Serve the files well from now on; first wait until nobody has asked for any of them for `QUIET_S` seconds.

    Two deliveries may each mirror a result: the first to give up is told, and the second would find it mended.
    """
    seen, since = _downloads(simulator, request_id), time.monotonic()
    while time.monotonic() - since < QUIET_S:
        time.sleep(0.05)
        if (now := _downloads(simulator, request_id)) != seen:
            seen, since = now, time.monotonic()
    simulator.mend(request_id)


def _downloads(simulator: SimulatorControl, request_id: str) -> int:
    asked = simulator.request(request_id)["asked"]
    return sum(times for name, times in asked.items() if name.startswith("download:"))
