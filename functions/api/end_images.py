"""The use cases behind "Retry" and "More like this" of pictures."""

from __future__ import annotations

from shared import logs
from shared.errors import Conflict
from shared.events import CheckRequested
from shared.image_jobs import ImageJob, Origin
from shared.jobs import successor_key
from shared.orders import Desk
from shared.ports import ModelRepository
from shared.stages import Status
from shared.start_images import ImageWish, start_images


def retry_images(job: ImageJob, *, models: ModelRepository, desk: Desk) -> ImageJob:
    """Paid pictures are fetched again, without paying; anything else that failed is asked for anew, by a successor.

    Pressing twice is pressing once: the successor is always the same. `Conflict` where there is nothing to retry.
    """
    if job.is_recoverable:
        at = desk.clock.now()
        recovered = desk.jobs.images.update(job.id, lambda j: j.advance(Status.MIRRORING, at=at, reason="recovered"))
        logs.info("training_recovered", training_id=job.id)
        desk.publisher.publish(CheckRequested(training_id=job.id))
        return recovered
    if job.status not in (Status.FAILED, Status.CANCELED):
        raise Conflict(
            reason=f"these pictures have status {job.status}, and only failed or canceled ones can be retried"
        )
    wish = ImageWish(
        prompt=job.prompt,
        count=job.count,
        size=job.size,
        seed=job.seed,
        scale=job.scale,
        origin=job.origin,
        group_id=job.group_id,
        like_id=job.like_id,
        predecessor_id=job.id,
    )
    successor = start_images(models.get(job.model_id), successor_key(job.id), wish, desk)
    logs.info("training_retried", training_id=job.id, successor_id=successor.id)
    return successor


def more_like(job: ImageJob, key: str, *, models: ModelRepository, desk: Desk) -> ImageJob:
    """The same once more, with a new seed; `ModelNotFound` where the model was deleted since."""
    wish = ImageWish(
        prompt=job.prompt, count=job.count, size=job.size, scale=job.scale, origin=Origin.MORE, like_id=job.id
    )
    return start_images(models.get(job.model_id), key, wish, desk)
