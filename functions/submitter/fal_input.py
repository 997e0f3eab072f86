"""What fal.ai is sent for a training, and what of it is kept. Pure."""

from __future__ import annotations

from typing import Any

from shared.datasets import with_trigger
from shared.trainers import TrainerSpec
from shared.training_records import SentInput
from shared.trainings import Training

NOT_KEPT = "(a signed URL, not kept)"


def input_of(training: Training, spec: TrainerSpec, archive_url: str, parent_url: str | None = None) -> dict[str, Any]:
    """The bare model input; `parent_url` is that of the weights to continue from.

    A trainer without a field for the trigger word finds it in the captions; so pictures without one, for which it has
    a default caption, find it there.
    """
    fields: dict[str, Any] = {spec.data_field: archive_url, **training.parameters}
    if spec.trigger_field:
        fields[spec.trigger_field] = training.trigger_word
    if spec.default_caption:
        fields[spec.default_caption] = with_trigger(str(fields[spec.default_caption]), training.trigger_word)
    if spec.resume_field and parent_url is not None:
        fields[spec.resume_field] = parent_url
    return fields


def kept_input(training: Training, spec: TrainerSpec) -> SentInput:
    """The input as it is kept with the training: exactly what is sent, but for the fields that are signed URLs."""
    fields = input_of(training, spec, NOT_KEPT, NOT_KEPT if training.continues else None)
    return SentInput(endpoint=spec.endpoint, trainer_version=spec.version, fields=fields)
