"""Leftover ZIPs: pictures of people do not stay when their training has ended, whoever forgot them."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from shared import logs
from shared.errors import TrainingNotFound
from shared.finishing import finish_training
from shared.ports import ObjectInfo, Objects, Publisher, TrainingRepository
from shared.settings import MonitorSettings


def sweep_archives(
    *,
    active: frozenset[str],
    trainings: TrainingRepository,
    datasets: Objects,
    publisher: Publisher,
    now: datetime,
    settings: MonitorSettings,
) -> int:
    """Finish every ended training that still has a ZIP, and delete ZIPs of nobody's; how many were looked into.

    A ZIP that is there is the durable sign that a training has not been finished: the submitter, for one, may fail a
    training but has neither bucket nor topic.
    """
    swept = 0
    for found in islice(datasets.list("trainings/"), settings.tick_objects):
        training_id = found.name.split("/")[1]
        if training_id not in active:
            swept += _swept(training_id, found, trainings, datasets, publisher, now, settings.leftover_s)
    return swept


def _swept(
    training_id: str,
    found: ObjectInfo,
    trainings: TrainingRepository,
    datasets: Objects,
    publisher: Publisher,
    now: datetime,
    leftover_s: float,
) -> int:
    try:
        training = trainings.get(training_id)
    except TrainingNotFound:
        if (now - found.updated_at).total_seconds() < leftover_s:
            return 0
        logs.warning("archive_of_nobody", training_id=training_id)
        datasets.delete(found.name)
        return 1
    if not training.is_terminal:
        return 0
    finish_training(training, publisher=publisher, datasets=datasets)
    logs.info("archive_swept", training_id=training_id)
    return 1
