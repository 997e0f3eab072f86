"""A job at fal.ai: how it moves, and everything that is recorded about it, whatever it makes. Pure.

`Job.advance` is the only way to move, along the table in `shared/stages.py`. Arriving where one already stands
changes nothing, so a second delivery is harmless; a move that the table does not declare raises `Conflict`.
There are two kinds: `Training` in `shared/trainings.py`, `ImageJob` in `shared/image_jobs.py`.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Self

from shared.errors import (
    ArtifactUnavailable,
    Canceled,
    Conflict,
    ErasedByAnother,
    NotSettled,
    ProductError,
    SubmissionUncertain,
    TimedOut,
    TrainerRejectedInput,
    TrainingFailed,
)
from shared.quotes import Quote
from shared.remedies import Remedy
from shared.stages import STAGE_OF, TERMINAL, TRANSITIONS, Attention, Stage, Status
from shared.training_records import Claim, Failure, FalJob, Move, Progress, SentInput

LOG_TAIL_LINES = 100
LOG_LINE_CHARACTERS = 400
TOLD_BY_FAL = frozenset({TrainingFailed.code, TrainerRejectedInput.code})
"""The codes of failures with which fal.ai itself ended a run."""
STOPPED_AT_FAL = "fal.ai was asked to stop and may still bill what it did"


def keyed_id(prefix: str, owner_id: str, key: str) -> str:
    """The id that an owner's idempotency key stands for: the same key gives the same id, and no other owner has it."""
    digest = hashlib.sha256(f"{owner_id}\0{key}".encode()).hexdigest()
    return f"{prefix}_{digest[:24]}"


def derived_key(purpose: str, *of: str) -> str:
    """A key of our own, for a job that follows from something else; no header can hold it, so it is never a user's."""
    return "\0".join(("", purpose, *of))


class Kind(StrEnum):
    """What a job makes; what differs between the two is a table keyed by this."""

    TRAINING = "training"
    IMAGES = "images"


