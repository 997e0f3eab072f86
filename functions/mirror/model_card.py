"""The model card: what a person wants to know who finds the weights in the bucket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from functions.mirror.origin import Origin
from shared.lineage import Change
from shared.manifests import DatasetDifference, FilesDifference
from shared.models import Model, WeightsFile
from shared.trainers import TrainerSpec
from shared.trainers import trainer as spec_of
from shared.trainings import Training

_NAMES = 12

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
{origin}

Write `{trigger_word}` into a prompt to call up the person. {use} The weights show a real person: keep them as private
as the pictures that they were made from.
"""


def model_card(model: Model, training: Training, origin: Origin) -> str:
    """The card as Markdown. Which version is the current one is not in it: that changes without the files."""
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
        origin="\n".join(f"| {name} | {told} |" for name, told in _origin_rows(model, training, origin)),
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


def _origin_rows(model: Model, training: Training, origin: Origin) -> Iterator[tuple[str, str]]:
    yield "Cost", f"${model.cost_usd:.2f}" if model.cost_usd is not None else "not known"
    if training.without:
        yield "Pictures left out", _names(training.without)
    if model.parent_model_id is None:
        yield "Begun", "afresh"
        return
    parent, difference = origin.parent, origin.difference(model)
    named = f"`{model.parent_model_id}`" + (f", version {parent.version}" if parent else ", deleted since")
    yield ("Continues", f"the weights of {named}") if model.continues else ("Trained again from", named)
    if difference is None:
        return
    same = "the same" if difference.same_dataset else "another one"
    yield "Dataset against that", _dataset_words(difference.dataset) if difference.dataset else same
    yield "Settings against that", _change_words((*difference.settings, *difference.parameters))


def _dataset_words(difference: DatasetDifference) -> str:
    told = (*_file_words("pictures", difference.pictures), *_file_words("captions", difference.captions))
    return "; ".join(told) or "the same"


def _file_words(what: str, files: FilesDifference) -> Iterator[str]:
    for verb, names in (("added", files.added), ("removed", files.removed), ("changed", files.changed)):
        if names:
            yield f"{len(names)} {what} {verb}: {_names(names)}"


def _change_words(changes: Sequence[Change]) -> str:
    return ", ".join(f"{c.name}: {_value(c.before)} → {_value(c.after)}" for c in changes) or "the same"


def _value(value: object) -> str:
    return "none" if value is None else str(value)


def _names(names: Sequence[str]) -> str:
    """The first few as code: a stranger's name of a file is no Markdown."""
    shown = ", ".join(f"`{_plain(name)}`" for name in names[:_NAMES])
    return f"{shown} and {len(names) - _NAMES} more" if len(names) > _NAMES else shown


def _plain(name: str) -> str:
    return name.replace("`", "'").replace("|", "/")
