"""What a training asks of the services that bill by the operation, step by step, and how docs/scale.md tells it.

    functions = counted_functions(tally := Tally())
    assert count_training(functions, tally) == described()

`Counted…` are the ports in memory that count what the Google adapters would ask; that these ask just that is shown on
the wire by tests/contracts/test_operations_on_the_wire.py.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TypeVar

from functions.api.start_training import Wish, start_training
from functions.webhook.report_result import report_result
from shared import logs
from shared.accounts import Account
from shared.adapters.memory import (
    AsyncMemoryPublisher,
    FixedClock,
    MemoryAccounts,
    MemoryImageJobs,
    MemoryModels,
    MemoryObjects,
    MemoryPublisher,
    MemoryShoots,
    MemoryStories,
    MemoryTrainings,
)
from shared.events import DatasetPackaged, Event, ImagesPrepared, ImagesRequested, ResultReported, TrainingRequested
from shared.image_jobs import ImageJob
from shared.models import Model
from shared.ports import CancelAnswer, ObjectInfo, Page, Publisher, RunOutput, RunState, RunStatus, Submission
from shared.shoots import Shoot, preprocessed_prefix
from shared.stages import Status
from shared.start_images import ImageWish, start_images
from shared.stories import StoryEntry
from shared.training_records import FalJob
from shared.trainings import Training
from tests.at_once import at_once
from tests.fakes import FakeFal, FakeMedia
from tests.wiring import WEBHOOK_BASE, Functions
from tests.world import OWNER, jpeg

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "scale.md"

READS, WRITES, MESSAGES, FAL = "reads", "writes", "messages", "fal.ai"
CLASS_A, CLASS_B, DELETES, SIGNATURES = "class A", "class B", "deletes", "signatures"
COLUMNS = (READS, WRITES, MESSAGES, CLASS_A, CLASS_B, DELETES, SIGNATURES, FAL)

WRITES_OF_A_TRAINING = 2  # itself and what the app sees of it (docs/adr/0007)
LISTED_PER_REQUEST = 1000

T = TypeVar("T")
Operations = Mapping[str, int]


class Tally:
    """Counts operations by their column; from many threads at once."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, column: str, number: int = 1) -> None:
        """There were so many of these."""
        with self._lock:
            self._counts[column] += number

    def taken(self) -> Operations:
        """What was counted since this was asked last."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return {column: counts[column] for column in COLUMNS}


class CountedShoots(MemoryShoots):
    """Shoots; a document each."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally

    def get(self, shoot_id: str) -> Shoot:
        self._tally.add(READS)
        return super().get(shoot_id)


class CountedTrainings(MemoryTrainings):
    """Trainings; every write is also one of its view, and a query costs a read where it finds nothing."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally

    def get(self, training_id: str) -> Training:
        self._tally.add(READS)
        return super().get(training_id)

    def create(self, training: Training) -> bool:
        self._tally.add(WRITES, WRITES_OF_A_TRAINING)
        return super().create(training)

    def update(self, training_id: str, change: Callable[[Training], Training]) -> Training:
        def counted(training: Training) -> Training:
            self._tally.add(READS)
            changed = change(training)
            self._tally.add(WRITES, WRITES_OF_A_TRAINING if changed != training else 0)
            return changed

        return super().update(training_id, counted)

    def list_followed(self, *, limit: int) -> list[Training]:
        return self._queried(super().list_followed(limit=limit))

    def list_watched(self, *, unchanged_since: datetime, limit: int) -> list[Training]:
        return self._queried(super().list_watched(unchanged_since=unchanged_since, limit=limit))

    def list_for_owner(
        self,
        owner_id: str,
        *,
        limit: int,
        cursor: str | None = None,
        status: Status | None = None,
        shoot_id: str | None = None,
    ) -> Page[Training]:
        page = super().list_for_owner(owner_id, limit=limit, cursor=cursor, status=status, shoot_id=shoot_id)
        self._queried(list(page.items))
        return page

    def list_by_recipe(self, owner_id: str, recipe: str, statuses: Collection[Status]) -> list[Training]:
        return self._queried(super().list_by_recipe(owner_id, recipe, statuses))

    def _queried(self, found: list[Training]) -> list[Training]:
        self._tally.add(READS, max(1, len(found)))
        return found


class CountedImages(MemoryImageJobs):
    """Sets of pictures; as trainings."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally

    def get(self, job_id: str) -> ImageJob:
        self._tally.add(READS)
        return super().get(job_id)

    def create(self, job: ImageJob) -> bool:
        self._tally.add(WRITES, WRITES_OF_A_TRAINING)
        return super().create(job)

    def update(self, job_id: str, change: Callable[[ImageJob], ImageJob]) -> ImageJob:
        def counted(job: ImageJob) -> ImageJob:
            self._tally.add(READS)
            changed = change(job)
            self._tally.add(WRITES, WRITES_OF_A_TRAINING if changed != job else 0)
            return changed

        return super().update(job_id, counted)

    def list_followed(self, *, limit: int) -> list[ImageJob]:
        return self._queried(super().list_followed(limit=limit))

    def list_watched(self, *, unchanged_since: datetime, limit: int) -> list[ImageJob]:
        return self._queried(super().list_watched(unchanged_since=unchanged_since, limit=limit))

    def _queried(self, found: list[ImageJob]) -> list[ImageJob]:
        self._tally.add(READS, max(1, len(found)))
        return found


