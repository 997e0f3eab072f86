"""Entry point of the notifier: Pub/Sub pushes `training-finished` and `images-finished`, where NOTIFY_URL is set."""

from __future__ import annotations

import functions_framework
from flask import Request

from functions.notifier.hear import hear
from functions.notifier.notify import Notifier
from shared import bootstrap
from shared.events import ImagesFinished, TrainingFinished

# A claim outlives the call that it is for; not by much, since after a crash it is waited for.
LEASE_MARGIN_S = 5.0


@functions_framework.http
def notifier(request: Request) -> tuple[str, int]:
    """Tell the receiver what the message is about; 204 acks, 500 asks for redelivery."""
    with bootstrap.edge("notifier").push(request.headers):
        if bootstrap.notify_settings().notify_url:
            hear(
                request.get_data(),
                jobs={TrainingFinished: bootstrap.trainings().get, ImagesFinished: bootstrap.images().get},
                notifier=_notifier(),
                narrator=bootstrap.narrator("notifier"),
                max_attempts=bootstrap.delivery_settings().max_delivery_attempts,
            )
    return "", 204


def _notifier() -> Notifier:
    settings = bootstrap.notify_settings()
    return Notifier(
        notices=bootstrap.notices(),
        models=bootstrap.models(),
        receiver=bootstrap.receiver(),
        clock=bootstrap.clock(),
        console_url=settings.link_base,
        lease_s=settings.notify_timeout_s + LEASE_MARGIN_S,
    )
