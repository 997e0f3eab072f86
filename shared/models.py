"""A model: weights and configuration of one finished training, kept and versioned by name. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.errors import ErasedByAnother


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What the safetensors header tells: number of tensors, LoRA rank (None where it cannot be told), dtype, format."""

    tensors: int
    rank: int | None
    dtype: str
    format: str | None = None


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """One verified file of weights: its gs:// URI, its bytes, and what tells it apart where there are several."""

    uri: str
    size: int
    sha256: str
    crc32c: str
    weights: Weights
    part: str = ""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model as it is stored; `lora_uri` and `config_uri` are gs:// URIs in the models bucket, `size` is bytes.

    `name` and `version` are in the files' names and stay; `title` is what its owner calls it. What is said of the
    weights is of the first file; a trainer that gives several has the others in `further_weights`. `parent_model_id` is
    the model that was trained again, or, where it `continues`, whose weights this training began with. Of the versions
    of a name the one with the latest `promoted_at` is the current one (`shared/lineage.py`). With an `erasure_id` it is
    about to be deleted, and nothing more is made with it.
    """

    id: str
    person_id: str
    owner_id: str
    shoot_id: str
    training_id: str
    name: str
    version: int
    trainer: str
    trigger_word: str
    lora_uri: str
    config_uri: str
    size: int
    sha256: str
    crc32c: str
    weights: Weights
    dataset_fingerprint: str
    parameters: Mapping[str, Any]
    trained_at: datetime
    service: str = "fal.ai"
    parent_model_id: str | None = None
    title: str | None = None
    recipe: str = ""
    cost_usd: float | None = None
    part: str = ""
    further_weights: tuple[WeightsFile, ...] = ()
    continues: bool = False
    promoted_at: datetime | None = None
    erasure_id: str | None = None

    @property
    def files(self) -> tuple[WeightsFile, ...]:
        """Every file of weights, the first one first."""
        first = WeightsFile(
            part=self.part,
            uri=self.lora_uri,
            size=self.size,
            sha256=self.sha256,
            crc32c=self.crc32c,
            weights=self.weights,
        )
        return (first, *self.further_weights)

    def given_to(self, erasure_id: str, *, instead_of: str | None = None) -> Model:
        """This model, about to be deleted by that erasure; `ErasedByAnother` where another one has it.

        `instead_of` is one that had it and is over.
        """
        if self.erasure_id not in (None, erasure_id, instead_of):
            raise ErasedByAnother(id=self.id, erasure_id=self.erasure_id)
        return replace(self, erasure_id=erasure_id)

    def given_back(self, erasure_id: str) -> Model:
        """This model without the mark of that erasure, which is over and has left it."""
        return replace(self, erasure_id=None) if self.erasure_id == erasure_id else self


def recipe(
    fingerprint: str,
    *,
    trainer: str,
    trigger_word: str,
    parameters: Mapping[str, Any],
    continued_model_id: str | None = None,
) -> str:
    """What identifies a training's input: the same recipe gives a model of the same pictures, words and parameters.

    And of the same weights to begin with, where it continues a model.
    """
    wanted = [fingerprint, trainer, trigger_word, sorted(parameters.items())]
    if continued_model_id is not None:
        wanted.append(continued_model_id)
    return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()


def latest_by_shoot(models: Iterable[Model]) -> dict[str, Model]:
    """The model of each shoot that was trained last, by the shoot's id."""
    return {model.shoot_id: model for model in sorted(models, key=lambda model: (model.trained_at, model.id))}


def model_id(training_id: str) -> str:
    """The id of the model that a training gives: derived, so that mirroring twice gives one model."""
    return f"m_{training_id.removeprefix('t_')}"


def name_key(person_id: str, name: str) -> str:
    """Under what the numbers of a name's versions are kept: they outlive what is erased, so it does not tell whose."""
    return hashlib.sha256(f"{person_id}\0{name}".encode()).hexdigest()


def version_prefix(person_id: str, name: str, version: int) -> str:
    """Where the files of a version lie in the models bucket."""
    return f"models/{person_id}/{name}/v{version}/"


DESCRIPTION = "model.json"
"""What the file is called that says which model a version's folder is for; it is the first one there."""


def weights_name(name: str, version: int, part: str = "") -> str:
    """What the file of that part of a version is called, in the bucket and where it is downloaded."""
    return f"{name}-v{version}{f'-{part}' if part else ''}.safetensors"


def failed_log_name(training_id: str) -> str:
    """Where fal.ai's whole log of a failed run lies in the models bucket."""
    return f"logs/{training_id}.log"


STAGING = "incoming/"
"""Where artifacts lie in the models bucket until they are verified."""


def staging_prefix(training_id: str) -> str:
    """The same, of one training."""
    return f"{STAGING}{training_id}/"