class CountedModels(MemoryModels):
    """Models, and the numbers of their versions in a document per name."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally

    def get(self, model_id: str) -> Model:
        self._tally.add(READS)
        return super().get(model_id)

    def create(self, model: Model) -> bool:
        self._tally.add(WRITES)
        return super().create(model)

    def find_by_recipe(self, owner_id: str, recipe: str) -> Model | None:
        self._tally.add(READS)
        return super().find_by_recipe(owner_id, recipe)

    def allocate_version(self, person_id: str, name: str, training_id: str, *, above: int = 0) -> int:
        version = super().allocate_version(person_id, name, training_id, above=above)
        # to create the name's document fails where it is there: it is looked at, and then changed
        self._tally.add(READS, 0 if version == 1 else 2)
        self._tally.add(WRITES)
        return version


class CountedAccounts(MemoryAccounts):
    """Accounts; a new one is missed, made, and then changed."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally
        self._known: set[str] = set()

    def update(self, owner_id: str, change: Callable[[Account], Account]) -> Account:
        if owner_id not in self._known:
            self._known.add(owner_id)
            self._tally.add(READS)
            self._tally.add(WRITES)

        def counted(account: Account) -> Account:
            self._tally.add(READS)
            changed = change(account)
            self._tally.add(WRITES, 1 if changed != account else 0)
            return changed

        return super().update(owner_id, counted)


class CountedStories(MemoryStories):
    """Stories; a document per entry."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally

    def append(self, entry: StoryEntry) -> None:
        self._tally.add(WRITES)
        super().append(entry)


class CountedPublisher(MemoryPublisher):
    """Messages as they are published; deliveries are not counted."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally

    def publish(self, event: Event) -> None:
        self._tally.add(MESSAGES)
        super().publish(event)


