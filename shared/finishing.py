"""What is left to do when a training has ended, whoever ended it."""

from __future__ import annotations

from shared import logs
from shared.accounts import Account
from shared.events import TrainingFinished
from shared.ports import AccountRepository, Clock, Objects, Publisher, TrainingRepository
from shared.stages import Attention
from shared.trainings import Training


def archive_prefix(training_id: str) -> str:
    """Where a training's ZIPs lie in the datasets bucket, and the manifests of what is in them."""
    return f"trainings/{training_id}/"


def archive_name(training_id: str, nonce: str) -> str:
    """The ZIP of one packaging attempt; fal.ai wants the `.zip` in the path (fal.md §3)."""
    return f"{archive_prefix(training_id)}{nonce}.zip"


def finish_training(
    training: Training,
    *,
    trainings: TrainingRepository,
    publisher: Publisher,
    datasets: Objects,
    accounts: AccountRepository,
    clock: Clock,
) -> None:
    """Settle what `training` cost, announce that it ended, delete its ZIPs, and note that this is done.

    Safe to repeat: the monitor finishes whatever has ended and has no such note, so what a crash leaves undone is done
    at its next tick. Of a finished training only ZIPs are deleted that came to light since.
    """
    due = training.attention is Attention.FOLLOWED
    if due:
        if _settled(training, accounts, clock):
            _log_figures(training)
        event = TrainingFinished(training_id=training.id, status=training.status, model_id=training.model_id)
        publisher.publish(event)
    found = list(datasets.list(archive_prefix(training.id)))
    for archive in found:
        datasets.delete(archive.name)
    if found:
        archives = sum(1 for archive in found if archive.name.endswith(".zip"))
        logs.info("archive_deleted", training_id=training.id, archives=archives)
    if due:
        # one that was recovered meanwhile has its new end still before it
        trainings.update(training.id, lambda t: t.finished(at=clock.now()) if t.history == training.history else t)


def _settled(training: Training, accounts: AccountRepository, clock: Clock) -> bool:
    """Whether this call turned the reservation into what was spent; of all that finish a training one does."""
    held = False

    def settle(account: Account) -> Account:
        nonlocal held
        held = training.id in account.reservations
        return account.settle(training.id, training.settled_usd, at=clock.now())

    accounts.update(training.owner_id, settle)
    return held


# a metric's label is a word
_WORDS = {True: "yes", False: "no", None: "unknown"}


def _log_figures(training: Training) -> None:
    """The figures of an ended training, once: metrics are made of them (docs/observability.md)."""
    ended_at = training.since
    logs.info(
        "training_finished",
        training_id=training.id,
        trainer=training.trainer,
        status=training.status,
        code=training.error.code if training.error else "none",
        stage=training.error.stage if training.error else "none",
        charged=_WORDS[training.charged],
        cost_usd=training.settled_usd,
        total_s=(ended_at - training.created_at).total_seconds(),
        stage_s={str(stage): seconds for stage, seconds in training.stage_seconds(ended_at).items()},
    )
