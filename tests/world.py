"""The whole system in memory: every use case with its consumer, wired as bootstrap wires them, on fakes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from functions.api.end_training import retry_training
from functions.api.start_training import Wish, start_training
from functions.monitor.check_jobs import Tick
from shared.adapters.memory import (
    FixedClock,
    MemoryAccounts,
    MemoryErasures,
    MemoryImageJobs,
    MemoryModels,
    MemoryNotices,
    MemoryObjects,
    MemoryPublisher,
    MemoryReceiver,
    MemoryShoots,
    MemoryStories,
    MemoryTrainings,
)
from shared.events import ResultReported, TrainingFinished
from shared.image_jobs import ImageJob
from shared.jobs import Job
from shared.models import Model
from shared.shoots import Shoot, preprocessed_prefix
from shared.start_images import ImageWish, start_images
from shared.trainings import Training
from tests.fakes import FakeFal, FakeMedia, small_jpeg
from tests.wiring import Functions

OWNER = "anna"


jpeg = small_jpeg


@dataclass(kw_only=True)
class World(Functions):
    """Ports, settings and the functions; events are delivered by hand or by `run`."""

    clock: FixedClock = field(default_factory=FixedClock)
    shoots: MemoryShoots = field(default_factory=MemoryShoots)
    trainings: MemoryTrainings = field(default_factory=MemoryTrainings)
    images: MemoryImageJobs = field(default_factory=MemoryImageJobs)
    models: MemoryModels = field(default_factory=MemoryModels)
    accounts: MemoryAccounts = field(default_factory=MemoryAccounts)
    publisher: MemoryPublisher = field(default_factory=MemoryPublisher)
    stories: MemoryStories = field(default_factory=MemoryStories)
    erasures: MemoryErasures = field(default_factory=MemoryErasures)
    notices: MemoryNotices = field(default_factory=MemoryNotices)
    receiver: MemoryReceiver = field(default_factory=MemoryReceiver)
    pictures: MemoryObjects = field(init=False)
    datasets: MemoryObjects = field(init=False)
    kept: MemoryObjects = field(init=False)
    fal: FakeFal = field(init=False)
    media: FakeMedia = field(default_factory=FakeMedia)
    new_name: Callable[[], str] = field(init=False)

    def __post_init__(self) -> None:
        self.pictures = MemoryObjects("shoots", clock=self.clock)
        self.datasets = MemoryObjects("datasets", clock=self.clock)
        self.kept = MemoryObjects("models", clock=self.clock)
        self.fal = FakeFal(self.clock)
        self.new_name = self.name
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
        self.shoots.create(shoot)
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

    def tick(self, after_s: float = 60) -> Tick:
        """The monitor, `after_s` seconds later."""
        self.clock.advance(after_s)
        return self.look_after()

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

    def model(self, key: str = "key", **changes: Any) -> Model:
        """A model that was really trained, on a shoot of its own."""
        self.shoot(shoot_id=f"s_{key}")
        training = self.start(f"s_{key}", key, force=True, **changes)
        self.run()
        self.fal.end(self.request_of(training))
        self.publisher.publish(self.report(training, self.request_of(training)))
        self.run()
        return self.models.get(str(self.of(training).model_id))

    def draw(self, model: Model, key: str = "pictures", prompt: str = "in the rain", **changes: Any) -> ImageJob:
        """What the user's press of "Make pictures" does."""
        return start_images(model, key, ImageWish(prompt=prompt, **changes), self.image_desk)

    def request_of(self, job: Job) -> str:
        """The request id that fal.ai gave the job."""
        return next(i for i, run in self.fal.runs.items() if f"/{job.id}/" in run.submission.webhook_url)

    def finish_images(self, job: ImageJob) -> ImageJob:
        """Let fal.ai make the pictures, and its webhook come."""
        self.fal.end(self.request_of(job))
        self.call_back(job)
        return self.images.get(job.id)

    def call_back(self, job: ImageJob) -> None:
        """fal.ai's webhook for the pictures."""
        now = self.images.get(job.id)
        nonce = now.claim.nonce if now.claim else "?"
        event = ResultReported(training_id=job.id, nonce=nonce, request_id=self.request_of(job))
        self.publisher.publish(event)
        self.run()

    def recover(self, training: Training) -> Training:
        """Press Retry on a training whose paid weights can be fetched again."""
        retry_training(self.of(training), self.desk)
        self.run()
        return self.of(training)

    def zips(self) -> list[str]:
        """The ZIPs that lie about."""
        return [found.name for found in self.datasets.list("") if found.name.endswith(".zip")]

    def of(self, training: Training) -> Training:
        """The training as it is now."""
        return self.trainings.get(training.id)

    def finished(self) -> list[TrainingFinished]:
        """What the app was told about ended trainings."""
        return [event for event in self.publisher.published if isinstance(event, TrainingFinished)]
