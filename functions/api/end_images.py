"""The use cases behind "Retry" and "More like this" of pictures."""

from __future__ import annotations

from functions.api.retry_job import retry_job
from shared.image_jobs import ImageJob, Origin
from shared.orders import Desk
from shared.ports import ModelRepository
from shared.start_images import ImageWish, start_images


def retry_images(job: ImageJob, *, models: ModelRepository, desk: Desk) -> ImageJob:
    """Paid pictures are fetched again, without paying; anything else that failed is asked for anew, as `retry_job`."""
    wish = ImageWish(
        prompt=job.prompt,
        count=job.count,
        size=job.size,
        seed=job.seed,
        scale=job.scale,
        origin=job.origin,
        group_id=job.group_id,
        group_sets=job.group_sets,
        like_id=job.like_id,
        predecessor_id=job.id,
    )
    return retry_job(job, desk, lambda key: start_images(models.get(job.model_id), key, wish, desk))


def more_like(job: ImageJob, key: str, *, models: ModelRepository, desk: Desk) -> ImageJob:
    """The same once more, with a new seed; `ModelNotFound` where the model was deleted since."""
    wish = ImageWish(
        prompt=job.prompt, count=job.count, size=job.size, scale=job.scale, origin=Origin.MORE, like_id=job.id
    )
    return start_images(models.get(job.model_id), key, wish, desk)
