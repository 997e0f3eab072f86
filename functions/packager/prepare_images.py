"""The packager's use case for pictures: signed URLs of the model's weights, which fal.ai fetches. Nothing is packed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from shared import logs
from shared.errors import ModelNotFound
from shared.events import ImagesPrepared, ImagesRequested
from shared.image_jobs import ImageJob
from shared.models import Model
from shared.ports import Clock, ImageJobRepository, ModelRepository, Objects, Publisher
from shared.stages import Status
from shared.trainers import trainer as spec_of
from shared.usable_models import usable_model


def prepare_images(
    event: ImagesRequested,
    *,
    images: ImageJobRepository,
    models: ModelRepository,
    kept: Objects,
    publisher: Publisher,
    clock: Clock,
    new_nonce: Callable[[], str],
    ttl_s: float,
) -> ImageJob:
    """Note a nonce where that is due, then announce the weights while nobody has begun to submit.

    `ModelErased` where the model is being deleted, `ModelNotFound` where a file of it is gone.
    """
    job = images.get(event.training_id)
    if job.status is Status.REQUESTED:
        nonce = new_nonce()
        job = images.update(job.id, lambda j: _prepared(j, nonce, clock.now()))
    if job.awaits_submission and job.nonce:
        model = usable_model(job.model_id, models)
        # the nonce is in the URL: by it the request is found again in fal.ai's list (fal.md §1)
        urls = [kept.sign(name, ttl_s=ttl_s, download_name=f"{job.nonce}.safetensors") for name in _names(model, kept)]
        expires_at = (clock.now() + timedelta(seconds=ttl_s)).timestamp()
        event_out = ImagesPrepared(training_id=job.id, nonce=job.nonce, weights_urls=urls, expires_at=expires_at)
        publisher.publish(event_out)
        logs.info("images_prepared", training_id=job.id, model_id=model.id)
    return job


def _prepared(job: ImageJob, nonce: str, at: datetime) -> ImageJob:
    if job.status is not Status.REQUESTED:
        return job
    return job.advance(Status.PACKAGED, at=at, reason="the weights are ready", nonce=nonce)


def _names(model: Model, kept: Objects) -> list[str]:
    """The objects of the model's weights, in the order in which its trainer gives them."""
    by_part = {file.part: file.uri.removeprefix(f"{kept.uri}/") for file in model.files}
    names = [by_part.get(output.part, "") for output in spec_of(model.trainer).weights]
    if not all(name and kept.stat(name) for name in names):
        raise ModelNotFound(id=model.id)
    return names
