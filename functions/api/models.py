"""Routes of models: what came out, and how to get at it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from functions.api.auth import User
from functions.api.bodies import Body
from functions.api.plain_words import Words
from functions.api.views import DownloadFileView, DownloadView, ModelView, PageView, View, model_view
from shared import bootstrap
from shared.errors import ModelNotFound
from shared.lineage import current_of
from shared.models import Model, WeightsFile, weights_name

router = APIRouter(prefix="/v1/models", tags=["models"])


class ModelChange(Body):
    """What can be changed about a model."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "Anna as Red Riding Hood"}]})

    title: Words = Field(min_length=1, max_length=120)


class VersionsView(View):
    """The versions of one name."""

    items: list[ModelView]
    current_model_id: str = Field(description="The one that was promoted last, the newest one until somebody promotes")


def owned_model(model_id: str, user: str) -> Model:
    """The user's model; `ModelNotFound` also where it is somebody else's."""
    model = bootstrap.models().get(model_id)
    if model.owner_id != user:
        raise ModelNotFound(id=model_id)
    return model


@router.get("")
def list_models(
    user: User, limit: Annotated[int, Query(ge=1, le=100)] = 20, cursor: str | None = None
) -> PageView[ModelView]:
    """Your models, newest first."""
    page = bootstrap.models().list_for_owner(user, limit=limit, cursor=cursor)
    return PageView(items=[model_view(model) for model in page.items], next_cursor=page.next_cursor)


@router.get("/{model_id}")
def show_model(model_id: str, user: User) -> ModelView:
    """One of your models."""
    return model_view(owned_model(model_id, user))


@router.get("/{model_id}/versions")
def list_versions(model_id: str, user: User) -> VersionsView:
    """Every version of this model's name, the newest first."""
    model = owned_model(model_id, user)
    found = bootstrap.models().list_versions(user, model.person_id, model.name)
    current = current_of(found) or model
    return VersionsView(items=[model_view(version) for version in found], current_model_id=current.id)


@router.patch("/{model_id}")
def rename_model(model_id: str, change: ModelChange, user: User) -> ModelView:
    """Give your model a title; its name and version, which are in its files' names, stay."""
    owned_model(model_id, user)
    return model_view(bootstrap.models().update(model_id, lambda model: replace(model, title=change.title)))


@router.get("/{model_id}/download")
def download_model(model_id: str, user: User) -> DownloadView:
    """Signed URLs of all weights and of the configuration; whoever has them can fetch the files until they expire."""
    model = owned_model(model_id, user)
    bucket, ttl_s = bootstrap.models_bucket(), bootstrap.api_settings().download_url_ttl_s

    def signed(uri: str, file_name: str) -> str:
        return bucket.sign(uri.removeprefix(f"{bucket.uri}/"), ttl_s=ttl_s, download_name=file_name)

    def view(file: WeightsFile) -> DownloadFileView:
        name = weights_name(model.name, model.version, file.part)
        url = signed(file.uri, name)
        return DownloadFileView(url=url, file_name=name, part=file.part, size=file.size, sha256=file.sha256)

    files = [view(file) for file in model.files]
    config = f"{model.name}-v{model.version}-config.json"
    return DownloadView(
        weights=files[0],
        files=files,
        config=DownloadFileView(url=signed(model.config_uri, config), file_name=config),
        expires_at=bootstrap.clock().now() + timedelta(seconds=ttl_s),
    )
