"""What is left to do when a training has ended, whoever ended it."""

from __future__ import annotations

from shared.events import TrainingFinished
from shared.ports import AccountRepository, Clock, Objects, Publisher
from shared.trainings import Training


def archive_prefix(training_id: str) -> str:
    """Where a training's ZIPs lie in the datasets bucket."""
    return f"trainings/{training_id}/"


def archive_name(training_id: str, nonce: str) -> str:
    """The ZIP of one packaging attempt; fal.ai wants the `.zip` in the path (fal.md §3)."""
    return f"{archive_prefix(training_id)}{nonce}.zip"


def finish_training(
    training: Training, *, publisher: Publisher, datasets: Objects, accounts: AccountRepository, clock: Clock
) -> None:
    """Settle what `training` cost, announce that it ended, then delete its ZIPs; safe to repeat.

    In this order, because a ZIP that is still there is what makes the monitor finish a training that nobody finished.
    """
    usd = training.settled_usd
    accounts.update(training.owner_id, lambda account: account.settle(training.id, usd, at=clock.now()))
    publisher.publish(TrainingFinished(training_id=training.id, status=training.status, model_id=training.model_id))
    for found in list(datasets.list(archive_prefix(training.id))):
        datasets.delete(found.name)
