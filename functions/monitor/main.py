"""Entry point of the monitor: Cloud Scheduler calls it every minute."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import functions_framework
from flask import Request

from functions.monitor.check_jobs import check_jobs
from shared import bootstrap


@functions_framework.http
def monitor(request: Request) -> dict[str, Any]:
    """Run one tick and answer with what it did; a tick that fails is a 500, and the next minute tries again."""
    tick = check_jobs(
        trainings=bootstrap.trainings(),
        trainer=bootstrap.trainer(),
        datasets=bootstrap.datasets_bucket(),
        publisher=bootstrap.publisher(),
        clock=bootstrap.clock(),
        settings=bootstrap.monitor_settings(),
    )
    return asdict(tick)
