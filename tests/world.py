"""The whole system in memory: every use case with its consumer, wired as bootstrap wires them, on fakes."""

from __future__ import annotations

import base64
import io
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from functions.api.end_training import retry_training
from functions.api.start_training import Desk, Wish, start_training
from functions.mirror.mirror_artifacts import mirror_artifacts
from functions.monitor.check_jobs import Monitor, Tick, check_jobs, check_one
from functions.packager.package_dataset import package_dataset
from functions.submitter.submit_job import submit_job
from shared.accounts import Limits
from shared.adapters.memory import (
    FixedClock,
    MemoryAccounts,
    MemoryModels,
    MemoryObjects,
    MemoryPublisher,
    MemoryShoots,
    MemoryTrainings,
)
from shared.events import CheckRequested, DatasetPackaged, Event, ResultReported, TrainingFinished, TrainingRequested
from shared.finishing import finish_training
from shared.messaging import Consumer, encode
from shared.settings import DatasetSettings, MirrorSettings, MonitorSettings, SubmitSettings
from shared.shoots import Shoot, preprocessed_prefix
from shared.stages import Stage
from shared.trainings import Training
from tests.fakes import FakeFal, FakeMedia

OWNER = "anna"
NO_LIMITS = Limits(trainings_at_once=None, usd_per_day=None)
MAX_ATTEMPTS = 5


def jpeg(seed: int = 0, size: int = 64) -> bytes:
    """A small real JPEG."""
    out = io.BytesIO()
    Image.new("RGB", (size, size), ((seed * 37) % 256, (seed * 91) % 256, 128)).save(out, "JPEG")
    return out.getvalue()


def envelope(event: Event, *, attempt: int = 1) -> bytes:
    """The push request that delivers `event`."""
    data = base64.b64encode(encode(event)).decode()
    return json.dumps({"message": {"data": data, "messageId": "1"}, "deliveryAttempt": attempt}).encode()


