"""Looking at what there is to erase: the same for a dry run and for the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from shared.erasing.plan import Inventory, Plan
from shared.erasing.things import BUCKET_OF, Bucket, Step, Subject
from shared.errors import ImagesNotFound, ModelNotFound, TrainingNotFound
from shared.image_jobs import ImageJob
from shared.models import Model, model_id
from shared.ports import ImageJobRepository, ModelRepository, Objects, Page, ShootRepository, TrainingRepository
from shared.trainings import Training

PAGE = 100

T = TypeVar("T")
Buckets = Mapping[Bucket, Objects]


def take_inventory(
    subject: Subject,
    subject_id: str,
    owner_id: str,
    *,
    with_shoots: bool,
    trainings: TrainingRepository,
    images: ImageJobRepository,
    models: ModelRepository,
    shoots: ShootRepository,
) -> Inventory:
    """Everything that the owner has of the subject, and nothing of anybody else's; empty where there is nothing."""
    if subject is Subject.PERSON:
        of_person = [t for t in everything_of(trainings.list_for_owner, owner_id) if t.person_id == subject_id]
        its_models = [m for m in everything_of(models.list_for_owner, owner_id) if m.person_id == subject_id]
        return Inventory(
            subject=subject,
            trainings=of_person,
            images=[i for i in everything_of(images.list_for_owner, owner_id) if i.person_id == subject_id],
            models=its_models,
            continuing=_continuing(its_models, of_person),
            shoots=[s for s in everything_of(shoots.list_for_owner, owner_id) if s.person_id == subject_id],
            versions=_versions(of_person, models),
            with_shoots=with_shoots,
        )
    if subject is Subject.IMAGES:
        return Inventory(subject=subject, images=_set_of_images(subject_id, owner_id, images))
    if subject is Subject.TRAINING:
        training = _training(subject_id, owner_id, trainings)
        model = _model(model_id(subject_id), owner_id, models) if training else None
        return _of_one(subject, training, model, models)
    model = _model(subject_id, owner_id, models)
    training = _training(model.training_id, owner_id, trainings) if model else None
    of_shoot = everything_of(trainings.list_for_owner, owner_id, shoot_id=model.shoot_id) if model else ()
    return replace(
        _of_one(subject, training, model, models),
        # also of a model that is gone: somebody may have asked for pictures while it went
        images=list(everything_of(images.list_for_owner, owner_id, model_id=subject_id)),
        continuing=_continuing([model], of_shoot) if model else [],
    )


def _of_one(subject: Subject, training: Training | None, model: Model | None, models: ModelRepository) -> Inventory:
    found = [training] if training else []
    its_models = [model] if model else []
    return Inventory(subject=subject, trainings=found, models=its_models, versions=_versions(found, models))


def _continuing(models: Iterable[Model], trainings: Iterable[Training]) -> list[Training]:
    ids = {model.id for model in models}
    return [training for training in trainings if training.continued_model_id in ids]


def measured(plan: Plan, buckets: Buckets, *, most: int | None = None) -> Plan:
    """The plan with what lies in `buckets` now; without steps that would find nothing there. Of the others the first,
    `most` of them at most: no further is looked."""
    return replace(plan, steps=tuple(islice(_measured(plan.steps, buckets), most)))


def _measured(steps: tuple[Step, ...], buckets: Buckets) -> Iterator[Step]:
    for step in steps:
        bucket = buckets.get(BUCKET_OF[step.what]) if step.what in BUCKET_OF else None
        if bucket is None:
            yield step
        elif found := list(bucket.list(step.place)):
            yield replace(step, count=len(found), size=sum(each.size for each in found))


def everything_of(page_of: Callable[..., Page[T]], owner_id: str, **only: str) -> Iterator[T]:
    """All that `page_of`, a repository's listing, has of the owner, page after page; of that `only` what is named."""
    cursor: str | None = None
    while True:
        page = page_of(owner_id, limit=PAGE, cursor=cursor, **only)
        yield from page.items
        if (cursor := page.next_cursor) is None:
            return


def _versions(trainings: list[Training], models: ModelRepository) -> dict[str, int]:
    numbers = {t.id: models.version_of(t.person_id, t.model_name, t.id) for t in trainings}
    return {training_id: number for training_id, number in numbers.items() if number is not None}


def _set_of_images(wanted: str, owner_id: str, images: ImageJobRepository) -> list[ImageJob]:
    try:
        found = images.get(wanted)
    except ImagesNotFound:
        return []
    return [found] if found.owner_id == owner_id else []


def _model(wanted: str, owner_id: str, models: ModelRepository) -> Model | None:
    try:
        model = models.get(wanted)
    except ModelNotFound:
        return None
    return model if model.owner_id == owner_id else None


def _training(wanted: str, owner_id: str, trainings: TrainingRepository) -> Training | None:
    try:
        training = trainings.get(wanted)
    except TrainingNotFound:
        return None
    return training if training.owner_id == owner_id else None
