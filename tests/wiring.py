"""Every use case with its consumer, wired as bootstrap wires them, over whatever ports a test gives."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import timedelta

from functions.api.request_erasure import Erasing
from functions.api.start_training import TrainingDesk
from functions.eraser.carry_out import Hands
from functions.eraser.erase import Eraser, hear_erasure
from functions.mirror.mirror_artifacts import Mirror, mirror_artifacts
from functions.monitor.check_job import Monitor, check_one
from functions.monitor.check_jobs import Tick, check_everything, check_jobs, threads
from functions.monitor.remind_eraser import Reminder
from functions.notifier.hear import hear
from functions.notifier.notify import Notifier
from functions.packager.package_dataset import package_dataset
from functions.packager.prepare_images import prepare_images
from functions.submitter.submit_job import Prepared, submit_job
from shared.accounts import Limits
from shared.adapters.memory import (
    MemoryErasures,
    MemoryImageJobs,
    MemoryNotices,
    MemoryObjects,
    MemoryReceiver,
    MemoryStories,
)
from shared.all_jobs import Jobs
from shared.erasing.inventory import Buckets
from shared.erasing.things import Bucket
from shared.events import (
    CheckRequested,
    DatasetPackaged,
    ErasureRequested,
    Event,
    ImagesFinished,
    ImagesPrepared,
    ImagesRequested,
    ResultReported,
    TrainingFinished,
    TrainingRequested,
)
from shared.finishing import finish_job
from shared.jobs import Job
from shared.messaging import TOPIC_ATTRIBUTE, Consumer, UseCases, encode, read_envelope
from shared.narrating import Narrator
from shared.orders import Desk
from shared.ports import (
    AccountRepository,
    ArtifactSource,
    Clock,
    ErasureRepository,
    ImageJobRepository,
    ModelRepository,
    NoticeRepository,
    Objects,
    Publisher,
    Receiver,
    ShootRepository,
    StoryRepository,
    Trainer,
    TrainingRepository,
)
from shared.settings import DatasetSettings, MirrorSettings, MonitorSettings, RetentionSettings, SubmitSettings
from shared.stages import Stage
from shared.trainings import Training

NO_LIMITS = Limits(trainings_at_once=None, usd_per_day=None)
MAX_ATTEMPTS = 5
WEBHOOK_BASE = "https://app.example/webhooks/fal"
CONSOLE_URL = "https://app.example"
NOTICE_LEASE_S = 30.0
# read once: reading settings takes longer than most of what a function does in memory
SUBMIT, MIRROR = SubmitSettings(), MirrorSettings()

STORY_KEPT_FOR = timedelta(days=90)
FUNCTIONS = {
    Stage.PACKAGING: "packager",
    Stage.SUBMITTING: "submitter",
    Stage.MIRRORING: "mirror",
    Stage.TRAINING: "monitor",
}


def envelope(event: Event, *, attempt: int = 1) -> bytes:
    """The push request that delivers `event`."""
    data = base64.b64encode(encode(event)).decode()
    message = {"data": data, "messageId": "1", "attributes": {TOPIC_ATTRIBUTE: event.topic}}
    return json.dumps({"message": message, "deliveryAttempt": attempt}).encode()


@dataclass(kw_only=True)
class Functions:
    """The event functions and the ports that they stand on; `new_name` gives a new name at every call."""

    clock: Clock
    shoots: ShootRepository
    trainings: TrainingRepository
    models: ModelRepository
    accounts: AccountRepository
    publisher: Publisher
    pictures: Objects
    datasets: Objects
    kept: Objects
    fal: Trainer
    media: ArtifactSource
    new_name: Callable[[], str]
    erasures: ErasureRepository = field(default_factory=MemoryErasures)
    thumbnails: Objects = field(default_factory=lambda: MemoryObjects("thumbnails"))
    images: ImageJobRepository = field(default_factory=MemoryImageJobs)
    stories: StoryRepository = field(default_factory=MemoryStories)
    notices: NoticeRepository = field(default_factory=MemoryNotices)
    receiver: Receiver = field(default_factory=MemoryReceiver)
    limits: Limits = NO_LIMITS
    samples: int = 0
    monitor_settings: MonitorSettings = field(default_factory=MonitorSettings)
    dataset_settings: DatasetSettings = field(default_factory=DatasetSettings)
    max_attempts: int = MAX_ATTEMPTS
    erasure_settles_s: float = 0
    new_executor: Callable[[], Executor] = threads

    @property
    def jobs(self) -> Jobs:
        """The jobs of both kinds."""
        return Jobs(trainings=self.trainings, images=self.images)

    @property
    def image_desk(self) -> Desk:
        """The ports of asking for pictures."""
        return Desk(
            jobs=self.jobs,
            accounts=self.accounts,
            publisher=self.publisher,
            clock=self.clock,
            limits=self.limits,
        )

    @property
    def desk(self) -> TrainingDesk:
        """The ports of starting a training."""
        return TrainingDesk(
            shoots=self.shoots,
            pictures=self.pictures,
            jobs=self.jobs,
            models=self.models,
            accounts=self.accounts,
            publisher=self.publisher,
            clock=self.clock,
            dataset_limits=self.dataset_settings,
            limits=self.limits,
            samples=self.samples,
        )

    def consumer(self, stage: Stage) -> Consumer:
        """The consumer that bootstrap would build for a stage."""
        return Consumer(
            jobs=self.jobs,
            narrator=self.narrator(FUNCTIONS[stage]),
            clock=self.clock,
            stage=stage,
            deadlines=self.monitor_settings.deadlines,
            max_attempts=self.max_attempts,
            finish=(lambda _: None) if stage is Stage.SUBMITTING else self._finish,
        )

    def narrator(self, function: str) -> Narrator:
        """What tells the stories of a function's invocations."""
        return Narrator(
            stories=self.stories,
            clock=self.clock,
            function=function,
            new_id=lambda: secrets.token_hex(6),
            kept_for=STORY_KEPT_FOR,
        )

    def _finish(self, job: Job) -> None:
        finish_job(
            job,
            jobs=self.jobs,
            models=self.models,
            publisher=self.publisher,
            datasets=self.datasets,
            accounts=self.accounts,
            clock=self.clock,
        )

    def deliver(self, event: Event, *, attempt: int = 1) -> None:
        """One delivery of `event` to its function; raises where the function would ask for redelivery."""
        body = envelope(event, attempt=attempt)
        if isinstance(event, TrainingRequested | ImagesRequested):
            prepared: UseCases = {TrainingRequested: self.package, ImagesRequested: self.prepare}
            self.consumer(Stage.PACKAGING).handle_any(body, prepared)
        elif isinstance(event, DatasetPackaged | ImagesPrepared):
            submitted: UseCases = {DatasetPackaged: self.submit, ImagesPrepared: self.submit}
            self.consumer(Stage.SUBMITTING).handle_any(body, submitted)
        elif isinstance(event, ResultReported):
            self.consumer(Stage.MIRRORING).handle(body, ResultReported, self.mirror)
        elif isinstance(event, CheckRequested) and event.everything:
            check_everything(
                event,
                read_envelope(body),
                monitor=self._monitor(),
                narrator=self.narrator("monitor"),
                new_executor=self.new_executor,
            )
        elif isinstance(event, ErasureRequested):
            hear_erasure(body, eraser=self.eraser, max_attempts=self.max_attempts)
        elif isinstance(event, CheckRequested):
            self.consumer(Stage.TRAINING).handle(body, CheckRequested, self.check)
        elif isinstance(event, TrainingFinished | ImagesFinished):
            self.notify(body)

    def notify(self, body: bytes) -> None:
        """The notifier."""
        hear(
            body,
            jobs={TrainingFinished: self.trainings.get, ImagesFinished: self.images.get},
            notifier=self.notifier,
            narrator=self.narrator("notifier"),
            max_attempts=self.max_attempts,
        )

    def package(self, event: TrainingRequested) -> Training:
        """The packager."""
        return package_dataset(
            event,
            trainings=self.trainings,
            models=self.models,
            shoots=self.pictures,
            thumbnails=self.thumbnails,
            datasets=self.datasets,
            kept=self.kept,
            publisher=self.publisher,
            clock=self.clock,
            new_nonce=self.new_name,
            limits=self.dataset_settings,
        )

    def prepare(self, event: ImagesRequested) -> Job:
        """The packager, for pictures."""
        return prepare_images(
            event,
            images=self.images,
            models=self.models,
            kept=self.kept,
            publisher=self.publisher,
            clock=self.clock,
            new_nonce=self.new_name,
            ttl_s=self.dataset_settings.archive_url_ttl_s,
        )

    def submit(self, event: Prepared) -> Job:
        """The submitter."""
        return submit_job(
            event,
            jobs=self.jobs,
            models=self.models,
            trainer=self.fal,
            clock=self.clock,
            owner=self.new_name(),
            webhook_base=WEBHOOK_BASE,
            settings=SUBMIT,
        )

    def mirror(self, event: ResultReported) -> Job:
        """The mirror."""
        ports = Mirror(
            jobs=self.jobs,
            models=self.models,
            trainer=self.fal,
            source=self.media,
            bucket=self.kept,
            datasets=self.datasets,
            clock=self.clock,
            new_id=self.new_name,
            settings=MIRROR,
        )
        return mirror_artifacts(event, ports)

    def check(self, event: CheckRequested) -> Job:
        """The monitor, asked about one training."""
        return check_one(event, self._monitor())

    @property
    def notifier(self) -> Notifier:
        """What tells the receiver."""
        return Notifier(
            notices=self.notices,
            models=self.models,
            receiver=self.receiver,
            clock=self.clock,
            console_url=CONSOLE_URL,
            lease_s=NOTICE_LEASE_S,
        )

    @property
    def eraser(self) -> Eraser:
        """The eraser."""
        hands = Hands(
            jobs=self.jobs,
            models=self.models,
            shoots=self.shoots,
            stories=self.stories,
            notices=self.notices,
            trainer=self.fal,
            buckets=self.buckets,
        )
        return Eraser(erasures=self.erasures, hands=hands, clock=self.clock, settles_s=self.erasure_settles_s)

    @property
    def buckets(self) -> Buckets:
        """The buckets that the eraser reaches."""
        return {
            Bucket.DATASETS: self.datasets,
            Bucket.MODELS: self.kept,
            Bucket.THUMBNAILS: self.thumbnails,
            Bucket.SHOOTS: self.pictures,
        }

    def erasing(self, *, with_shoots: bool = False) -> Erasing:
        """The ports of asking for an erasure."""
        return Erasing(
            erasures=self.erasures,
            trainings=self.trainings,
            images=self.images,
            models=self.models,
            shoots=self.shoots,
            buckets=self.buckets,
            publisher=self.publisher,
            clock=self.clock,
            with_shoots=with_shoots,
        )

    def remind(self, retention: RetentionSettings) -> int:
        """The part of a tick that is about erasing."""
        return Reminder(
            erasures=self.erasures,
            trainings=self.trainings,
            images=self.images,
            publisher=self.publisher,
            retention=retention,
            stalled_s=self.monitor_settings.stalled_s,
            now=self.clock.now(),
        ).remind()

    def look_after(self) -> Tick:
        """One tick of the monitor."""
        with self.narrator("monitor").invocation():
            return check_jobs(self._monitor(), new_executor=self.new_executor)

    def _monitor(self) -> Monitor:
        return Monitor(
            jobs=self.jobs,
            models=self.models,
            trainer=self.fal,
            datasets=self.datasets,
            publisher=self.publisher,
            accounts=self.accounts,
            clock=self.clock,
            settings=self.monitor_settings,
            now=self.clock.now(),
        )