@dataclass
class World:
    """Ports, settings and the functions; events are delivered by hand or by `run`."""

    clock: FixedClock = field(default_factory=FixedClock)
    shoots: MemoryShoots = field(default_factory=MemoryShoots)
    trainings: MemoryTrainings = field(default_factory=MemoryTrainings)
    models: MemoryModels = field(default_factory=MemoryModels)
    accounts: MemoryAccounts = field(default_factory=MemoryAccounts)
    limits: Limits = NO_LIMITS
    publisher: MemoryPublisher = field(default_factory=MemoryPublisher)
    media: FakeMedia = field(default_factory=FakeMedia)
    monitor_settings: MonitorSettings = field(default_factory=MonitorSettings)
    dataset_settings: DatasetSettings = field(default_factory=DatasetSettings)

    def __post_init__(self) -> None:
        self.pictures = MemoryObjects("shoots", clock=self.clock)
        self.datasets = MemoryObjects("datasets", clock=self.clock)
        self.kept = MemoryObjects("models", clock=self.clock)
        self.fal = FakeFal(self.clock)
        self._numbers = itertools.count(1)
        self._delivered = 0

    def name(self) -> str:
        """A new name, in order, so that stories can be read."""
        return f"n{next(self._numbers)}"

    def shoot(self, images: int = 4, captions: int = 4, shoot_id: str = "s_1") -> Shoot:
        """A shoot with small real pictures."""
        shoot = Shoot(
            id=shoot_id, owner_id=OWNER, person_id="p1", costume_name="Red Riding Hood", created_at=self.clock.now()
        )
        self.shoots.save(shoot)
        for i in range(images):
            self.put(shoot_id, f"{i:02}.jpg", jpeg(i))
            if i < captions:
                self.put(shoot_id, f"{i:02}.txt", f"[trigger] in picture {i}".encode())
        return shoot

    def put(self, shoot_id: str, name: str, content: bytes) -> None:
        """A file of a shoot."""
        self.pictures.write(f"{preprocessed_prefix(shoot_id)}{name}", [content], content_type="image/jpeg")

    def start(self, shoot_id: str = "s_1", key: str = "key", **changes: Any) -> Training:
        """What the user's press of the button does."""
        wanted: dict[str, Any] = {
            "shoot_id": shoot_id,
            "trigger_word": "TOK",
            "trainer": "fal-ai/flux-lora-fast-training",
            "parameters": {"steps": 10},
            **changes,
        }
        return start_training(OWNER, key, Wish(**wanted), self.desk)

    @property
    def desk(self) -> Desk:
        """The ports of starting a training."""
        return Desk(
            shoots=self.shoots,
            pictures=self.pictures,
            trainings=self.trainings,
            models=self.models,
            accounts=self.accounts,
            publisher=self.publisher,
            clock=self.clock,
            dataset_limits=self.dataset_settings,
            limits=self.limits,
        )

    def consumer(self, stage: Stage) -> Consumer:
        """The consumer that bootstrap would build for a stage."""
        return Consumer(
            trainings=self.trainings,
            clock=self.clock,
            stage=stage,
            deadlines=self.monitor_settings.deadlines,
            max_attempts=MAX_ATTEMPTS,
            finish=(lambda _: None) if stage is Stage.SUBMITTING else self._finish,
        )

    def _finish(self, training: Training) -> None:
        finish_training(
            training,
            publisher=self.publisher,
            datasets=self.datasets,
            accounts=self.accounts,
            clock=self.clock,
        )

    def deliver(self, event: Event, *, attempt: int = 1) -> None:
        """One delivery of `event` to its function; raises where the function would ask for redelivery."""
        body = envelope(event, attempt=attempt)
        if isinstance(event, TrainingRequested):
            self.consumer(Stage.PACKAGING).handle(body, TrainingRequested, self.package)
        elif isinstance(event, DatasetPackaged):
            self.consumer(Stage.SUBMITTING).handle(body, DatasetPackaged, self.submit)
        elif isinstance(event, ResultReported):
            self.consumer(Stage.MIRRORING).handle(body, ResultReported, self.mirror)
        elif isinstance(event, CheckRequested):
            self.consumer(Stage.TRAINING).handle(body, CheckRequested, self.check)

    def package(self, event: TrainingRequested) -> Training:
        """The packager."""
        return package_dataset(
            event,
            trainings=self.trainings,
            shoots=self.pictures,
            datasets=self.datasets,
            publisher=self.publisher,
            clock=self.clock,
            new_nonce=self.name,
            limits=self.dataset_settings,
        )

    def submit(self, event: DatasetPackaged) -> Training:
        """The submitter."""
        return submit_job(
            event,
            trainings=self.trainings,
            trainer=self.fal,
            clock=self.clock,
            owner=self.name(),
            webhook_base="https://app.example/webhooks/fal",
            settings=SubmitSettings(),
        )

    def mirror(self, event: ResultReported) -> Training:
        """The mirror."""
        return mirror_artifacts(
            event,
            trainings=self.trainings,
            models=self.models,
            trainer=self.fal,
            source=self.media,
            bucket=self.kept,
            clock=self.clock,
            new_id=self.name,
            settings=MirrorSettings(),
        )

    def tick(self, after_s: float = 60) -> Tick:
        """The monitor, `after_s` seconds later."""
        self.clock.advance(after_s)
        return check_jobs(self._monitor())

    def check(self, event: CheckRequested) -> Training:
        """The monitor, asked about one training."""
        return check_one(event, self._monitor())

    def _monitor(self) -> Monitor:
        return Monitor(
            trainings=self.trainings,
            trainer=self.fal,
            datasets=self.datasets,
            publisher=self.publisher,
            accounts=self.accounts,
            clock=self.clock,
            settings=self.monitor_settings,
            now=self.clock.now(),
        )

    def run(self) -> None:
        """Deliver everything that was published and not yet delivered, in order, until nothing is left."""
        while self._delivered < len(self.publisher.published):
            event = self.publisher.published[self._delivered]
            self._delivered += 1
            self.deliver(event)

    def report(self, training: Training, request_id: str = "r1") -> ResultReported:
        """What the webhook would publish for a training."""
        now = self.trainings.get(training.id)
        nonce = now.claim.nonce if now.claim else "?"
        return ResultReported(training_id=training.id, nonce=nonce, request_id=request_id)

    def finish(self, training: Training) -> Training:
        """Let fal.ai end the run well, and its webhook come."""
        self.fal.end("r1")
        self.publisher.publish(self.report(training))
        self.run()
        return self.trainings.get(training.id)

    def recover(self, training: Training) -> Training:
        """Press Retry on a training whose paid weights can be fetched again."""
        retry_training(self.of(training), self.desk)
        self.run()
        return self.of(training)

    def zips(self) -> list[str]:
        """The ZIPs that lie about."""
        return [found.name for found in self.datasets.list("")]

    def of(self, training: Training) -> Training:
        """The training as it is now."""
        return self.trainings.get(training.id)

    def finished(self) -> list[TrainingFinished]:
        """What the app was told about ended trainings."""
        return [event for event in self.publisher.published if isinstance(event, TrainingFinished)]
