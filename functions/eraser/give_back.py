"""What an erasure took and left: a delivery that is held up goes on when another one has long written the receipt."""

from __future__ import annotations

from contextlib import suppress

from shared.all_jobs import Jobs
from shared.erasing.inventory import everything_of
from shared.erasing.receipt import Erasure
from shared.errors import NotFound
from shared.ports import ModelRepository


def give_back(erasure: Erasure, *, jobs: Jobs, models: ModelRepository) -> None:
    """Free whatever of the owner still bears the mark of the erasure, which is over: nobody deletes it any more.

    Else a training that failed could never be recovered, and a model never be used. The receipt has forgotten whom it
    was about, so all that the owner has is looked at.
    """
    owner_id = erasure.owner_id
    trainings = everything_of(jobs.trainings.list_for_owner, owner_id)
    images = everything_of(jobs.images.list_for_owner, owner_id)
    for job in (*trainings, *images):
        if job.erasure_id == erasure.id:
            with suppress(NotFound):
                jobs.update(job.id, lambda now: now.given_back(erasure.id))
    for model in list(everything_of(models.list_for_owner, owner_id)):
        if model.erasure_id == erasure.id:
            with suppress(NotFound):
                models.update(model.id, lambda now: now.given_back(erasure.id))
