"""Where a model comes from: the manifest of its dataset, and the model that was trained again."""

from __future__ import annotations

from dataclasses import dataclass

from shared import logs
from shared.errors import ModelNotFound
from shared.kept_manifests import read_manifest
from shared.lineage import ModelDifference, model_difference
from shared.manifests import FILE_NAME, Manifest, manifest_name, to_bytes
from shared.models import Model, staging_prefix
from shared.ports import ModelRepository, Objects
from shared.trainings import Training


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What is known of it: None where there is no parent, where it was deleted, or where no manifest was kept."""

    manifest: Manifest | None = None
    parent: Model | None = None
    parent_manifest: Manifest | None = None

    def difference(self, model: Model) -> ModelDifference | None:
        """How `model` differs from its parent; None without one."""
        if self.parent is None:
            return None
        return model_difference(self.parent, model, (self.parent_manifest, self.manifest))


def origin_of(training: Training, *, models: ModelRepository, datasets: Objects, bucket: Objects) -> Origin:
    """The training's origin. Its manifest is staged before anything is fetched: it goes with the ZIP when the training
    fails, and weights that are recovered later have to tell of their dataset all the same.
    """
    parent = _parent(training, models)
    return Origin(
        manifest=_staged(training, datasets, bucket),
        parent=parent,
        parent_manifest=read_manifest(parent, bucket) if parent is not None else None,
    )


def _parent(training: Training, models: ModelRepository) -> Model | None:
    if training.parent_model_id is None:
        return None
    try:
        return models.get(training.parent_model_id)
    except ModelNotFound:
        logs.info("parent_is_gone", training_id=training.id, model_id=training.parent_model_id)
        return None


def _staged(training: Training, datasets: Objects, bucket: Objects) -> Manifest | None:
    assert training.dataset is not None, "a mirrored training was packaged"
    name = f"{staging_prefix(training.id)}{FILE_NAME}"
    if (found := read_manifest(manifest_name(training.dataset.archive), datasets)) is not None:
        bucket.write(name, [to_bytes(found)], content_type="application/json")
        return found
    return read_manifest(name, bucket)
