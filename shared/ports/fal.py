"""fal.ai: its runs, its files and its callbacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from shared.training_records import FalJob


class RunState(StrEnum):
    """Where a request stands at fal.ai (fal.md §1): its own three statuses."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """What the status call tells; `log` is the whole log so far, messages only."""

    state: RunState
    queue_position: int | None = None
    log: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A file as fal.ai names it; `size` is None where fal.ai does not tell."""

    url: str = field(repr=False)
    size: int | None = None


@dataclass(frozen=True, kw_only=True)
class RunOutput:
    """What a successful run delivered, by the names of its fields, and the raw output."""

    artifacts: Mapping[str, Artifact]
    raw: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What is sent to fal.ai: the endpoint, its bare input, and where the webhook goes."""

    endpoint: str
    arguments: Mapping[str, Any] = field(repr=False)
    webhook_url: str = field(repr=False)
    nonce: str


class CancelAnswer(StrEnum):
    """What fal.ai said to a cancellation."""

    REQUESTED = "requested"
    TOO_LATE = "too_late"
    UNKNOWN = "unknown"


class ForgetAnswer(StrEnum):
    """What fal.ai said when it was asked to delete a request's data."""

    FORGOTTEN = "forgotten"
    UNKNOWN = "unknown"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """What fal.ai deleted of a request: `files` that it made, but `left` of them it could not."""

    answer: ForgetAnswer
    files: int = 0
    left: int = 0


class Trainer(Protocol):
    """fal.ai. All raise `TrainerUnavailable` where trying again may help.

    For all but `submit` that is also while balance or key are not in order: what was bought already is waited for.
    """

    def submit(self, submission: Submission) -> FalJob:
        """Send it once and return the request as fal.ai recorded it. This costs money.

        `TrainerUnavailable` only where fal.ai certainly accepted nothing; `SubmissionUncertain` where it may have;
        `TrainerRejectedInput` or `TrainerAccountLocked` where it refused. Never sends a second time by itself.
        """
        ...

    def status(self, job: FalJob, *, log: bool) -> RunStatus:
        """Where the run stands; completed is not succeeded. `TrainerUnavailable` where fal.ai does not know it."""
        ...

    def result(self, job: FalJob) -> RunOutput | None:
        """What the run delivered; None while it is not completed.

        `TrainingFailed` or `TrainerRejectedInput` where the run failed; `ArtifactUnavailable` where the result is gone.
        """
        ...

    def cancel(self, job: FalJob) -> CancelAnswer:
        """Ask fal.ai to stop the run."""
        ...

    def cost_usd(self, job: FalJob) -> float | None:
        """What fal.ai billed for the request, in US dollars; None where it does not tell (yet). Never raises."""
        ...

    def find(self, endpoint: str, nonce: str, *, since: datetime) -> FalJob | None:
        """The request whose input carries `nonce`, from fal.ai's own list; None proves nothing (fal.md §1)."""
        ...

    def forget(self, request_id: str) -> Forgotten:
        """Have fal.ai delete what it keeps of a request: what was sent, what it answered, and the files that it made.

        Repeatable. `REFUSED` where our key may not, `UNKNOWN` where fal.ai knows nothing of it (any more).
        """
        ...


class ArtifactSource(Protocol):
    """Where fal.ai's files are fetched from, and nothing else is (design §10)."""

    def open(self, artifact: Artifact, *, max_bytes: int) -> AbstractContextManager[Iterator[bytes]]:
        """The file's bytes, streamed. `ArtifactUnavailable` where it cannot be fetched or is not allowed to be,
        `ArtifactCorrupt` where it is longer than `max_bytes` or shorter or longer than announced."""
        ...


class WebhookVerifier(Protocol):
    """Whether fal.ai sent a callback."""

    async def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        """The request id that fal.ai signed. `WebhookForged`, or `WebhookKeysUnavailable` where nobody can tell now."""
        ...
