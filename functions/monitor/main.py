"""Entry point of the monitor: Cloud Scheduler calls it every minute, Pub/Sub pushes `check-requested` here."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import functions_framework
from flask import Request

from functions.monitor.check_job import Monitor, check_one
from functions.monitor.check_jobs import check_everything, check_jobs
from functions.monitor.remind_eraser import Reminder
from shared import bootstrap
from shared.events import CheckRequested
from shared.jobs import Job
from shared.messaging import decode, read_envelope
from shared.stages import Stage


@functions_framework.http
def monitor(request: Request) -> tuple[dict[str, Any], int]:
    """With a message: look after what it names. Without: one tick; one that fails is a 500, the next tries again."""
    with bootstrap.edge("monitor").push(request.headers):
        if body := request.get_data():
            _heard(body)
            return {}, 200
        with bootstrap.narrator("monitor").invocation():
            tick = check_jobs(_monitor())
            return {**asdict(tick), "reminded": _reminder().remind()}, 200


def _heard(body: bytes) -> None:
    delivery = read_envelope(body)
    event = decode(delivery.data, CheckRequested)
    if event.everything:
        check_everything(event, delivery, monitor=_monitor(), narrator=bootstrap.narrator("monitor"))
    else:
        bootstrap.consumer(Stage.TRAINING).handle(body, CheckRequested, _check)


def _check(event: CheckRequested) -> Job:
    return check_one(event, _monitor())


def _reminder() -> Reminder:
    return Reminder(
        erasures=bootstrap.erasures(),
        trainings=bootstrap.trainings(),
        images=bootstrap.images(),
        publisher=bootstrap.publisher(),
        retention=bootstrap.retention_settings(),
        stalled_s=bootstrap.monitor_settings().stalled_s,
        now=bootstrap.clock().now(),
    )


def _monitor() -> Monitor:
    return Monitor(
        jobs=bootstrap.jobs(),
        models=bootstrap.models(),
        trainer=bootstrap.trainer(),
        datasets=bootstrap.datasets_bucket(),
        publisher=bootstrap.publisher(),
        accounts=bootstrap.accounts(),
        clock=bootstrap.clock(),
        settings=bootstrap.monitor_settings(),
        now=bootstrap.clock().now(),
    )
