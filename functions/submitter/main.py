"""Entry point of the submitter: Pub/Sub pushes `dataset-packaged` here."""

from __future__ import annotations

import functions_framework
from flask import Request

from functions.submitter.submit_job import submit_job
from shared import bootstrap
from shared.events import DatasetPackaged
from shared.stages import Stage
from shared.trainings import Training


@functions_framework.http
def submitter(request: Request) -> tuple[str, int]:
    """Submit the training that the message names; 204 acks, 500 asks for redelivery."""
    with bootstrap.edge("submitter").push(request.headers):
        bootstrap.consumer(Stage.SUBMITTING).handle(request.get_data(), DatasetPackaged, _submit)
    return "", 204


def _submit(event: DatasetPackaged) -> Training:
    return submit_job(
        event,
        trainings=bootstrap.trainings(),
        trainer=bootstrap.trainer(),
        clock=bootstrap.clock(),
        owner=bootstrap.new_nonce(),
        webhook_base=bootstrap.fal_settings().webhook_base,
        settings=bootstrap.submit_settings(),
    )
