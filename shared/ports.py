"""What the use cases need of the world, in their own words. Adapters fulfil it; fakes keep the same promises.

Errors of every implementation: repositories raise `DatabaseUnavailable`, objects `StorageUnavailable`, publishing
`MessagingUnavailable`, fal.ai's port what is declared there. Nothing else escapes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from shared.accounts import Account
    from shared.erasing.receipt import Erasure
    from shared.events import Event
    from shared.image_jobs import ImageJob
    from shared.models import Model
    from shared.notices import Notices
    from shared.shoots import Shoot
    from shared.stages import Status
    from shared.stories import StoryEntry
    from shared.training_records import FalJob
    from shared.trainings import Training

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectInfo:
    """An object as a listing shows it: `size` in bytes, `crc32c` base64 as Cloud Storage writes it."""

    name: str
    size: int
    crc32c: str
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """Some items and the cursor of the next page; None when this was the last."""

    items: tuple[T, ...]
    next_cursor: str | None = None


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Now, in UTC with its zone."""
        ...


class ShootRepository(Protocol):
    """Shoots by id and by owner."""

    def get(self, shoot_id: str) -> Shoot:
        """The shoot; `ShootNotFound` where there is none."""
        ...

    def create(self, shoot: Shoot) -> bool:
        """Write a new shoot; False, and nothing changed, where one with its id exists."""
        ...

    def delete(self, shoot_id: str) -> None:
        """Forget the shoot; no error where there is none. Its pictures stay."""
        ...

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Shoot]:
        """The owner's shoots, newest first."""
        ...


class TrainingRepository(Protocol):
    """Trainings; every write is conditional on the version that was read."""

    def get(self, training_id: str) -> Training:
        """The training; `TrainingNotFound` where there is none."""
        ...

    def create(self, training: Training) -> bool:
        """Write a new training; False, and nothing changed, where one with its id exists."""
        ...

    def update(self, training_id: str, change: Callable[[Training], Training]) -> Training:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; the training as it now is.

        A change that returns its argument writes nothing. What `change` raises passes through and nothing is written.
        `TrainingNotFound` where there is none; `DatabaseUnavailable` when too many others keep winning.
        """
        ...

    def list_for_owner(
        self,
        owner_id: str,
        *,
        limit: int,
        cursor: str | None = None,
        status: Status | None = None,
        shoot_id: str | None = None,
    ) -> Page[Training]:
        """The owner's trainings, newest first; in that status and of that shoot, where they are given."""
        ...

    def list_followed(self, *, limit: int) -> list[Training]:
        """Trainings that are under way or whose end is not finished yet, the longest unchanged first."""
        ...

    def list_watched(self, *, unchanged_since: datetime, limit: int) -> list[Training]:
        """Trainings that were given up while fal.ai may still deliver and that nobody changed after that time."""
        ...

    def list_succeeded(self, trainer: str, *, limit: int) -> list[Training]:
        """Anybody's trainings with that trainer that succeeded, the latest first: only their times are of interest."""
        ...

    def list_ended(self, status: Status, *, unchanged_since: datetime, limit: int) -> list[Training]:
        """Anybody's trainings in that status that nobody changed after that time, the longest unchanged first."""
        ...

    def delete(self, training_id: str) -> None:
        """Forget the training and what the app sees of it; no error where there is none."""
        ...


