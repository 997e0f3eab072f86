"""Entry point of the packager: Pub/Sub pushes `training-requested` and `images-requested` here."""

from __future__ import annotations

import functions_framework
from flask import Request

from functions.packager.package_dataset import package_dataset
from functions.packager.prepare_images import prepare_images
from shared import bootstrap
from shared.events import ImagesRequested, TrainingRequested
from shared.jobs import Job
from shared.messaging import UseCases
from shared.stages import Stage


@functions_framework.http
def packager(request: Request) -> tuple[str, int]:
    """Prepare what the message names for fal.ai; 204 acks, 500 asks for redelivery."""
    with bootstrap.edge("packager").push(request.headers):
        bootstrap.consumer(Stage.PACKAGING).handle_any(request.get_data(), _USE_CASES)
    return "", 204


def _package(event: TrainingRequested) -> Job:
    return package_dataset(
        event,
        trainings=bootstrap.trainings(),
        models=bootstrap.models(),
        shoots=bootstrap.shoots_bucket(),
        thumbnails=bootstrap.thumbnails_bucket(),
        datasets=bootstrap.datasets_bucket(),
        kept=bootstrap.models_bucket(),
        publisher=bootstrap.publisher(),
        clock=bootstrap.clock(),
        new_nonce=bootstrap.new_nonce,
        limits=bootstrap.dataset_settings(),
    )


def _prepare(event: ImagesRequested) -> Job:
    return prepare_images(
        event,
        images=bootstrap.images(),
        models=bootstrap.models(),
        kept=bootstrap.models_bucket(),
        publisher=bootstrap.publisher(),
        clock=bootstrap.clock(),
        new_nonce=bootstrap.new_nonce,
        ttl_s=bootstrap.dataset_settings().archive_url_ttl_s,
    )


_USE_CASES: UseCases = {TrainingRequested: _package, ImagesRequested: _prepare}
