"""Where artifacts lie until they are verified, and how that place is kept empty."""

from __future__ import annotations

from shared.models import STAGING, staging_prefix
from shared.ports import Clock, Objects


def clear_staging(training_id: str, *, bucket: Objects, clock: Clock, abandoned_s: float) -> None:
    """Delete what was fetched for the training, and what any mirror left behind `abandoned_s` ago when it was killed.

    `StorageUnavailable` where the bucket refuses; the training has its end already, and redelivery clears up.
    """
    now = clock.now()
    for found in list(bucket.list(STAGING)):
        abandoned = (now - found.updated_at).total_seconds() >= abandoned_s
        if abandoned or found.name.startswith(staging_prefix(training_id)):
            bucket.delete(found.name)
