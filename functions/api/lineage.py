"""Routes of versions: train a model again, see where each version comes from, and say which one is current."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field

from functions.api.auth import User
from functions.api.bodies import Body
from functions.api.given_captions import MAX_CAPTIONS
from functions.api.idempotency import IdempotencyKey
from functions.api.lineage_views import DiffView, Family, LineageView, diff_view, lineage_view
from functions.api.models import owned_model
from functions.api.promote_model import promote_model
from functions.api.retrain_model import Changes, heritage_of, refuse_to_continue, retrain_model
from functions.api.told_routes import ToldRoute
from functions.api.trainings import desk
from functions.api.views import ModelView, Samples, TrainingView, View, model_view, training_view
from shared import bootstrap
from shared.datasets import TRIGGER_WORD_PATTERN
from shared.errors import CannotContinue, InvalidRequest, ModelErased
from shared.kept_manifests import read_manifest
from shared.lineage import current_of
from shared.manifests import Manifest
from shared.models import Model
from shared.trainers import trainer as spec_of

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=ToldRoute)

# Each version in the tree has its manifest read.
SHOWN_VERSIONS = 100


class Retraining(Body):
    """What is to be different this time; what is left out is as it was for the model that is trained again."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"parameters": {"steps": 1500}, "without": ["07"]}]},
    )

    trigger_word: str | None = Field(default=None, pattern=TRIGGER_WORD_PATTERN, examples=["TOK"])
    trainer: str | None = Field(
        default=None, max_length=200, description="With another trainer, parameters begin with that one's defaults"
    )
    preset: str | None = Field(default=None, max_length=40, examples=["person"])
    parameters: Mapping[str, Any] = Field(
        default_factory=dict, max_length=100, description="Those that are not given are as they were"
    )
    captions: Mapping[str, str] | None = Field(
        default=None,
        max_length=MAX_CAPTIONS,
        description="Captions for this training alone, in the place of all that were given for the one before",
    )
    without: list[str] | None = Field(
        default=None,
        max_length=MAX_CAPTIONS,
        description="Pictures to be left out of this training alone, by their names without extensions, instead of "
        "those that were left out before",
    )
    continue_weights: bool = Field(
        default=False, description="Begin with this model's weights, where its trainer can; else afresh"
    )
    force: bool = Field(default=False, description="Train although the same gave a model or is being trained")
    samples: Samples = None


class HeritageView(View):
    """What a model was trained with, as far as that is still known."""

    trigger_word: str
    trainer: str
    preset: str | None
    parameters: dict[str, Any]
    captions: dict[str, str] = Field(description="Captions that were given for that training alone")
    without: list[str] = Field(description="Pictures that were left out, by their names without extensions")
    cannot_continue: str | None = Field(description="Why its weights cannot be continued; null where they can")


@router.post("/{model_id}/retrain", status_code=202)
def retrain(
    model_id: str,
    retraining: Retraining,
    user: User,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> TrainingView:
    """Train your model again, with the pictures that its shoot has now: the next version of its name.

    The same Idempotency-Key gives the same training, however often it is sent: it is paid once.
    """
    changes = Changes(continues=retraining.continue_weights, **retraining.model_dump(exclude={"continue_weights"}))
    training = retrain_model(
        owned_model(model_id, user),
        idempotency_key or bootstrap.new_nonce(),
        changes,
        desk=desk(),
        kept=bootstrap.models_bucket(),
    )
    response.headers["Location"] = f"/v1/trainings/{training.id}"
    return training_view(training, bootstrap.clock().now())


@router.get("/{model_id}/retraining")
def show_retraining(model_id: str, user: User) -> HeritageView:
    """What your model was trained with: what a form for training it again begins with."""
    model = owned_model(model_id, user)
    found = heritage_of(model, bootstrap.trainings())
    why_not = None
    try:
        refuse_to_continue(model, spec_of(model.trainer), bootstrap.models_bucket())
    except (CannotContinue, ModelErased) as error:
        why_not = error.message
    return HeritageView.model_validate({**vars(found), "without": list(found.without), "cannot_continue": why_not})


@router.post("/{model_id}/promote")
def promote(model_id: str, user: User) -> ModelView:
    """Make this the current version of its name; until anybody does that, the newest one is."""
    model = owned_model(model_id, user)
    return model_view(promote_model(model, models=bootstrap.models(), clock=bootstrap.clock()))


@router.get("/{model_id}/lineage")
def show_lineage(model_id: str, user: User) -> LineageView:
    """Every version of this model's name as a tree: from which it grew, and what was different then."""
    model = owned_model(model_id, user)
    versions = _versions_of(model)
    shown = versions[:SHOWN_VERSIONS]
    family = Family(versions=shown, manifests=_manifests(shown), current_id=_current_id(versions))
    return lineage_view(model, family)


@router.get("/{model_id}/diff")
def diff_models(
    model_id: str,
    user: User,
    against: Annotated[
        str | None, Query(description="By default the model that was trained again, else the version before")
    ] = None,
) -> DiffView:
    """Your model beside another one of yours: pictures, captions, settings, parameters and cost."""
    after = owned_model(model_id, user)
    before = owned_model(against, user) if against else _before(after)
    current = {_current_id(_versions_of(model)) for model in (before, after)}
    return diff_view(before, after, _manifests([before, after]), current)


def _versions_of(model: Model) -> list[Model]:
    return bootstrap.models().list_versions(model.owner_id, model.person_id, model.name)


def _current_id(versions: list[Model]) -> str:
    current = current_of(versions)
    return current.id if current else ""


def _before(model: Model) -> Model:
    versions = _versions_of(model)
    parent = next((other for other in versions if other.id == model.parent_model_id), None)
    older = next((other for other in versions if other.version < model.version), None)
    if (found := parent or older) is None:
        raise InvalidRequest(reason="there is no version before this one: say which model to compare with (against)")
    return found


def _manifests(models: Iterable[Model]) -> dict[str, Manifest | None]:
    wanted = list(models)
    bucket = bootstrap.models_bucket()
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = pool.map(lambda model: read_manifest(model, bucket), wanted)
        return {model.id: manifest for model, manifest in zip(wanted, found, strict=True)}
