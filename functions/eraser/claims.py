"""What an erasure takes for itself before it deletes it, what stays, and what it has to wait for.

Whatever is taken bears the erasure's id, so of two erasures of the same thing one deletes it, and counts it. A model is
marked before it is looked who needs it, and whoever is about to pay looks at the model after the claim: one of the two
sees the other. Nobody waits in a circle: a training waits for its model, a model for pictures, pictures for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from shared.all_jobs import Jobs
from shared.erasing.hindrances import uses_of
from shared.erasing.plan import Inventory, models_going, trainings_going
from shared.erasing.things import Line, Subject, What
from shared.erasing.words import BEGUN_AGAIN, BY_ANOTHER
from shared.errors import Conflict, ErasedByAnother, ErasureNotFound, ErasureWaits, ModelInUse, NotFound, ProductError
from shared.jobs import Job
from shared.models import Model
from shared.ports import ErasureRepository, ModelRepository

Verdicts = Mapping[str, ProductError | None]
"""Why something could not be taken, by its id; None where it was taken. What is not there was not tried."""


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """What may be deleted now; what was begun again, and stays; what another erasure deletes; what is waited for."""

    found: Inventory
    begun_again: tuple[Line, ...]
    others: tuple[Line, ...]
    waits_for: tuple[ErasureWaits, ...]


@dataclass(frozen=True, kw_only=True)
class Claimer:
    """Takes things for one erasure; `inventory` takes its inventory anew."""

    erasure_id: str
    inventory: Callable[[], Inventory]
    jobs: Jobs
    models: ModelRepository
    erasures: ErasureRepository

    def claim(self) -> Claimed:
        """Take all that can be taken."""
        verdicts: dict[str, ProductError | None] = {}
        found = self.inventory()
        while True:
            verdicts |= self._trainings(found, verdicts)
            models = self._models(found, verdicts)
            verdicts |= models
            if not models:
                break
            # what was asked for before its model was marked is on record by now
            found = self.inventory()
        verdicts |= {job.id: self.refused(job) for job in found.images}
        return _sorted(found, verdicts)

    def refused(self, job: Job) -> ProductError | None:
        """Take the job: it does not begin again. Why that is not possible; None where it is done."""
        if job.erasure_id == self.erasure_id:
            return None
        instead_of = self._over(job.erasure_id)
        try:
            self.jobs.update(job.id, lambda now: now.given_to(self.erasure_id, instead_of=instead_of))
        except (Conflict, ErasureWaits, NotFound) as error:
            return error
        return None

    def _trainings(self, found: Inventory, before: Verdicts) -> dict[str, ProductError | None]:
        """Trainings that go are taken; a model's own is only looked at."""
        take = self._held if found.subject is Subject.MODEL else self.refused
        return {job.id: take(job) for job in found.trainings if job.id not in before}

    def _models(self, found: Inventory, before: Verdicts) -> dict[str, ProductError | None]:
        """Models that go are marked, but for those whose training was begun again; a training's own is looked at."""
        take = self._held if found.subject is Subject.TRAINING else self._refused_model
        new = (model for model in found.models if model.id not in before)
        return {model.id: take(model) for model in new if not isinstance(before.get(model.training_id), Conflict)}

    def _refused_model(self, model: Model) -> ProductError | None:
        instead_of = self._over(model.erasure_id)
        try:
            self.models.update(model.id, lambda now: now.given_to(self.erasure_id, instead_of=instead_of))
        except (ErasureWaits, NotFound) as error:
            return error
        return None

    def _held(self, thing: Job | Model) -> ProductError | None:
        """Why somebody else has it; it is not taken."""
        if thing.erasure_id in (None, self.erasure_id, self._over(thing.erasure_id)):
            return None
        return ErasedByAnother(id=thing.id, erasure_id=thing.erasure_id)

    def _over(self, erasure_id: str | None) -> str | None:
        """The erasure, where it is another one that deletes nothing any more: its mark came back with a backup."""
        if erasure_id in (None, self.erasure_id):
            return None
        try:
            return erasure_id if self.erasures.get(erasure_id).has_receipt else None
        except ErasureNotFound:
            return erasure_id


def _sorted(found: Inventory, verdicts: Verdicts) -> Claimed:
    waits = _waits(found, verdicts)

    def ready(thing: Job | Model) -> bool:
        return thing.id in verdicts and verdicts[thing.id] is None and thing.id not in waits

    begun_again = {id_ for id_, error in verdicts.items() if isinstance(error, Conflict) and id_ not in waits}
    going = replace(
        found,
        trainings=[training for training in found.trainings if ready(training)],
        images=[job for job in found.images if ready(job)],
        models=found.models if found.subject is Subject.TRAINING else [m for m in found.models if ready(m)],
    )
    return Claimed(
        found=going,
        begun_again=tuple(_lines(found, lambda id_: BEGUN_AGAIN if id_ in begun_again else "")),
        others=tuple(_lines(found, lambda id_: _by_another(verdicts.get(id_)))),
        waits_for=tuple(waits.values()),
    )


def _waits(found: Inventory, verdicts: Verdicts) -> dict[str, ErasureWaits]:
    """What cannot be deleted yet, although nobody begins it again, and why, by its id."""
    waits = {id_: error for id_, error in verdicts.items() if isinstance(error, ErasureWaits)}
    if found.subject in (Subject.MODEL, Subject.PERSON):
        for model_id in dict.fromkeys((*(m.id for m in found.models), *(job.model_id for job in found.images))):
            if reason := uses_of(model_id, found):
                waits[model_id] = ModelInUse(id=model_id, reason=reason)
    for job in found.images:
        if job.id in waits:
            waits.setdefault(job.model_id, waits[job.id])
    for model in found.models:
        # of a model that goes by itself the training is left to whoever has it
        if model.id in waits and found.subject is not Subject.MODEL:
            waits.setdefault(model.training_id, waits[model.id])
    return waits


def _by_another(error: ProductError | None) -> str:
    return BY_ANOTHER.format_map(error.facts) if isinstance(error, ErasedByAnother) else ""


def _lines(found: Inventory, reason_of: Callable[[str], str]) -> Iterator[Line]:
    """A line for each kind and reason."""
    kinds = ((What.IMAGES, found.images), (What.MODEL, models_going(found)), (What.TRAINING, trainings_going(found)))
    for what, things in kinds:
        for thing in things:
            if reason := reason_of(thing.id):
                yield Line(what=what, count=1, of=(thing.id,), reason=reason)