class CountedObjects(MemoryObjects):
    """Objects that one request reads; Google's class A are writes, copies and lists, its class B reads."""

    def __init__(self, bucket: str, tally: Tally, clock: FixedClock) -> None:
        super().__init__(bucket, clock=clock)
        self._tally = tally

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        found = [*super().list(prefix)]
        self._tally.add(CLASS_A, max(1, -(-len(found) // LISTED_PER_REQUEST)))
        yield from found

    def stat(self, name: str) -> ObjectInfo | None:
        self._tally.add(CLASS_B)
        return super().stat(name)

    def read(self, name: str, *, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        self._tally.add(CLASS_B)
        yield from super().read(name, chunk_bytes=chunk_bytes)

    def write(self, name: str, chunks: Iterable[bytes], *, content_type: str) -> ObjectInfo:
        self._tally.add(CLASS_A)
        return super().write(name, chunks, content_type=content_type)

    def copy(self, source: str, target: str) -> ObjectInfo:
        self._tally.add(CLASS_A)
        return super().copy(source, target)

    def delete(self, name: str) -> None:
        self._tally.add(DELETES)
        super().delete(name)

    def sign(self, name: str, *, ttl_s: float, download_name: str | None = None) -> str:
        self._tally.add(SIGNATURES)
        return super().sign(name, ttl_s=ttl_s, download_name=download_name)


class CountedFal(FakeFal):
    """fal.ai; a request per question, and a line of the log as the adapter has it. Its files come from elsewhere."""

    def __init__(self, clock: FixedClock, tally: Tally) -> None:
        super().__init__(clock)
        self._tally = tally

    def submit(self, submission: Submission) -> FalJob:
        self._answered("submit")
        return super().submit(submission)

    def status(self, job: FalJob, *, log: bool) -> RunStatus:
        self._answered("status")
        return super().status(job, log=log)

    def result(self, job: FalJob) -> RunOutput | None:
        self._answered("result")
        return super().result(job)

    def cancel(self, job: FalJob) -> CancelAnswer:
        self._answered("cancel")
        return super().cancel(job)

    def cost_usd(self, job: FalJob) -> float | None:
        self._answered("cost")
        return super().cost_usd(job)

    def _answered(self, operation: str) -> None:
        self._tally.add(FAL)
        logs.info("trainer_answered", operation=operation, http_status=200, seconds=0.1)


def counted_functions(tally: Tally) -> Functions:
    """Every function, on ports that count."""
    clock, numbers = FixedClock(), count(1)
    return Functions(
        clock=clock,
        shoots=CountedShoots(tally),
        trainings=CountedTrainings(tally),
        images=CountedImages(tally),
        models=CountedModels(tally),
        accounts=CountedAccounts(tally),
        stories=CountedStories(tally),
        publisher=CountedPublisher(tally),
        pictures=CountedObjects("shoots", tally, clock),
        thumbnails=CountedObjects("thumbnails", tally, clock),
        datasets=CountedObjects("datasets", tally, clock),
        kept=CountedObjects("models", tally, clock),
        fal=CountedFal(clock, tally),
        media=FakeMedia(),
        new_name=lambda: f"n{next(numbers)}",
    )


class Genuine:
    """A verifier that takes the header's word for which request fal.ai signed."""

    async def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        return headers["request"]


def _report(path: str, headers: Mapping[str, str], body: bytes, publisher: Publisher) -> None:
    at_once(report_result(path, headers, body, verifier=Genuine(), publisher=AsyncMemoryPublisher(publisher)))


def add_shoot(functions: Functions, *, pictures: int, captions: int, shoot_id: str = "s_1") -> None:
    """A shoot with small real pictures."""
    made = Shoot(
        id=shoot_id, owner_id=OWNER, person_id="p1", costume_name="Red Riding Hood", created_at=functions.clock.now()
    )
    functions.shoots.create(made)
    prefix = preprocessed_prefix(shoot_id)
    for number in range(pictures):
        functions.pictures.write(f"{prefix}{number:04}.jpg", [jpeg(number)], content_type="image/jpeg")
        if number < captions:
            functions.pictures.write(f"{prefix}{number:04}.txt", [b"in the woods"], content_type="text/plain")


def count_training(
    functions: Functions, tally: Tally, *, shoot_id: str = "s_1", key: str = "key"
) -> dict[str, Operations]:
    """What each step of a training asks that goes well, by the step's name in docs/scale.md.

    The shoot is there; `key` is new, and makes the parameters new, too.
    """
    clock, publisher, fal = functions.clock, functions.publisher, functions.fal
    assert isinstance(clock, FixedClock) and isinstance(publisher, MemoryPublisher) and isinstance(fal, FakeFal)
    steps: dict[str, Operations] = {}

    @contextmanager
    def step(name: str) -> Iterator[None]:
        tally.taken()
        yield
        steps[name] = tally.taken()

    def tick(state: RunState, log: tuple[str, ...], name: str, idle: Operations) -> None:
        clock.advance(60)
        run = list(fal.runs.values())[-1]
        run.state, run.log = state, log
        with step(name):
            functions.look_after()
        # what a tick asks whatever there is to look after is told in a row of its own
        steps[name] = less(steps[name], idle)

    with step("tick"):
        functions.look_after()
    # four questions that find nothing cost a read each; the first one finds this training from now on
    idle = {**steps["tick"], READS: steps["tick"][READS] - 1}
    steps_wanted = 100 + len(publisher.published)
    wish = Wish(
        shoot_id=shoot_id,
        trigger_word="TOK",
        trainer="fal-ai/flux-lora-fast-training",
        parameters={"steps": steps_wanted},
    )
    with step("start"), functions.narrator("api").invocation():
        training = start_training(OWNER, key, wish, functions.desk)
    with step("package"):
        functions.deliver(_last(publisher, TrainingRequested))
    with step("submit"):
        functions.deliver(_last(publisher, DatasetPackaged))
    job = list(fal.runs.values())[-1].job
    tick(RunState.IN_PROGRESS, ("1/100",), "the run began", idle)
    tick(RunState.IN_PROGRESS, ("2/100",), "progress", idle)
    fal.end(job.request_id)
    path = f"{WEBHOOK_BASE}/{training.id}/{job.nonce}"
    with step("report"):
        _report(path, {"request": job.request_id}, b"", publisher)
    with step("mirror"):
        functions.deliver(_last(publisher, ResultReported))
    assert functions.trainings.get(training.id).status is Status.SUCCEEDED
    return steps


def count_images(
    functions: Functions, tally: Tally, *, pictures: int = 1, key: str = "pictures"
) -> dict[str, Operations]:
    """The same of a set of so many pictures, made with the model of a training before; nothing else is under way."""
    clock, publisher, fal = functions.clock, functions.publisher, functions.fal
    assert isinstance(clock, FixedClock) and isinstance(publisher, MemoryPublisher) and isinstance(fal, FakeFal)
    steps: dict[str, Operations] = {}

    @contextmanager
    def step(name: str) -> Iterator[None]:
        tally.taken()
        yield
        steps[name] = tally.taken()

    with step("idle"):
        functions.look_after()
    idle = steps.pop("idle")
    model = functions.models.list_for_owner(OWNER, limit=1).items[0]
    wish = ImageWish(prompt="in the rain", count=pictures)
    with step("ask for pictures"), functions.narrator("api").invocation():
        job = start_images(model, key, wish, functions.image_desk)
    with step("sign weights"):
        functions.deliver(_last(publisher, ImagesRequested))
    with step("submit pictures"):
        functions.deliver(_last(publisher, ImagesPrepared))
    run = list(fal.runs.values())[-1]
    clock.advance(60)
    run.state = RunState.IN_PROGRESS
    with step("the drawing began"):
        functions.look_after()
    steps["the drawing began"] = less(steps["the drawing began"], {**idle, READS: idle[READS] - 1})
    fal.end(run.job.request_id)
    path = f"{WEBHOOK_BASE}/{job.id}/{run.job.nonce}"
    with step("report pictures"):
        _report(path, {"request": run.job.request_id}, b"", publisher)
    with step("keep pictures"):
        functions.deliver(_last(publisher, ResultReported))
    assert functions.images.get(job.id).status is Status.SUCCEEDED
    return steps


def _last(publisher: MemoryPublisher, kind: type[T]) -> T:
    return [event for event in publisher.published if isinstance(event, kind)][-1]


def less(more: Operations, some: Operations) -> Operations:
    """What `more` asks beyond `some`."""
    return {column: more[column] - some[column] for column in COLUMNS}


def summed(parts: Iterable[Operations]) -> Operations:
    """All of them together."""
    counted = [*parts]
    return {column: sum(part[column] for part in counted) for column in COLUMNS}


def described() -> dict[str, Operations]:
    """The table of docs/scale.md: what each step asks, by its name; an empty cell is none."""
    rows = [_cells(line) for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    return {_name(cells[0]): _numbers(cells[-len(COLUMNS) :]) for cells in rows if len(cells) == len(COLUMNS) + 2}


def headings() -> Collection[str]:
    """The columns of that table, in its order."""
    (line,) = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| step |")]
    return tuple(_cells(line)[-len(COLUMNS) :])


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _name(cell: str) -> str:
    return cell.strip("`")


def _numbers(cells: Sequence[str]) -> Operations:
    return {column: int(cell or 0) for column, cell in zip(COLUMNS, cells, strict=True)}
