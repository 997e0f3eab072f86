"""Setting money aside for a training, within what its user may spend and run at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.accounts import Limits
from shared.errors import BudgetExceeded, TooManyTrainings, TrainingNotFound
from shared.ports import AccountRepository, TrainingRepository
from shared.stages import Attention
from shared.trainings import Training

# Between setting aside and recording lie milliseconds; what is older than this was never recorded.
GRACE = timedelta(minutes=10)


def reserve(training: Training, *, accounts: AccountRepository, trainings: TrainingRepository, limits: Limits) -> None:
    """Set the training's quote aside; nothing where that was done before. `TooManyTrainings`, `BudgetExceeded`.

    Before it refuses, money is freed that is set aside for nothing: the process died before the training was recorded.
    """
    try:
        _set_aside(training, accounts, limits)
    except (TooManyTrainings, BudgetExceeded):
        if not free_unused(training.owner_id, accounts=accounts, trainings=trainings, at=training.created_at):
            raise
        _set_aside(training, accounts, limits)


def _set_aside(training: Training, accounts: AccountRepository, limits: Limits) -> None:
    usd = training.quote.price_usd if training.quote else None
    at = training.created_at
    accounts.update(training.owner_id, lambda account: account.reserve(training.id, usd, limits=limits, at=at))


def free_unused(owner_id: str, *, accounts: AccountRepository, trainings: TrainingRepository, at: datetime) -> bool:
    """Free what the owner has had set aside for a while for trainings that never were; whether there was any."""
    account = accounts.get(owner_id)
    old = [name for name, held in account.reservations.items() if at - held.at > GRACE]
    unused = frozenset(name for name in old if not _is_under_way(name, trainings))
    if unused:
        accounts.update(owner_id, lambda account: account.released(unused))
    return bool(unused)


def _is_under_way(training_id: str, trainings: TrainingRepository) -> bool:
    try:
        return trainings.get(training_id).attention is Attention.FOLLOWED
    except TrainingNotFound:
        return False
