"""What a user may spend and run at once: reserved when a job is accepted, settled when it ended. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.errors import AlreadyTraining, BudgetExceeded, TooManyImageJobs, TooManyTrainings
from shared.jobs import Kind

# A reservation that nobody settled for this long belongs to a job that was never recorded.
LAPSE = timedelta(days=2)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A user's limits; None means none."""

    trainings_at_once: int | None
    usd_per_day: float | None
    image_jobs_at_once: int | None = None

    def at_once(self, kind: Kind) -> int | None:
        """How many jobs of that kind may be under way."""
        return self.trainings_at_once if kind is Kind.TRAINING else self.image_jobs_at_once


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """Money set aside for one job that is under way; of a training, also what it is made of."""

    usd: float
    at: datetime
    kind: Kind = Kind.TRAINING
    recipe: str = ""


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user's reservations by job, and what was spent on `day` (UTC, ISO). Both are US dollars.

    `settled` are the jobs that `spent_usd` is made of, `settled_before` those of the day before: none of them counts
    again, however late a copy of the press that began it comes.
    """

    id: str
    day: str = ""
    spent_usd: float = 0.0
    reservations: Mapping[str, Reservation] = field(default_factory=dict)
    settled: tuple[str, ...] = ()
    settled_before: tuple[str, ...] = ()

    @property
    def reserved_usd(self) -> float:
        """What is set aside now."""
        return round(sum(reservation.usd for reservation in self.reservations.values()), 6)

    def has_settled(self, job_id: str) -> bool:
        """Whether the job ended and was settled, on this day or the one before."""
        return job_id in self.settled or job_id in self.settled_before

    def left_usd(self, limits: Limits, at: datetime) -> float | None:
        """What may still be spent today; None without a limit."""
        if limits.usd_per_day is None:
            return None
        today = self._on(at)
        return max(round(limits.usd_per_day - today.spent_usd - today.reserved_usd, 6), 0.0)

    def reserve(
        self,
        job_id: str,
        usd: float | None,
        *,
        limits: Limits,
        at: datetime,
        kind: Kind = Kind.TRAINING,
        recipe: str = "",
        forced: bool = False,
    ) -> Account:
        """This account with `usd` set aside; itself where that was done for the job already, or it has ended. A recipe
        that is another one by now takes the place of the one before.

        A price of None is not known before: all that is left of the day is set aside for it, until it is settled.
        `AlreadyTraining` where the same `recipe` is under way and this one is not `forced`; `TooManyTrainings`,
        `TooManyImageJobs` and `BudgetExceeded` say the numbers.
        """
        today = self._on(at)
        held = today.reservations.get(job_id)
        if today.has_settled(job_id) or (held is not None and held.recipe == recipe):
            return self
        if recipe and not forced:
            today._refuse_the_same(recipe)
        if held is not None:
            # its process died before it was recorded, and the shoot was changed since
            return replace(today, reservations={**today.reservations, job_id: replace(held, recipe=recipe)})
        today._refuse_one_more(kind, limits)
        left = today.left_usd(limits, at)
        if left is not None and (left < usd if usd is not None else not left):
            raise BudgetExceeded(cost=_usd(usd), left=_usd(left), limit=_usd(limits.usd_per_day or 0.0))
        aside = Reservation(usd=(left or 0.0) if usd is None else usd, at=at, kind=kind, recipe=recipe)
        return replace(today, reservations={**today.reservations, job_id: aside})

    def _refuse_the_same(self, recipe: str) -> None:
        for job_id, held in self.reservations.items():
            if held.recipe == recipe:
                raise AlreadyTraining(training_id=job_id)

    def reserve_all(
        self, prices: Mapping[str, float | None], *, limits: Limits, at: datetime, kind: Kind = Kind.TRAINING
    ) -> Account:
        """As `reserve` for each job with its price, all or none; those of no known price share what is left of the day.

        `BudgetExceeded` says what they cost together.
        """
        today = self._on(at)
        new = {job_id: usd for job_id, usd in prices.items() if not today._knows(job_id)}
        cost, unknown = round(sum(usd or 0.0 for usd in new.values()), 6), sum(usd is None for usd in new.values())
        share, left = None, today.left_usd(limits, at)
        if left is not None:
            if left < cost or (unknown and left == cost):
                told = _usd(None if unknown else cost)
                raise BudgetExceeded(cost=told, left=_usd(left), limit=_usd(limits.usd_per_day))
            # rounded down, so that the last one has enough
            share = math.floor((left - cost) / max(unknown, 1) * 1e6) / 1e6
        account = self
        for job_id, usd in new.items():
            account = account.reserve(job_id, share if usd is None else usd, limits=limits, at=at, kind=kind)
        return account

    def _knows(self, job_id: str) -> bool:
        return job_id in self.reservations or self.has_settled(job_id)

    def _refuse_one_more(self, kind: Kind, limits: Limits) -> None:
        count, maximum = sum(held.kind is kind for held in self.reservations.values()), limits.at_once(kind)
        if maximum is not None and count >= maximum:
            raise (TooManyTrainings if kind is Kind.TRAINING else TooManyImageJobs)(count=count, maximum=maximum)

    def settle(self, job_id: str, usd: float | None, *, at: datetime) -> Account:
        """This account with the reservation turned into `usd` spent; itself where there is none (any more).

        None is a cost that nobody knows: all that was set aside is spent, so that a day's limit holds all the same.
        """
        if job_id not in self.reservations:
            return self
        today, cost = self._on(at), self.reservations[job_id].usd if usd is None else usd
        kept = {name: reservation for name, reservation in today.reservations.items() if name != job_id}
        spent_usd, settled = round(today.spent_usd + cost, 6), (*today.settled, job_id)
        return replace(today, reservations=kept, spent_usd=spent_usd, settled=settled)

    def released(self, job_ids: Collection[str]) -> Account:
        """This account without the reservations of jobs that never were."""
        kept = {name: held for name, held in self.reservations.items() if name not in job_ids}
        return replace(self, reservations=kept)

    def _on(self, at: datetime) -> Account:
        """This account on the day of `at`: a new day has nothing spent, and lapsed reservations are forgotten.

        Of two clocks the one that is behind does not turn the day back.
        """
        day = at.date().isoformat()
        alive = {name: r for name, r in self.reservations.items() if at - r.at < LAPSE}
        if day <= self.day:
            return replace(self, reservations=alive)
        before = self.settled if self.day == (at.date() - timedelta(days=1)).isoformat() else ()
        return replace(self, day=day, spent_usd=0.0, settled=(), settled_before=before, reservations=alive)


def _usd(amount: float | None) -> str:
    return "an amount that is not known before" if amount is None else f"${amount:.2f}"