@dataclass(frozen=True, kw_only=True)
class Job(ABC):
    """One job as it is stored. Frozen: change is `advance`, the named changes below, or `dataclasses.replace`.

    `noun` is what its user calls it. `hindrance` explains a wait: the last error of a step that will be tried again.
    `announced_at` is when the monitor last announced its present step again; `attention` is what it still has to do
    with the job. `sent` is what fal.ai is asked with, `delivered` what it answered, both without links. `successor_id`
    is the job that a retry began last in the place of this one, which may be deleted since.
    """

    kind: ClassVar[Kind]
    noun: ClassVar[str]

    id: str
    owner_id: str
    person_id: str
    model_name: str
    trigger_word: str
    trainer: str
    status: Status
    created_at: datetime
    updated_at: datetime
    history: tuple[Move, ...] = ()
    progress: Progress | None = None
    log_tail: tuple[str, ...] = ()
    log_count: int = 0
    claim: Claim | None = None
    fal: FalJob | None = None
    sent: SentInput | None = None
    delivered: Mapping[str, Any] | None = None
    error: Failure | None = None
    hindrance: Failure | None = None
    announced_at: datetime | None = None
    attention: Attention = Attention.FOLLOWED
    model_id: str | None = None
    idempotency_hash: str | None = None
    quote: Quote | None = None
    cost_usd: float | None = None
    predecessor_id: str | None = None
    successor_id: str | None = None
    cancel_requested_at: datetime | None = None
    erasure_id: str | None = None

    @property
    @abstractmethod
    def endpoint(self) -> str:
        """Where fal.ai is asked for it."""

    @property
    @abstractmethod
    def needs_model_id(self) -> str | None:
        """The model whose weights fal.ai fetches for it; None where it needs none."""

    @property
    @abstractmethod
    def prepared_nonce(self) -> str | None:
        """The nonce of the attempt that was prepared last and may be submitted; None before."""

    def told(self, error: ProductError) -> str:
        """The sentence of `error` in the words of this kind of job."""
        return error.message

    @classmethod
    def requested(cls, *, at: datetime, **fields: Any) -> Self:
        """A job as the user asks for it."""
        status = Status.REQUESTED
        return cls(status=status, created_at=at, updated_at=at, history=(Move(status=status, at=at),), **fields)

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.status in TERMINAL

    @property
    def stage(self) -> Stage | None:
        """What is being done now; None when it ended."""
        return STAGE_OF.get(self.status)

    @property
    def since(self) -> datetime:
        """When the present status was reached."""
        return self.history[-1].at

    @property
    def awaits_submission(self) -> bool:
        """Whether fal.ai certainly has nothing of this job yet and its archive is ready."""
        if self.status is Status.SUBMITTING:
            return self.claim is not None and self.claim.released
        return self.status is Status.PACKAGED

    @property
    def is_unsent(self) -> bool:
        """Whether fal.ai certainly has nothing of this job, and nothing is being sent."""
        return self.status is Status.REQUESTED or self.awaits_submission

    @property
    def is_recoverable(self) -> bool:
        """Whether paid weights may still be fetched: it failed, and it failed in mirroring."""
        return self.status is Status.FAILED and self.error is not None and self.error.stage is Stage.MIRRORING

    @property
    def was_taken_up(self) -> bool:
        """Whether it had failed, and what was paid for is being fetched after all, or was."""
        goes_on = self.status in (Status.MIRRORING, Status.SUCCEEDED)
        return goes_on and any(move.status is Status.FAILED for move in self.history)

    @property
    def remedy(self) -> Remedy | None:
        """What helps its user where it failed or was canceled, else None.

        That it can be recovered is said where that is so and nowhere else, because it is offered as free.
        """
        if self.is_recoverable:
            return Remedy.RECOVER
        if self.error is None:
            return None
        return Remedy.RETRY if self.error.remedy is Remedy.RECOVER else self.error.remedy

    def may_advance(self, to: Status) -> bool:
        """Whether the table and its guard allow the move from here; what is being erased does not begin again."""
        if self.status is Status.FAILED and to is Status.MIRRORING:
            return self.is_recoverable and self.erasure_id is None
        return to in TRANSITIONS[self.status]

    def given_to(self, erasure_id: str, *, instead_of: str | None = None) -> Self:
        """This job, about to be deleted by that erasure: it does not begin again.

        `Conflict` where it is not over, or fal.ai may still deliver; `NotSettled` where it ended this moment;
        `ErasedByAnother` where another erasure has it, unless that is over and meant by `instead_of`.
        """
        if not self.is_terminal or self.attention is Attention.WATCHED:
            raise Conflict(reason=f"a {self.noun} that is {self.status} and not over cannot be deleted")
        if self.attention is Attention.FOLLOWED:
            raise NotSettled(noun=self.noun, id=self.id)
        if self.erasure_id not in (None, erasure_id, instead_of):
            raise ErasedByAnother(id=self.id, erasure_id=self.erasure_id)
        return replace(self, erasure_id=erasure_id)

    def given_back(self, erasure_id: str) -> Self:
        """This job without the mark of that erasure, which is over and has left it."""
        return replace(self, erasure_id=None) if self.erasure_id == erasure_id else self

    def advance(self, to: Status, *, at: datetime, reason: str = "", **changes: Any) -> Self:
        """This job in status `to`, with `changes` to its fields; itself, unchanged, when it already stands there.

        Raises `Conflict` for a move that is not declared.
        """
        if to is self.status:
            return self
        if not self.may_advance(to):
            raise Conflict(reason=f"a {self.noun} that is {self.status} cannot become {to}")
        if to is not Status.FAILED:
            changes = {"error": None, **changes}
        return self._moved(to, at=at, reason=reason, **changes)

    def _moved(self, to: Status, *, at: datetime, reason: str, **changes: Any) -> Self:
        # functions read different clocks: what comes later in the history is never earlier
        at = max(at, self.since)
        return replace(
            self,
            status=to,
            updated_at=at,
            history=(*self.history, Move(status=to, at=at, reason=reason)),
            **{"hindrance": None, "announced_at": None, "attention": Attention.FOLLOWED, **changes},
        )

    def fail(self, error: ProductError, *, at: datetime, charged: bool | None, stage: Stage | None = None) -> Self:
        """This job, failed with `error` in `stage` (by default its present one); itself when it has ended."""
        if self.is_terminal:
            return self
        where = stage or STAGE_OF[self.status]
        failure = self._failure(error, where, charged, at)
        return self.advance(Status.FAILED, at=at, reason=error.code, error=failure)

    def canceled(self, detail: str, *, at: datetime, charged: bool | None) -> Self:
        """This job, canceled, with what is known of its cost; itself when it has ended."""
        if self.is_terminal:
            return self
        error = self._failure(Canceled(detail=detail), STAGE_OF[self.status], charged, at)
        return self.advance(Status.CANCELED, at=at, reason=detail, error=error)

    def hindered(self, error: ProductError, *, at: datetime) -> Self:
        """This job with the explanation of why its step has to be tried again; itself when it has ended."""
        if self.is_terminal:
            return self
        failure = self._failure(error, STAGE_OF[self.status], self.charged, at)
        return replace(self, hindrance=failure, updated_at=at)

    def _failure(self, error: ProductError, stage: Stage, charged: bool | None, at: datetime) -> Failure:
        return Failure.of(error, stage=stage, charged=charged, at=at, message=self.told(error))

    @property
    def charged(self) -> bool | None:
        """Whether the run cost money: no before fal.ai was called, then not known until it ends."""
        if self.status in (Status.MIRRORING, Status.SUCCEEDED):
            return True
        if self.is_terminal:
            return self.error.charged if self.error else None
        return False if self.status is Status.REQUESTED or self.awaits_submission else None

    @property
    def settled_usd(self) -> float | None:
        """What an ended job counts as spent: nothing where nothing was charged, else the bill, else the quote.

        None where nobody knows: all that was set aside for it is spent.
        """
        if self.charged is False:
            return 0.0
        if self.cost_usd is not None:
            return self.cost_usd
        return self.quote.price_usd if self.quote else None

    def claimed(self, claim: Claim, *, at: datetime, sent: SentInput | None = None) -> Self:
        """This job in `submitting`, held by `claim`, about to send `sent`.

        Raises `Conflict` where somebody else holds or held it.
        """
        if self.claim == claim:
            return self
        if not self.awaits_submission:
            raise Conflict(reason=f"a {self.noun} that is {self.status} cannot be claimed")
        if self.status is Status.SUBMITTING:
            return replace(self, claim=claim, sent=sent, hindrance=None, updated_at=at)
        return self.advance(Status.SUBMITTING, at=at, claim=claim, sent=sent)

    def released(self, claim: Claim, *, at: datetime) -> Self:
        """This job with that very claim free again; only ever called when fal.ai certainly accepted nothing.

        Itself where it is another's by now, with the same nonce: a release may be tried again after others have moved.
        """
        if self.status is not Status.SUBMITTING or self.claim != claim:
            return self
        return replace(self, claim=replace(claim, released=True), updated_at=at)

    def recorded(self, job: FalJob, *, at: datetime, reason: str = "") -> Self:
        """This job with its request at fal.ai; in `submitted` unless a webhook or a cancellation was faster."""
        if self.status is Status.SUBMITTING:
            return self.advance(Status.SUBMITTED, at=at, reason=reason, fal=job)
        return self if self.fal else replace(self, fal=job, updated_at=at)

    def expired(self, limit_s: float, *, at: datetime) -> Self:
        """This job, failed because its stage outlived `limit_s`, with the error that it was waiting on."""
        if self.is_terminal:
            return self
        if self.status is Status.SUBMITTING and not self.awaits_submission:
            return self.fail(SubmissionUncertain(reason="its request list does not show it"), at=at, charged=None)
        if self.hindrance is None and self.status is Status.MIRRORING:
            reason = f"that was not done within {limit_s:.0f} seconds"
            return self.fail(ArtifactUnavailable(reason=reason), at=at, charged=self.charged)
        if self.hindrance is None:
            return self.fail(TimedOut(stage=STAGE_OF[self.status], limit_s=limit_s), at=at, charged=self.charged)
        failure = replace(self.hindrance, at=at, stage=STAGE_OF[self.status], charged=self.charged)
        return self.advance(Status.FAILED, at=at, reason=failure.code, error=failure)

    def with_late_result(self, job: FalJob, *, at: datetime) -> Self:
        """This failed job, knowing that fal.ai finished after all: still failed, but now it can be recovered.

        That is an end of its own, to be announced and told like the one before.
        """
        if self.status is not Status.FAILED or self.is_recoverable:
            return self
        error = ArtifactUnavailable(reason=f"fal.ai finished after the {self.noun} had been given up")
        failure = self._failure(error, Stage.MIRRORING, True, at)
        return self._moved(Status.FAILED, at=at, reason=error.code, fal=job, error=failure)

    @property
    def may_still_deliver(self) -> bool:
        """Whether fal.ai may have a run of this failed job that nobody knows the end of.

        Where it told that the run failed nothing comes any more, whatever that cost.
        """
        if self.status is not Status.FAILED or self.error is None or self.claim is None:
            return False
        return self.error.charged is None and self.error.code not in TOLD_BY_FAL

    def finished(self, *, at: datetime) -> Self:
        """This ended job, settled and announced: watched where fal.ai may still deliver; else itself."""
        if not self.is_terminal or self.attention is not Attention.FOLLOWED:
            return self
        attention = Attention.WATCHED if self.may_still_deliver else Attention.NONE
        return replace(self, attention=attention, updated_at=at)

    def unwatched(self, *, at: datetime) -> Self:
        """This job, of which nothing is expected from fal.ai any more; itself where it is not watched."""
        if self.attention is not Attention.WATCHED:
            return self
        return replace(self, attention=Attention.NONE, updated_at=at)

    def with_progress(self, progress: Progress | None, log: tuple[str, ...]) -> Self:
        """This job with newer progress and log (the whole log so far; its tail is kept). Moves no status."""
        tail = tuple(line[:LOG_LINE_CHARACTERS] for line in log[-LOG_TAIL_LINES:])
        count = max(self.log_count, len(log))
        kept = tail if len(log) >= self.log_count else self.log_tail
        at = progress.updated_at if progress else self.updated_at
        return replace(self, progress=progress or self.progress, log_tail=kept, log_count=count, updated_at=at)

    def stage_seconds(self, now: datetime) -> dict[Stage, float]:
        """Seconds spent in each stage that was entered, in order; the present one counts up to `now`."""
        ends = [move.at for move in self.history[1:]] + [now]
        seconds: dict[Stage, float] = {}
        for move, end in zip(self.history, ends, strict=True):
            if (stage := STAGE_OF.get(move.status)) is not None:
                seconds[stage] = seconds.get(stage, 0.0) + (end - move.at) / timedelta(seconds=1)
        return seconds
