"""One schedule: every function over ports in memory, in virtual time, with everything that a seed brings."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from functions.api.request_erasure import PERISHABLE
from functions.webhook.report_result import report_result
from shared.accounts import Account
from shared.adapters.memory import (
    AsyncMemoryPublisher,
    MemoryAccounts,
    MemoryNotices,
    MemoryObjects,
    MemoryReceiver,
    MemoryShoots,
    MemoryStories,
)
from shared.all_jobs import AnyJob, Jobs
from shared.erasing.receipt import Cause, Erasure, State
from shared.errors import JobNotFound
from shared.events import Event
from shared.image_jobs import ImageJob, is_image_job
from shared.models import Model
from shared.reservations import free_unused
from shared.settings import DatasetSettings, MonitorSettings, RetentionSettings
from shared.shoots import Shoot, preprocessed_prefix
from shared.stages import TERMINAL, Attention, Status
from shared.stories import StoryEntry
from shared.trainings import Training
from tests.at_once import at_once
from tests.simulation.fal import Callback, Run, SimulatedFal
from tests.simulation.fate import Fate
from tests.simulation.interposed import Interposer
from tests.simulation.messages import Messages
from tests.simulation.requests import Requests
from tests.simulation.scheduler import LONGEST_INVOCATION_S, Scheduler, Task, VirtualClock
from tests.simulation.studio_users import Promotion, StudioUsers
from tests.simulation.users import FIRST_CAPTION, Users
from tests.simulation.viewers import Viewers
from tests.simulation.watched import (
    Deletion,
    Journal,
    WatchedErasures,
    WatchedImages,
    WatchedModels,
    WatchedTrainings,
    Write,
)
from tests.simulation.weather import CALM_AFTER_S, weather_of
from tests.wiring import Functions
from tests.world import jpeg

OWNERS = ("anna", "bert")
TICK_S = 60.0
# Where nothing is under way a tick more or less makes no difference.
IDLE_TICK_S = 300.0
# Longer than all deadlines together, and then some.
HORIZON_S = 16 * 60 * 60.0
SETTINGS = MonitorSettings(
    deadline_requested_s=20 * 60,
    deadline_packaged_s=20 * 60,
    deadline_submitting_s=40 * 60,
    deadline_submitted_s=60 * 60,
    deadline_running_s=60 * 60,
    deadline_mirroring_s=40 * 60,
    deadline_images_submitted_s=40 * 60,
    deadline_images_running_s=30 * 60,
    watch_s=5 * 60 * 60,
)
# An hour must be left of it when it is sent (SubmitSettings): what comes a little late is signed again.
ARCHIVE_URL_S = 70 * 60.0
WEBHOOK_PATIENCE = 10
PICTURES = tuple(jpeg(i, size=16) for i in range(10))
# How many pictures the shoots of an owner have: enough for every trainer, and for those that want many.
SHOOTS = {"s": 4, "l": 10}
# In so many schedules both owners have shoots of the same person.
SHARING = 0.3
# In so many schedules failed trainings go by themselves after so long.
FORGETTING = 0.15
KEPT_DAYS = 1 / 24
# So many of those who retry what is about to go do it in vain.
IN_VAIN = 0.5
# Longer than what the platform lets an invocation live.
ERASURE_SETTLES_S = LONGEST_INVOCATION_S + 60


@dataclass(kw_only=True)
class Outcome:
    """What a schedule left behind: what the rules are about."""

    seed: int
    trainings: list[Training]
    images: list[ImageJob]
    models: list[Model]
    created_s: Mapping[str, float]
    marked_s: Mapping[str, float]
    accounts: list[Account]
    kept: MemoryObjects
    datasets: MemoryObjects
    runs: list[Run]
    finished: list[Any]
    told: list[tuple[str, str]]
    writes: list[Write]
    deletions: list[Deletion]
    erasures: list[Erasure]
    asked: Mapping[str, Erasure]
    buckets: Sequence[MemoryObjects]
    stories: Sequence[StoryEntry]
    noticed: Sequence[str]
    shoots: Mapping[str, tuple[Sequence[str], str]]
    promotions: Sequence[Promotion]
    escaped: list[str]
    untold: list[str]
    unrecovered: list[str]
    untidy: frozenset[str]
    presses: int
    picture_presses: int
    ended_s: float
    overdue: list[str]
    struck: list[str]
    story: list[str] = field(repr=False)
    undone: frozenset[str] = frozenset()
    kept_days: float = 0


class SerialExecutor(Executor):
    """Does everything at once, in order."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class _Story(io.StringIO):
    """Standard output whose log lines become lines of the story."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    def write(self, text: str) -> int:
        event = json.loads(text)
        ids = " ".join(f"{name}={value}" for name, value in event.items() if name not in ("severity", "message"))
        self._tell(f"    log {event['message']} {ids}")
        return len(text)


class _Verifier:
    """Believes every callback: forged ones are another test's matter."""

    async def verify(self, headers: Any, body: bytes) -> str:
        return str(headers["request-id"])