class ImageJobRepository(Protocol):
    """Sets of pictures; every write is conditional on the version that was read."""

    def get(self, job_id: str) -> ImageJob:
        """The set; `ImagesNotFound` where there is none."""
        ...

    def create(self, job: ImageJob) -> bool:
        """Write a new set; False, and nothing changed, where one with its id exists."""
        ...

    def update(self, job_id: str, change: Callable[[ImageJob], ImageJob]) -> ImageJob:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; as for trainings."""
        ...

    def delete(self, job_id: str) -> None:
        """Forget the set; no error where there is none."""
        ...

    def list_for_owner(
        self,
        owner_id: str,
        *,
        limit: int,
        cursor: str | None = None,
        model_id: str | None = None,
        group_id: str | None = None,
        status: Status | None = None,
    ) -> Page[ImageJob]:
        """The owner's sets, newest first; with that model, of that comparison, or in that status, where one of the
        three is given."""
        ...

    def list_ended(self, status: Status, *, unchanged_since: datetime, limit: int) -> list[ImageJob]:
        """Sets in that status that nobody changed after that time, the longest unchanged first."""
        ...

    def list_followed(self, *, limit: int) -> list[ImageJob]:
        """Sets that are under way or whose end is not finished yet, the longest unchanged first."""
        ...

    def list_watched(self, *, unchanged_since: datetime, limit: int) -> list[ImageJob]:
        """Sets that were given up while fal.ai may still deliver and that nobody changed after that time."""
        ...


class ModelRepository(Protocol):
    """Models and the numbers of their versions."""

    def get(self, model_id: str) -> Model:
        """The model; `ModelNotFound` where there is none."""
        ...

    def create(self, model: Model) -> bool:
        """Write a new model; False, and nothing changed, where one with its id exists."""
        ...

    def update(self, model_id: str, change: Callable[[Model], Model]) -> Model:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; as for trainings."""
        ...

    def delete(self, model_id: str) -> None:
        """Forget the model; no error where there is none. Its version number is not given again."""
        ...

    def find_by_recipe(self, owner_id: str, recipe: str) -> Model | None:
        """The latest of the owner's models with that recipe."""
        ...

    def list_versions(self, owner_id: str, person_id: str, name: str) -> list[Model]:
        """Every version of a name of the owner's, the newest number first."""
        ...

    def allocate_version(self, person_id: str, name: str, training_id: str, *, above: int = 0) -> int:
        """The number of this training's version of that name: 1, 2, 3 …, and the same one however often it is asked.

        Where that is not above `above`, it gets another: the next one that is, and that nobody was given.
        """
        ...

    def version_of(self, person_id: str, name: str, training_id: str) -> int | None:
        """The number that `allocate_version` gave; None where it gave none. It gives none itself."""
        ...

    def forget_name(self, person_id: str, name: str) -> None:
        """Keep no word of whose the versions of that name are; their numbers are not given again all the same."""
        ...

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Model]:
        """The owner's models, newest first."""
        ...

    def latest_for_shoots(self, owner_id: str, shoot_ids: Collection[str]) -> Mapping[str, Model]:
        """The owner's latest model of each of these shoots, by the shoot's id; one question for all of them."""
        ...


class AccountRepository(Protocol):
    """What users have reserved and spent."""

    def get(self, owner_id: str) -> Account:
        """The owner's account; an empty one where nothing was ever reserved."""
        ...

    def update(self, owner_id: str, change: Callable[[Account], Account]) -> Account:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; as for trainings."""
        ...


class StoryRepository(Protocol):
    """What happened to trainings. Entries are only ever added, and vanish some time after they expire."""

    def append(self, entry: StoryEntry) -> None:
        """Keep it; nothing changes where one with its id is kept already."""
        ...

    def list_for_training(self, training_id: str, *, limit: int) -> list[StoryEntry]:
        """The latest `limit` entries of the training, in the order in which they began."""
        ...

    def forget(self, training_id: str) -> None:
        """Delete every entry of the training; no error where there is none."""
        ...


class ErasureRepository(Protocol):
    """Erasures, and the receipts that they become; every write is conditional on the version that was read."""

    def get(self, erasure_id: str) -> Erasure:
        """The erasure; `ErasureNotFound` where there is none."""
        ...

    def create(self, erasure: Erasure) -> bool:
        """Write a new erasure; False, and nothing changed, where one with its id exists."""
        ...

    def update(self, erasure_id: str, change: Callable[[Erasure], Erasure]) -> Erasure:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; as for trainings."""
        ...

    def list_for_owner(self, owner_id: str, *, limit: int, cursor: str | None = None) -> Page[Erasure]:
        """The owner's erasures, newest first."""
        ...

    def list_open(self, *, unchanged_since: datetime, limit: int) -> list[Erasure]:
        """Anybody's erasures that are not done and that nobody changed after that time, the longest unchanged first."""
        ...


