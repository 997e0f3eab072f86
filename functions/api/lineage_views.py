"""What the API answers with about where versions come from and how they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from functions.api.views import ModelView, View, model_view
from shared.lineage import ModelDifference, model_difference
from shared.manifests import Manifest
from shared.models import Model


class ChangeView(View):
    """A value that is not the same; null where one of the two has no such thing."""

    name: str = Field(examples=["steps"])
    before: Any
    after: Any


class FilesDifferenceView(View):
    """Names of files; `same` is how many are as they were."""

    added: list[str]
    removed: list[str]
    changed: list[str]
    same: int


class DatasetDifferenceView(View):
    """What came, went and changed between two datasets; a caption comes and goes with its picture."""

    pictures: FilesDifferenceView
    captions: FilesDifferenceView


class DifferenceView(View):
    """How a model differs from another; `settings` are its trainer and trigger word."""

    same_dataset: bool
    dataset: DatasetDifferenceView | None = Field(description="Null where nobody kept what one of the two was made of")
    settings: list[ChangeView]
    parameters: list[ChangeView]


class DatasetCountsView(View):
    """How many files a model was trained on."""

    pictures: int
    captions: int


class VersionView(View):
    """A version beside others."""

    model: ModelView
    current: bool
    dataset: DatasetCountsView | None = Field(description="Null where nobody kept what it was made of")


class LineageItemView(VersionView):
    """A version in the tree of its name: how it differs from its parent, null where it has none or that is deleted."""

    parent_is_gone: bool
    difference: DifferenceView | None


class LineageView(View):
    """The versions of one name, the newest first; `parent_model_id` of each leads to the one that it grew from."""

    model_id: str
    current_model_id: str
    items: list[LineageItemView]


class DiffView(View):
    """Two models side by side and what is not the same in `after`."""

    before: VersionView
    after: VersionView
    difference: DifferenceView


@dataclass(frozen=True, kw_only=True)
class Family:
    """Versions of a name, the newest first, their manifests by the models' ids, and which of them is current."""

    versions: Sequence[Model]
    manifests: Mapping[str, Manifest | None]
    current_id: str


def lineage_view(model: Model, family: Family) -> LineageView:
    """The tree that `model` is in."""
    by_id = {version.id: version for version in family.versions}
    items = [_item(version, by_id, family) for version in family.versions]
    return LineageView(model_id=model.id, current_model_id=family.current_id, items=items)


def _item(model: Model, by_id: Mapping[str, Model], family: Family) -> LineageItemView:
    parent = by_id.get(model.parent_model_id or "")
    return LineageItemView(
        **_version_fields(model, family.manifests.get(model.id), is_current=model.id == family.current_id),
        parent_is_gone=model.parent_model_id is not None and parent is None,
        difference=_difference(parent, model, family.manifests) if parent else None,
    )


def diff_view(before: Model, after: Model, manifests: Mapping[str, Manifest | None], current: set[str]) -> DiffView:
    """The two side by side; `current` are the ids of current versions."""
    sides = [
        VersionView(**_version_fields(model, manifests.get(model.id), is_current=model.id in current))
        for model in (before, after)
    ]
    return DiffView(before=sides[0], after=sides[1], difference=_difference(before, after, manifests))


def _difference(before: Model, after: Model, manifests: Mapping[str, Manifest | None]) -> DifferenceView:
    found: ModelDifference = model_difference(before, after, (manifests.get(before.id), manifests.get(after.id)))
    return DifferenceView.model_validate(found)


def _version_fields(model: Model, manifest: Manifest | None, *, is_current: bool) -> dict[str, Any]:
    counts = DatasetCountsView(pictures=len(manifest.pictures), captions=len(manifest.captions)) if manifest else None
    return {"model": model_view(model), "current": is_current, "dataset": counts}
