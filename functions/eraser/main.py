"""Entry point of the eraser: Pub/Sub pushes `erasure-requested` here."""

from __future__ import annotations

import functions_framework
from flask import Request

from functions.eraser.carry_out import Hands
from functions.eraser.erase import Eraser, hear_erasure
from shared import bootstrap
from shared.erasing.things import Bucket


@functions_framework.http
def eraser(request: Request) -> tuple[str, int]:
    """Go on with the erasure that the message names; 204 acks, 500 asks for redelivery."""
    with bootstrap.edge("eraser").push(request.headers):
        hear_erasure(
            request.get_data(), eraser=_eraser(), max_attempts=bootstrap.delivery_settings().max_delivery_attempts
        )
    return "", 204


def _eraser() -> Eraser:
    hands = Hands(
        jobs=bootstrap.jobs(),
        models=bootstrap.models(),
        shoots=bootstrap.shoots(),
        stories=bootstrap.stories(),
        notices=bootstrap.notices(),
        trainer=bootstrap.trainer(),
        buckets={
            Bucket.DATASETS: bootstrap.datasets_bucket(),
            Bucket.MODELS: bootstrap.models_bucket(),
            Bucket.THUMBNAILS: bootstrap.thumbnails_bucket(),
            Bucket.SHOOTS: bootstrap.shoots_bucket(),
        },
    )
    settles_s = bootstrap.retention_settings().erasure_settles_s
    return Eraser(erasures=bootstrap.erasures(), hands=hands, clock=bootstrap.clock(), settles_s=settles_s)
