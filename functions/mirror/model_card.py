"""The model card: what a person wants to know who finds the weights in the bucket."""

from __future__ import annotations

from shared.models import Model
from shared.trainings import Training

_CARD = """\
# {name}, version {version}

A LoRA of the person `{person_id}` in the costume of shoot `{shoot_id}`, trained at {service} with `{trainer}`.

| | |
|---|---|
| Trigger word | `{trigger_word}` |
| Trained | {trained_at:%Y-%m-%d %H:%M} UTC |
| Pictures | {images} ({captions} with captions) |
| Parameters | {parameters} |
| Weights | {tensors} tensors, rank {rank}, {dtype}, {size:,} bytes |
| sha256 | `{sha256}` |
| Dataset fingerprint | `{fingerprint}` |
| Training | `{training_id}` |

Write `{trigger_word}` into a prompt to call up the person. The weights show a real person: keep them as private as
the pictures that they were made from.
"""


def model_card(model: Model, training: Training) -> str:
    """The card as Markdown."""
    dataset = training.dataset
    return _CARD.format(
        name=model.name,
        version=model.version,
        person_id=model.person_id,
        shoot_id=model.shoot_id,
        service=model.service,
        trainer=model.trainer,
        trigger_word=model.trigger_word,
        trained_at=model.trained_at,
        images=dataset.image_count if dataset else "?",
        captions=dataset.caption_count if dataset else "?",
        parameters=", ".join(f"{name} = {value}" for name, value in model.parameters.items()),
        tensors=model.weights.tensors,
        rank=model.weights.rank or "unknown",
        dtype=model.weights.dtype,
        size=model.size,
        sha256=model.sha256,
        fingerprint=model.dataset_fingerprint,
        training_id=model.training_id,
    )
