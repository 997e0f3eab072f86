"""What every `Publisher` promises."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from shared.edge import Edge
from shared.events import DatasetPackaged, Event, ResultReported, TrainingRequested
from shared.messaging import Delivery, decode
from shared.tracing import TraceContext
from tests.contracts.backend import Backend

PATIENCE_S = 15.0


def deliveries_of(backend: Backend, word: str, count: int) -> list[Delivery]:
    """What subscribers got about trainings with `word` in their id, as soon as it is `count` messages or more."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = [delivery for delivery in backend.received(0.5) if word.encode() in delivery.data]
        if len({delivery.message_id for delivery in found}) >= count or time.monotonic() > deadline:
            return found


def test_every_event_arrives_as_it_was_published(backend: Backend, own: str) -> None:
    events: list[Event] = [
        TrainingRequested(training_id=f"t_{own}_1"),
        DatasetPackaged(
            training_id=f"t_{own}_2", nonce="n", archive_url="https://x/ü%20.zip?a=b&c=d", expires_at=1767268800.25
        ),
        ResultReported(training_id=f"t_{own}_3", nonce="n", request_id="r"),
    ]
    for event in events:
        backend.publisher.publish(event)
    found = deliveries_of(backend, own, len(events))
    for event in events:
        about = next(delivery for delivery in found if event.training_id.encode() in delivery.data)
        assert decode(about.data, type(event)) == event
        assert about.attempt >= 1


def test_a_message_knows_where_on_its_road_it_was_published(backend: Backend, own: str) -> None:
    place = TraceContext(trace_id="4bf92f3577b34da6a3ce929d0e0e4736", span_id="00f067aa0ba902b7", sampled=True)
    with Edge(function="api").request({"traceparent": str(place)}):
        backend.publisher.publish(TrainingRequested(training_id=f"t_{own}"))
    (found,) = deliveries_of(backend, own, 1)
    assert found.comes_from == place


def test_the_same_event_published_twice_is_two_messages(backend: Backend, own: str) -> None:
    for _ in range(2):
        backend.publisher.publish(TrainingRequested(training_id=f"t_{own}"))
    found = deliveries_of(backend, own, 2)
    assert len({delivery.message_id for delivery in found}) == 2


def test_events_that_many_publish_at_once_all_arrive(backend: Backend, own: str) -> None:
    events = [TrainingRequested(training_id=f"t_{own}_{number}") for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(backend.publisher.publish, events))
    found = deliveries_of(backend, own, len(events))
    assert {decode(delivery.data, TrainingRequested) for delivery in found} == set(events)


def test_what_is_published_on_an_event_loop_arrives_as_it_was_published_and_from_where(
    backend: Backend, own: str
) -> None:
    events = [ResultReported(training_id=f"t_{own}_{number}", nonce="n", request_id="r") for number in range(40)]
    places = [TraceContext(trace_id=f"{number + 1:032x}", span_id="00f067aa0ba902b7") for number in range(40)]

    async def publish(event: Event, place: TraceContext) -> None:
        async with Edge(function="webhook").answering({"traceparent": str(place)}):
            await backend.async_publisher.publish(event)

    async def publish_all() -> None:
        await asyncio.gather(*map(publish, events, places))

    asyncio.run(publish_all())
    found = deliveries_of(backend, own, len(events))
    arrived = {(decode(delivery.data, ResultReported), delivery.comes_from) for delivery in found}
    assert arrived == set(zip(events, places, strict=True))
