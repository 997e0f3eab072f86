"""Looking at what there is to erase: the same for a dry run and for the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
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
        return Inventory(
            subject=subject,
            trainings=of_person,
            images=[i for i in everything_of(images.list_for_owner, owner_id) if i.person_id == subject_id],
            models=[m for m in everything_of(models.list_for_owner, owner_id) if m.person_id == subject_id],
            shoots=[s for s in everything_of(shoots.list_for_owner, owner_id) if s.person_id == subject_id],
            versions=_versions(of_person, models),
            with_shoots=with_shoots,
        )
    if subject is Subject.IMAGES:
        return Inventory(subject=subject, images=_set_of_images(subject_id, owner_id, images))
    model = _model(subject_id if subject is Subject.MODEL else model_id(subject_id), owner_id, models)
    its_training = model.training_id if model else None
    training = _training(subject_id if subject is Subject.TRAINING else its_training, owner_id, trainings)
    if subject is Subject.TRAINING and training is None:
        return Inventory(subject=subject)
    found = [training] if training else []
    # also of a model that is gone: somebody may have asked for pictures while it went
    of_model = everything_of(partial(images.list_for_owner, model_id=subject_id), owner_id)
    return Inventory(
        subject=subject,
        trainings=found,
        images=list(of_model) if subject is Subject.MODEL else [],
        models=[model] if model else [],
        versions=_versions(found, models),
    )


def measured(plan: Plan, buckets: Buckets) -> Plan:
    """The plan with what lies in `buckets` now; without steps that would find nothing there."""
    return replace(plan, steps=tuple(_measured(plan.steps, buckets)))


def _measured(steps: tuple[Step, ...], buckets: Buckets) -> Iterator[Step]:
    for step in steps:
        bucket = buckets.get(BUCKET_OF[step.what]) if step.what in BUCKET_OF else None
        if bucket is None:
            yield step
        elif found := list(bucket.list(step.place)):
            yield replace(step, count=len(found), size=sum(each.size for each in found))


def everything_of(page_of: Callable[..., Page[T]], owner_id: str) -> Iterator[T]:
    """All that `page_of`, a repository's listing, has of the owner, page after page."""
    cursor: str | None = None
    while True:
        page = page_of(owner_id, limit=PAGE, cursor=cursor)
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


def _training(wanted: str | None, owner_id: str, trainings: TrainingRepository) -> Training | None:
    try:
        training = trainings.get(wanted) if wanted else None
    except TrainingNotFound:
        return None
    return training if training and training.owner_id == owner_id else None
