"""The model card: what a person wants to know who finds the weights in the bucket."""

from __future__ import annotations

from collections.abc import Iterator

from shared.models import Model, WeightsFile
from shared.trainers import TrainerSpec
from shared.trainers import trainer as spec_of
from shared.trainings import Training

_CARD = """\
# {name}, version {version}

A LoRA of the person `{person_id}` in the costume of shoot `{shoot_id}`, trained at {service} with `{trainer}` on
{base_model}.

| | |
|---|---|
| Trigger word | `{trigger_word}` |
| Trained | {trained_at:%Y-%m-%d %H:%M} UTC |
| Pictures | {images} ({captions} with captions) |
| Parameters | {parameters} |
{weights}
| Dataset fingerprint | `{fingerprint}` |
| Training | `{training_id}` |

Write `{trigger_word}` into a prompt to call up the person. {use} The weights show a real person: keep them as private
as the pictures that they were made from.
"""


def model_card(model: Model, training: Training) -> str:
    """The card as Markdown."""
    dataset, spec = training.dataset, spec_of(model.trainer)
    return _CARD.format(
        name=model.name,
        version=model.version,
        person_id=model.person_id,
        shoot_id=model.shoot_id,
        service=model.service,
        trainer=model.trainer,
        base_model=spec.base_model.title,
        trigger_word=model.trigger_word,
        trained_at=model.trained_at,
        images=dataset.image_count if dataset else "?",
        captions=dataset.caption_count if dataset else "?",
        parameters=", ".join(f"{name} = {value}" for name, value in model.parameters.items()),
        weights="\n".join(row for file in model.files for row in _rows(file)),
        fingerprint=model.dataset_fingerprint,
        training_id=model.training_id,
        use=_use(model, spec),
    )


def _rows(file: WeightsFile) -> Iterator[str]:
    name, about = f", {file.part}" if file.part else "", file.weights
    told = f"{about.tensors} tensors, rank {about.rank or 'unknown'}, {about.dtype}, {file.size:,} bytes"
    yield f"| Weights{name} | {told} |"
    yield f"| sha256{name} | `{file.sha256}` |"


def _use(model: Model, spec: TrainerSpec) -> str:
    pictures = spec.base_model.pictures
    together = "All its files are used together. " if len(model.files) > 1 else ""
    return together + (f"`{pictures.endpoint}` makes pictures with it." if pictures else "")
