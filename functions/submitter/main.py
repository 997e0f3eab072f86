"""Entry point of the submitter: Pub/Sub pushes `dataset-packaged` and `images-prepared` here."""

from __future__ import annotations

import functions_framework
from flask import Request

from functions.submitter.submit_job import Prepared, submit_job
from shared import bootstrap
from shared.events import DatasetPackaged, ImagesPrepared
from shared.jobs import Job
from shared.messaging import UseCases
from shared.stages import Stage


@functions_framework.http
def submitter(request: Request) -> tuple[str, int]:
    """Submit the job that the message names; 204 acks, 500 asks for redelivery."""
    with bootstrap.edge("submitter").push(request.headers):
        bootstrap.consumer(Stage.SUBMITTING).handle_any(request.get_data(), _USE_CASES)
    return "", 204


def _submit(event: Prepared) -> Job:
    return submit_job(
        event,
        jobs=bootstrap.jobs(),
        models=bootstrap.models(),
        trainer=bootstrap.trainer(),
        clock=bootstrap.clock(),
        owner=bootstrap.new_nonce(),
        webhook_base=bootstrap.fal_settings().webhook_base,
        settings=bootstrap.submit_settings(),
    )


_USE_CASES: UseCases = {DatasetPackaged: _submit, ImagesPrepared: _submit}
