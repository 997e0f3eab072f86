"""Where a version comes from: how it differs from another one, and which version of a name is the current one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.errors import CannotContinue
from shared.manifests import DatasetDifference, Manifest, difference
from shared.models import Model
from shared.trainers import TRAINERS, TrainerSpec
from shared.trainers import trainer as spec_of


@dataclass(frozen=True, kw_only=True)
class Change:
    """A value that is not the same; None where one of the two has no such thing."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True)
class ModelDifference:
    """How a model differs from another one.

    `same_dataset` is certain, by the fingerprints; `dataset` says what is not the same, and is None where the manifest
    of one of the two is not kept. `settings` are trainer and trigger word.
    """

    same_dataset: bool
    dataset: DatasetDifference | None
    settings: tuple[Change, ...]
    parameters: tuple[Change, ...]


def model_difference(
    before: Model, after: Model, manifests: tuple[Manifest | None, Manifest | None]
) -> ModelDifference:
    """How `after` differs from `before`, with the manifests of the two in this order."""
    old, new = manifests
    return ModelDifference(
        same_dataset=before.dataset_fingerprint == after.dataset_fingerprint,
        dataset=difference(old, new) if old is not None and new is not None else None,
        settings=changes(_settings(before), _settings(after)),
        parameters=changes(before.parameters, after.parameters),
    )


def _settings(model: Model) -> dict[str, Any]:
    return {"trainer": model.trainer, "trigger_word": model.trigger_word}


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """What is not the same in two sets of named values, in the order of the names."""
    names = sorted(before.keys() | after.keys())
    found = (Change(name=name, before=before.get(name), after=after.get(name)) for name in names)
    return tuple(change for change in found if change.before != change.after)


def current_of(versions: Sequence[Model]) -> Model | None:
    """The current version of a name: the one that was promoted last, the newest one until somebody promotes."""
    promoted = [model for model in versions if model.promoted_at is not None]
    if promoted:
        return max(promoted, key=_promoted)
    return max(versions, key=lambda model: model.version, default=None)


def _promoted(model: Model) -> tuple[datetime, int]:
    assert model.promoted_at is not None
    return model.promoted_at, model.version


def promoted(model: Model, versions: Sequence[Model], *, at: datetime) -> Model:
    """`model` as the current one of `versions`; itself where somebody promoted it last already.

    It is later than every promotion before, whatever the clock says: there is always exactly one that was last.
    """
    before = [other.promoted_at for other in versions if other.promoted_at is not None]
    last = max(before, default=None)
    if last is not None and model.promoted_at == last and current_of(versions) == model:
        return model
    return replace(model, promoted_at=at if last is None else max(at, last + timedelta(microseconds=1)))


def refuse_unless_continuable(parent: Model, spec: TrainerSpec) -> None:
    """`CannotContinue` where a training with `spec` cannot go on from the weights of `parent`."""
    if spec.resume_field is None:
        can = [other.name for other in TRAINERS.values() if other.resume_field]
        raise CannotContinue(reason=f"the trainer {spec.name} always starts afresh; {_listed(can)} can continue")
    if parent.trainer != spec.endpoint:
        theirs = spec_of(parent.trainer).name
        raise CannotContinue(reason=f"it was trained with {theirs}, and {spec.name} continues only weights of its own")
    if parent.further_weights:
        raise CannotContinue(reason=f"it has several files of weights, and {spec.name} takes one")


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)
