"""The sets of adapters that the contract suite runs against, each as one `Backend`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.dispatcher import push_envelope
from shared.adapters.embedded.accounts import SqliteAccounts
from shared.adapters.embedded.database import Database
from shared.adapters.embedded.dead_letters import SqliteDeadLetters
from shared.adapters.embedded.erasures import SqliteErasures
from shared.adapters.embedded.jobs import SqliteImageJobs, SqliteTrainings
from shared.adapters.embedded.models import SqliteModels
from shared.adapters.embedded.notices import SqliteNotices
from shared.adapters.embedded.objects import DirectoryObjects
from shared.adapters.embedded.publisher import AsyncSqlitePublisher
from shared.adapters.embedded.queue import SqliteQueue
from shared.adapters.embedded.shoots import SqliteShoots
from shared.adapters.embedded.signing import UrlSigner
from shared.adapters.embedded.stories import SqliteStories
from shared.adapters.memory import (
    AsyncMemoryPublisher,
    FixedClock,
    MemoryAccounts,
    MemoryDeadLetters,
    MemoryErasures,
    MemoryImageJobs,
    MemoryModels,
    MemoryNotices,
    MemoryObjects,
    MemoryPublisher,
    MemoryShoots,
    MemoryStories,
    MemoryTrainings,
)
from shared.events import SUBSCRIPTIONS, Event
from shared.messaging import Delivery, encode, read_envelope
from shared.ports import (
    AccountRepository,
    AsyncPublisher,
    DeadLetters,
    ErasureRepository,
    ImageJobRepository,
    ModelRepository,
    NoticeRepository,
    Objects,
    Publisher,
    ShootRepository,
    StoryRepository,
    TrainingRepository,
)


@dataclass(frozen=True)
class Backend:
    """One set of adapters.

    `objects` gives a bucket by its name, made where there is none. `received` gives what subscribers of our events
    got so far, after waiting at most the given seconds for more. `bury` makes an event a dead letter of a function's
    subscription. Other tests may use the same set: take ids of your
    own.
    """

    name: str
    shoots: ShootRepository
    trainings: TrainingRepository
    images: ImageJobRepository
    models: ModelRepository
    accounts: AccountRepository
    stories: StoryRepository
    notices: NoticeRepository
    erasures: ErasureRepository
    objects: Callable[[str], Objects]
    publisher: Publisher
    async_publisher: AsyncPublisher
    received: Callable[[float], list[Delivery]]
    dead_letters: DeadLetters
    bury: Callable[[Event, str], object]


def memory_backend() -> Backend:
    """The adapters in memory."""
    publisher, clock = MemoryPublisher(), FixedClock()
    dead_letters = MemoryDeadLetters(publisher)

    def received(_timeout_s: float) -> list[Delivery]:
        return [
            Delivery(data=encode(event), message_id=f"{number}-{subscription}", comes_from=place)
            for number, (event, place) in enumerate(zip(publisher.published, publisher.places, strict=True))
            for subscription in SUBSCRIPTIONS[event.topic]
        ]

    return Backend(
        name="memory",
        shoots=MemoryShoots(),
        trainings=MemoryTrainings(),
        images=MemoryImageJobs(),
        models=MemoryModels(),
        accounts=MemoryAccounts(),
        stories=MemoryStories(),
        notices=MemoryNotices(),
        erasures=MemoryErasures(),
        objects=MemoryObjects,
        publisher=publisher,
        async_publisher=AsyncMemoryPublisher(publisher),
        received=received,
        dead_letters=dead_letters,
        bury=lambda event, function: dead_letters.bury(event, function, at=clock.advance(1)),
    )


@contextmanager
def embedded_backend(root: Path) -> Iterator[Backend]:
    """The adapters for one machine, in the directory `root`."""
    database, signer = Database(root / "app.sqlite"), UrlSigner("http://127.0.0.1:1", b"secret")
    queue, deliveries = SqliteQueue(database), list[Delivery]()

    def received(_timeout_s: float) -> list[Delivery]:
        for message in queue.lease(limit=1000, lease_s=60):
            deliveries.append(read_envelope(push_envelope(message)))
            queue.ack(message)
        return list(deliveries)

    def bury(event: Event, function: str) -> None:
        queue.publish(event)
        while leased := queue.lease(limit=1, lease_s=60, subscriptions=(function,)):
            queue.nack(leased[0], delay_s=0, error="HTTP 500")

    yield Backend(
        name="embedded",
        shoots=SqliteShoots(database),
        trainings=SqliteTrainings(database),
        images=SqliteImageJobs(database),
        models=SqliteModels(database),
        accounts=SqliteAccounts(database),
        stories=SqliteStories(database),
        notices=SqliteNotices(database),
        erasures=SqliteErasures(database),
        objects=lambda bucket: DirectoryObjects(root / "objects", bucket, signer),
        publisher=queue,
        async_publisher=AsyncSqlitePublisher(queue),
        received=received,
        dead_letters=SqliteDeadLetters(queue),
        bury=bury,
    )
    database.close()