class NoticeRepository(Protocol):
    """What was told to the outside about jobs, by the job's id."""

    def get(self, job_id: str) -> Notices:
        """The job's notices; none where nothing was ever told."""
        ...

    def update(self, job_id: str, change: Callable[[Notices], Notices]) -> Notices:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; as for trainings."""
        ...

    def delete(self, job_id: str) -> None:
        """Forget them; no error where there are none."""
        ...


class Receiver(Protocol):
    """Whom the ends of jobs are told: one address, outside."""

    def post(self, notice_id: str, body: str) -> None:
        """Return when it took the notification; it knows a repetition by `notice_id`.

        `NotificationUndelivered` where it may take it later, `NotificationRefused` where it does not want it.
        """
        ...


class Objects(Protocol):
    """One bucket."""

    @property
    def uri(self) -> str:
        """`gs://` and the bucket's name, without a final slash."""
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Everything under `prefix`, by name, without reading it."""
        ...

    def stat(self, name: str) -> ObjectInfo | None:
        """The object; None where there is none."""
        ...

    def read(self, name: str, *, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        """Its bytes in order, at most `chunk_bytes` at a time; `StorageUnavailable` where it is not there."""
        ...

    def write(self, name: str, chunks: Iterable[bytes], *, content_type: str) -> ObjectInfo:
        """Stream `chunks` into the object: whole and visible at the end, replacing what was there.

        When `chunks` raises, that error passes through and no object appears or changes. Memory is bounded by one
        chunk and a fixed buffer.
        """
        ...

    def copy(self, source: str, target: str) -> ObjectInfo:
        """Copy within the bucket without moving the bytes through this process."""
        ...

    def delete(self, name: str) -> None:
        """Delete it; no error where it is not there."""
        ...

    def sign(self, name: str, *, ttl_s: float, download_name: str | None = None) -> str:
        """A URL that anybody can GET for `ttl_s` seconds, at most 12 h; `download_name` makes browsers save it."""
        ...


class Publisher(Protocol):
    """The way to announce what happened."""

    def publish(self, event: Event) -> None:
        """Return when the message is durably queued; delivery is at least once, in any order."""
        ...


class AsyncPublisher(Protocol):
    """The same for who serves many at once on one event loop."""

    async def publish(self, event: Event) -> None:
        """As `Publisher.publish`."""
        ...


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A message that was given up; its `data` may hold a signed URL.

    `attempts` and `reason`, why the last delivery failed, are None and empty where the queue does not tell.
    """

    id: str
    subscription: str
    topic: str
    data: bytes = field(repr=False)
    published_at: datetime
    attempts: int | None = None
    reason: str = ""


class DeadLetters(Protocol):
    """The messages that were given up. Looking at them loses none; all but `list` raise `DeadLetterNotFound`.

    Somebody else who looks at the same moment may hold some of them, for a minute at most.
    """

    def list(self, *, limit: int) -> list[DeadLetter]:
        """Up to `limit` of them, the oldest first."""
        ...

    def get(self, letter_id: str) -> DeadLetter:
        """The one of that id, as `list` gave it."""
        ...

    def redrive(self, letter_id: str) -> DeadLetter:
        """Deliver it again, with all its attempts, to whoever listens to its topic; then it is a dead letter no more.

        After an error it may be both, delivered and still here: every consumer expects messages twice.
        """
        ...

    def discard(self, letter_id: str) -> DeadLetter:
        """Forget it, for good."""
        ...


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


class Authenticator(Protocol):
    """Who is asking."""

    def user_of(self, headers: Mapping[str, str]) -> str:
        """The id of the user whom the headers of a request prove; header names are of any case.

        `Unauthenticated` where they prove nobody, `IdentityKeysUnavailable` where nobody can tell now.
        """
        ...
