"""Trainings that were given up while nobody knew what fal.ai makes of them: paid weights are not forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared import logs
from shared.events import ResultReported
from shared.ports import Publisher, RunState, Trainer, TrainingRepository
from shared.settings import MonitorSettings
from shared.stages import Attention
from shared.training_records import FalJob
from shared.trainings import Training


def look_back(
    training: Training,
    *,
    trainings: TrainingRepository,
    trainer: Trainer,
    publisher: Publisher,
    settings: MonitorSettings,
    now: datetime,
) -> None:
    """Ask fal.ai about a given up training; a run that ended is reported, and the mirror tells its user.

    After `watch_s` nobody asks any more. Raises `ProductError` where something does not answer; it is that training's
    turn again after the interval all the same.
    """
    if (now - training.since).total_seconds() > settings.watch_s:
        logs.warning("training_no_longer_watched", training_id=training.id)
        trainings.update(training.id, lambda t: t.unwatched(at=now))
        return
    trainings.update(training.id, lambda t: _looked_at(t, now))
    job = training.fal or _found(training, trainer)
    if job is not None and trainer.status(job, log=False).state is RunState.COMPLETED:
        logs.info("late_result_found", training_id=training.id, request_id=job.request_id)
        publisher.publish(
            ResultReported(training_id=training.id, nonce=job.nonce, request_id=job.request_id, reported_by="monitor")
        )


def _looked_at(training: Training, now: datetime) -> Training:
    return replace(training, updated_at=now) if training.attention is Attention.WATCHED else training


def _found(training: Training, trainer: Trainer) -> FalJob | None:
    if training.claim is None:
        return None
    return trainer.find(training.trainer, training.claim.nonce, since=training.created_at)
