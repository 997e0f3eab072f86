"""Entry point of the packager: Pub/Sub pushes `training-requested` here."""

from __future__ import annotations

import functions_framework
from flask import Request

from functions.packager.package_dataset import package_dataset
from shared import bootstrap
from shared.events import TrainingRequested
from shared.stages import Stage
from shared.trainings import Training


@functions_framework.http
def packager(request: Request) -> tuple[str, int]:
    """Package the dataset that the message names; 204 acks, 500 asks for redelivery."""
    with bootstrap.edge("packager").push(request.headers):
        bootstrap.consumer(Stage.PACKAGING).handle(request.get_data(), TrainingRequested, _package)
    return "", 204


def _package(event: TrainingRequested) -> Training:
    return package_dataset(
        event,
        trainings=bootstrap.trainings(),
        models=bootstrap.models(),
        shoots=bootstrap.shoots_bucket(),
        datasets=bootstrap.datasets_bucket(),
        kept=bootstrap.models_bucket(),
        publisher=bootstrap.publisher(),
        clock=bootstrap.clock(),
        new_nonce=bootstrap.new_nonce,
        limits=bootstrap.dataset_settings(),
    )
