"""Entry point of the mirror: Pub/Sub pushes `result-reported` here."""

from __future__ import annotations

import functions_framework
from flask import Request

from functions.mirror.mirror_artifacts import Mirror, mirror_artifacts
from shared import bootstrap
from shared.events import ResultReported
from shared.jobs import Job
from shared.stages import Stage


@functions_framework.http
def mirror(request: Request) -> tuple[str, int]:
    """Keep what the reported request produced; 204 acks, 500 asks for redelivery."""
    with bootstrap.edge("mirror").push(request.headers):
        bootstrap.consumer(Stage.MIRRORING).handle(request.get_data(), ResultReported, _mirror)
    return "", 204


def _mirror(event: ResultReported) -> Job:
    ports = Mirror(
        jobs=bootstrap.jobs(),
        models=bootstrap.models(),
        trainer=bootstrap.trainer(),
        source=bootstrap.artifact_source(),
        bucket=bootstrap.models_bucket(),
        datasets=bootstrap.datasets_bucket(),
        clock=bootstrap.clock(),
        new_id=bootstrap.new_nonce,
        settings=bootstrap.mirror_settings(),
    )
    return mirror_artifacts(event, ports)