class Simulation:
    """The system of one seed; `run` plays it to its end."""

    def __init__(self, seed: int, only: Collection[str] | None = None) -> None:
        """Everything is in place and nothing has happened."""
        self.seed = seed
        self.story: list[str] = []
        self.fate = Fate(seed, only)
        self.weather = weather_of(self.fate)
        self.clock = VirtualClock()
        self.scheduler = Scheduler(self.clock)
        self.interposer = Interposer(fate=self.fate, weather=self.weather, scheduler=self.scheduler, tell=self.tell)
        self.journal = Journal(clock=self.clock, tell=self.tell, by=self._at_work)
        self.trainings, self.images = WatchedTrainings(self.journal), WatchedImages(self.journal)
        self.models, self.accounts, shoots = WatchedModels(self.journal), MemoryAccounts(), MemoryShoots()
        self.pictures, self.datasets, self.kept, self.thumbnails = (
            MemoryObjects(name, clock=self.clock) for name in ("shoots", "datasets", "models", "thumbnails")
        )
        self.erasures, self.notices, self.stories = WatchedErasures(), MemoryNotices(), MemoryStories()
        self.messages = Messages(self.scheduler, self.fate, self.weather, self._deliver, self.tell)
        self.fal = SimulatedFal(
            self.scheduler,
            self.clock,
            self.fate,
            self.weather,
            {"datasets": self.datasets, "models": self.kept},
            self._call_back,
            self._is_wanted,
            self.tell,
        )
        self.receiver = MemoryReceiver()
        port = self.interposer.port
        numbers = itertools.count(1)
        self.functions = Functions(
            clock=self.clock,
            shoots=port(shoots, "shoots", "database"),
            trainings=port(self.trainings, "trainings", "database"),
            images=port(self.images, "images", "database"),
            models=port(self.models, "models", "database"),
            accounts=port(self.accounts, "accounts", "database"),
            publisher=port(self.messages, "publisher", "messaging"),
            pictures=port(self.pictures, "pictures", "storage"),
            datasets=port(self.datasets, "datasets", "storage"),
            kept=port(self.kept, "kept", "storage"),
            thumbnails=port(self.thumbnails, "thumbnails", "storage"),
            erasures=port(self.erasures, "erasures", "database"),
            stories=self.stories,
            fal=port(self.fal, "fal", "fal"),
            media=port(self.fal, "media", "media"),
            notices=port(self.notices, "notices", "database"),
            receiver=port(self.receiver, "receiver", "receiver"),
            new_name=lambda: f"n{next(numbers)}",
            monitor_settings=SETTINGS,
            dataset_settings=DatasetSettings(archive_url_ttl_s=ARCHIVE_URL_S),
            erasure_settles_s=ERASURE_SETTLES_S,
            new_executor=SerialExecutor,
        )
        self.requests = requests = Requests(
            scheduler=self.scheduler,
            fate=self.fate,
            weather=self.weather,
            tell=self.tell,
            escaped=self.messages.escaped,
        )
        self.users = Users(functions=self.functions, fate=self.fate, requests=requests)
        self.studio_users = StudioUsers(
            functions=self.functions, fate=self.fate, requests=requests, follow=self.users.follow
        )
        self.viewers = Viewers(
            functions=self.functions,
            fate=self.fate,
            requests=requests,
            erase=self.studio_users.erase_later,
            settles_s=ERASURE_SETTLES_S,
        )
        self.journal.written = self._written
        self.erasures.heard = self._heard
        self._ticks = 0
        self._retried: set[str] = set()
        self.overdue: list[str] = []
        kept_days = KEPT_DAYS if self.fate.fraction("failed trainings go") < FORGETTING else 0
        self.retention = RetentionSettings(failed_kept_days=kept_days)
        shared = self.fate.fraction("one person of both") < SHARING
        self.people = {owner: "p_both" if shared else f"p_{owner}" for owner in OWNERS}
        for owner in OWNERS:
            for kind, count in SHOOTS.items():
                self._shoot(f"{kind}_{owner}", owner, count, shoots)

    def tell(self, line: str) -> None:
        """Write a line of the story."""
        self.story.append(f"{self.clock.elapsed_s:9.1f} s  {line}")

    def run(self) -> Outcome:
        """Play until everything has come to its end, then look whether what can be recovered is."""
        with redirect_stdout(_Story(self.tell)):
            self.users.plan()
            self.studio_users.plan(self.people)
            self.scheduler.after(0, self._tick, background=True)
            if self.fate.strikes("everything restarts", 0.2):
                self.scheduler.after(self.fate.between("restart", 30, 1800), self._restart)
            self._play(HORIZON_S)
            untold = self._untold()
            unrecovered = self._recover_all()
            self.scheduler.close()
        return Outcome(
            seed=self.seed,
            trainings=self.trainings.all(),
            images=self.images.all(),
            models=self.models.all(),
            created_s=self.models.created_s,
            marked_s=self.models.marked_s,
            accounts=[self.accounts.get(owner) for owner in OWNERS],
            kept=self.kept,
            datasets=self.datasets,
            runs=list(self.fal.runs.values()),
            finished=self.messages.finished,
            told=self.receiver.received,
            writes=self.journal.writes,
            deletions=self.journal.deletions,
            erasures=self.erasures.all(),
            asked=self.erasures.asked,
            buckets=(self.pictures, self.datasets, self.kept, self.thumbnails),
            stories=self.stories.entries,
            noticed=list(self.notices._notices),
            shoots={owner: ([f"{kind}_{owner}" for kind in SHOOTS], self.people[owner]) for owner in OWNERS},
            promotions=self.studio_users.promotions,
            escaped=self.messages.escaped,
            untold=untold,
            unrecovered=unrecovered,
            untidy=frozenset(t.id for t in self.trainings.all() if self._was_left_untidy(t.id)),
            presses=len(self.users.keys) + self.studio_users.retrainings,
            picture_presses=self.studio_users.presses,
            ended_s=self.clock.elapsed_s,
            overdue=self.overdue,
            struck=self.fate.struck,
            story=self.story,
            kept_days=self.retention.failed_kept_days,
        )

    def _play(self, horizon_s: float) -> None:
        quiet_since: float | None = None
        while self.scheduler.step() and self.clock.elapsed_s < horizon_s:
            if self.scheduler.pending or not self._is_idle():
                quiet_since = None
            elif quiet_since is None:
                quiet_since = self.clock.elapsed_s
            elif self.clock.elapsed_s - quiet_since > 2 * IDLE_TICK_S:
                return

    def _is_idle(self) -> bool:
        if self.erasures.list_open(unchanged_since=self.clock.now(), limit=1):
            return False
        if self.retention.failed_kept_days and any(job.status in PERISHABLE for job in self._jobs()):
            return False
        return all(job.attention is Attention.NONE for job in self._jobs()) and not self._has_leftovers()

    def _has_leftovers(self) -> bool:
        """Whether there are ZIPs of nobody: they go when they are old."""
        known = {training.id for training in self.trainings.all()}
        return any(found.name.split("/")[1] not in known for found in self.datasets.list(""))

    def _jobs(self) -> list[AnyJob]:
        return [*self.trainings.all(), *self.images.all()]

    def _written(self, write: Write) -> None:
        self.studio_users.hear(write)
        self.viewers.hear(write)

    def _heard(self, erasure: Erasure) -> None:
        """What goes because its time has come may be retried in that very moment, once; perhaps fal.ai has lost it."""
        job_id, name = erasure.subject_id, f"{erasure.subject_id} is retried when its time has come"
        if erasure.cause is Cause.RETENTION and job_id not in self._retried and self.requests.likes(name):
            self._retried.add(job_id)
            self._recover(job_id)
            if self.fate.fraction(f"{name}, in vain") < IN_VAIN:
                self.fal.expired.add(job_id)

    def _recover(self, job_id: str) -> None:
        (self.studio_users if is_image_job(job_id) else self.users).recover(job_id)

    def _at_work(self) -> str:
        return self.scheduler.current.name if self.scheduler.current else ""

    def _was_left_untidy(self, training_id: str) -> bool:
        """Whether a mirror was killed, or could not clear up; what it left goes a day later."""
        killed = (f"mirror {training_id}", "KILLED"), ("EVERYTHING RESTARTS", "")
        gave_up = (f"mirror {training_id}", "a dead letter")
        # who works longer than its deadline may find that another one was acked, and is not called again
        overtaken = (f"mirror {training_id}", "the ack deadline passed")
        told = *killed, gave_up, overtaken, ("step_after_the_end_hindered", training_id)
        return any(one in line and other in line for line in self.story for one, other in told)

    def _untold(self) -> list[str]:
        """What can be recovered, and of whose end nobody was told although no message about it was given up."""
        told = {notice_id for notice_id, _ in self.receiver.received}
        given_up = {event.training_id for event in self.messages.dead}
        ends = ((job.id, f"{job.id}-{len(job.history) - 1}-failed") for job in self._jobs() if job.is_recoverable)
        return [job_id for job_id, end in ends if end not in told and job_id not in given_up]

    def _recover_all(self) -> list[str]:
        """Whoever was told that a recovery brings the weights presses Retry now; the ids of those whom it failed."""
        self.clock.elapsed_s = max(self.clock.elapsed_s, CALM_AFTER_S + TICK_S)
        told = [job.id for job in self._jobs() if job.is_recoverable]
        for job_id in told:
            self._recover(job_id)
        self.messages.redrive_ends()
        self._play(self.clock.elapsed_s + HORIZON_S)
        for owner in OWNERS:
            free_unused(owner, accounts=self.accounts, jobs=self.functions.jobs, at=self.clock.now())
        return [job.id for job in self._jobs() if job.id in told and job.status is not Status.SUCCEEDED]

    def _shoot(self, shoot_id: str, owner: str, count: int, shoots: MemoryShoots) -> None:
        person_id, at = self.people[owner], self.clock.now()
        shoot = Shoot(id=shoot_id, owner_id=owner, person_id=person_id, costume_name="Robe", created_at=at)
        shoots.create(shoot)
        for number, picture in enumerate(PICTURES[:count]):
            name = f"{preprocessed_prefix(shoot.id)}{number:02}"
            self.pictures.write(f"{name}.jpg", [picture], content_type="image/jpeg")
            self.pictures.write(f"{name}.txt", [FIRST_CAPTION], content_type="text/plain")

    def _is_wanted(self, training_id: str) -> bool:
        try:
            return not Jobs(trainings=self.trainings, images=self.images).get(training_id).is_terminal
        except JobNotFound:
            return False

    def _deliver(self, event: Event, attempt: int) -> None:
        self.functions.deliver(event, attempt=attempt)

    def _call_back(self, callback: Callback, attempt: int = 1) -> None:
        """fal.ai calls our webhook; without a 2xx it calls again, for about an hour."""
        path = f"/webhooks/fal/{callback.training_id}/{callback.nonce}"
        headers = {"request-id": callback.request_id}

        def report() -> None:
            publisher = AsyncMemoryPublisher(self.functions.publisher)
            at_once(report_result(path, headers, b"{}", verifier=_Verifier(), publisher=publisher))

        def again() -> None:
            if attempt < WEBHOOK_PATIENCE:
                wait = min(15.0 * 2.0 ** (attempt - 1), 400.0)
                self.scheduler.after(wait, lambda: self._call_back(callback, attempt + 1))

        task = Task(f"{callback.key}.{attempt}", report, lambda failure: again() if failure else None)
        self.scheduler.spawn(task)
        self.scheduler.after(30, lambda: again() if task.killed else None)

    def _tick(self) -> None:
        self._ticks += 1
        task = Task(f"tick {self._ticks}", self._look_after, self._ticked, background=True)
        self.scheduler.spawn(task)
        idle = all(job.is_terminal for job in self._jobs()) and self._ticks > 10
        self.scheduler.after(IDLE_TICK_S if idle else TICK_S, self._tick, background=True)

    def _look_after(self) -> None:
        self.functions.look_after()
        if self.retention.failed_kept_days or any(erasure.state is State.OPEN for erasure in self.erasures.all()):
            self.functions.remind(self.retention)

    def _ticked(self, failure: Exception | None) -> None:
        if failure is not None and not hasattr(failure, "code"):
            self.messages.escaped.append(f"tick {self._ticks}: {failure!r}")
        if self.clock.elapsed_s > CALM_AFTER_S + 10 * TICK_S:
            self._note_overdue()

    def _note_overdue(self) -> None:
        """After a tick in calm weather nothing is past its deadline, and what waits long says why."""
        for job in self._jobs():
            if job.status in TERMINAL:
                continue
            stood_s = (self.clock.now() - job.since).total_seconds()
            patience_s = SETTINGS.deadline_mirroring_s if job.fal else 0
            if stood_s > SETTINGS.deadlines.limit_s(job.status, job.kind) + patience_s + 2 * TICK_S:
                self.overdue.append(f"{job.id} is {job.status} for {stood_s:.0f} s")

    def _restart(self) -> None:
        victims = self.scheduler.kill_all()
        self.tell(f"EVERYTHING RESTARTS: {len(victims)} invocations are killed")


def simulate(seed: int, only: Iterable[str] | None = None) -> Outcome:
    """Play the schedule of `seed`; with `only`, no fault but those."""
    return Simulation(seed, None if only is None else frozenset(only)).run()
