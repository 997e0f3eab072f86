"""An erasure as it is stored, from the wish to the receipt that it becomes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from shared.erasing.plan import Plan, next_batch
from shared.erasing.things import Line, Step, Subject, What, line_of, together, with_news
from shared.erasing.words import GENERAL, GONE_BEFORE


class State(StrEnum):
    """Where an erasure stands. One that is open and has its receipt is looked at once more (`Erasure.again`)."""

    OPEN = "open"
    DONE = "done"


class Cause(StrEnum):
    """Why something is erased: its owner asked, or its time had come."""

    ASKED = "asked"
    RETENTION = "retention"


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """One erasure as it is stored; when it is done, it is its own receipt and holds neither names nor a person's id.

    `batch` are the steps at hand: what they deleted counts when all of them are through. `gone` is what others had
    deleted, of what it was to delete. `hindrance` says why it waits.
    `again` are steps that are repeated at `again_at`, when it has its receipt already, and then forgotten: who had
    begun with one of these jobs before may have written since.
    """

    id: str
    owner_id: str
    subject: Subject
    subject_id: str
    state: State
    cause: Cause
    requested_at: datetime
    updated_at: datetime
    with_shoots: bool = False
    finished_at: datetime | None = None
    batch: tuple[Step, ...] = ()
    deleted: tuple[Line, ...] = ()
    gone: tuple[Line, ...] = ()
    stays: tuple[Line, ...] = ()
    hindrance: str = ""
    again: tuple[Step, ...] = ()
    again_at: datetime | None = None

    @property
    def has_receipt(self) -> bool:
        """Whether everything that was found is deleted."""
        return self.finished_at is not None

    @classmethod
    def requested(cls, *, at: datetime, **fields: Any) -> Self:
        """An erasure as it is asked for."""
        return cls(state=State.OPEN, requested_at=at, updated_at=at, **fields)

    def beside(self, others: Sequence[Line], *, at: datetime) -> Erasure:
        """This erasure, knowing what another one deletes."""
        told = with_news(self.gone, others)
        return self if self.has_receipt or told == self.gone else replace(self, gone=told, updated_at=at)

    def begun(self, plan: Plan, *, at: datetime, again: Sequence[Step] = ()) -> Erasure:
        """This erasure with its next batch, and with steps that are to be repeated; itself where it has one, or its
        receipt. Whoever planned what another delivery did meanwhile has to plan anew: see `unchanged`.

        What stays is told now: what leads to it is gone afterwards.
        """
        if self.batch or self.has_receipt:
            return self
        return replace(
            self,
            batch=next_batch(plan.steps),
            stays=with_news(self.stays, plan.stays),
            again=tuple(dict.fromkeys((*self.again, *again))),
            updated_at=at,
        )

    def went(
        self, batch: tuple[Step, ...], stays: Sequence[Line], *, at: datetime, gone: Sequence[Line] = ()
    ) -> Erasure:
        """This erasure when every step of `batch` is through but what `stays` and what was `gone` before; itself where
        it was counted before."""
        if self.batch != batch:
            return self
        spared = {(line.what, of) for line in (*stays, *gone) for of in line.of}
        deleted = [line_of(step) for step in batch if (step.what, step.of) not in spared]
        return replace(
            self,
            batch=(),
            deleted=together((*self.deleted, *deleted)),
            gone=together((*self.gone, *gone)),
            stays=together((*self.stays, *stays)),
            hindrance="",
            updated_at=at,
        )

    def finished(self, stays: Sequence[Line], *, at: datetime, again_at: datetime | None = None) -> Erasure:
        """This erasure as its receipt; itself where it is one. A person's id is forgotten with the person.

        It is done, unless somebody is to look at it once more at `again_at`.
        """
        if self.has_receipt or self.batch:
            return self
        return replace(
            self,
            state=State.DONE if again_at is None else State.OPEN,
            again_at=again_at,
            subject_id="" if self.subject is Subject.PERSON else self.subject_id,
            gone=self.gone if self.deleted or self.gone else self._gone_before,
            stays=(*with_news(self.stays, stays), *GENERAL),
            hindrance="",
            finished_at=at,
            updated_at=at,
        )

    @property
    def _gone_before(self) -> tuple[Line, ...]:
        """That its one subject was not there any more."""
        if self.subject is Subject.PERSON:
            return ()
        return (Line(what=What(self.subject), count=1, of=(self.subject_id,), reason=GONE_BEFORE),)

    def unchanged(self, seen: Erasure) -> bool:
        """Whether nothing was deleted since it was `seen`."""
        return (self.deleted, self.stays) == (seen.deleted, seen.stays)

    def looked_again(self, *, at: datetime) -> Erasure:
        """This receipt when its steps were repeated: done, and without the names of what was deleted."""
        return replace(self, state=State.DONE, again=(), again_at=None, hindrance="", updated_at=at)

    def hindered(self, sentence: str, *, at: datetime) -> Erasure:
        """This erasure with why it waits."""
        return self if self.state is State.DONE else replace(self, hindrance=sentence, updated_at=at)
