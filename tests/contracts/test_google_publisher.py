"""What is particular to Pub/Sub: attributes, errors in time, push subscriptions and dead letters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import pytest
from google.cloud.pubsub_v1 import PublisherClient

from infra.local.emulator_processes import free_port
from infra.local.emulators import Emulators
from infra.local.provision import PushPolicy, provision, publisher_of, subscriber_of
from shared.adapters.google.clients import publisher_client, subscriber_client
from shared.adapters.google.dead_letters import PubSubDeadLetters
from shared.adapters.google.publisher import AsyncPubSubPublisher, PubSubPublisher
from shared.errors import MessagingUnavailable
from shared.events import EVENTS, SUBSCRIPTIONS, ResultReported, TrainingRequested, dead_letter_name, subscription_name
from shared.messaging import decode, encode
from tests.contracts.google_backend import PushTarget, a_project

REQUESTED = TrainingRequested(training_id="t_1")


@pytest.fixture
def emulators() -> Emulators:
    return a_project()


@pytest.fixture
def target() -> Iterator[PushTarget]:
    target = PushTarget()
    yield target
    target.close()


@contextmanager
def publishing(emulators: Emulators, *, timeout_s: float = 10.0) -> Iterator[PubSubPublisher]:
    client: PublisherClient = publisher_client(emulators.settings())
    yield PubSubPublisher(client, emulators.project, timeout_s=timeout_s)
    client.transport.close()


@contextmanager
def looking(emulators: Emulators, publisher: PubSubPublisher) -> Iterator[PubSubDeadLetters]:
    client = subscriber_client(emulators.settings())
    yield PubSubDeadLetters(client, publisher, emulators.project, patience_s=0.3, call_s=1.0)
    client.transport.close()


def test_each_function_gets_the_events_of_its_topic(emulators: Emulators, target: PushTarget) -> None:
    provision(emulators, target.url)
    reported = ResultReported(training_id="t_1", nonce="n", request_id="r")
    with publishing(emulators) as publisher:
        publisher.publish(REQUESTED)
        publisher.publish(reported)
    target.wait_for(2, timeout_s=10)
    got = dict(zip(target.paths, target.deliveries, strict=True))
    assert decode(got["/_push/packager"].data, TrainingRequested) == REQUESTED
    assert decode(got["/_push/mirror"].data, ResultReported) == reported


def test_a_message_is_delivered_again_until_it_is_acknowledged(emulators: Emulators, target: PushTarget) -> None:
    provision(emulators, target.url)
    target.status = 500
    with publishing(emulators) as publisher:
        publisher.publish(REQUESTED)
    target.wait_for(1, timeout_s=10)
    target.status = 204
    assert {delivery.message_id for delivery in target.wait_for(2, timeout_s=15)} == {target.deliveries[0].message_id}


@pytest.mark.slow
def test_what_fails_at_every_delivery_becomes_a_dead_letter_that_can_be_redriven(
    emulators: Emulators, target: PushTarget
) -> None:
    provision(emulators, target.url, policy=PushPolicy(max_attempts=5))
    target.status = 500
    with publishing(emulators) as publisher:
        publisher.publish(REQUESTED)
        with looking(emulators, publisher) as dead_letters:
            deadline = time.monotonic() + 45
            while not (letters := dead_letters.list(limit=10)) and time.monotonic() < deadline:
                target.received(0.2)
            (letter,) = letters
            assert (decode(letter.data, TrainingRequested), letter.attempts) == (REQUESTED, 5)
            assert len(target.deliveries) == 5
            target.status = 204
            dead_letters.redrive(letter.id)
            assert decode(target.wait_for(6, timeout_s=10)[-1].data, TrainingRequested) == REQUESTED
            assert dead_letters.list(limit=10) == []


def test_provisioning_again_keeps_everything_and_moves_the_pushes(emulators: Emulators, target: PushTarget) -> None:
    provision(emulators, f"http://127.0.0.1:{free_port()}")
    provision(emulators, target.url)
    with publishing(emulators) as publisher:
        publisher.publish(REQUESTED)
    assert len(target.wait_for(1, timeout_s=15)) == 1


def test_every_subscription_has_a_dead_letter_that_somebody_keeps(emulators: Emulators) -> None:
    provision(emulators, "http://127.0.0.1:1")
    with publisher_of(emulators) as topics, subscriber_of(emulators) as subscriptions:
        project = f"projects/{emulators.project}"
        made_topics = {topic.name.rsplit("/", 1)[1] for topic in topics.list_topics(project=project)}
        made = {one.name.rsplit("/", 1)[1]: one for one in subscriptions.list_subscriptions(project=project)}
    expected = {subscription_name(topic, to) for topic, functions in SUBSCRIPTIONS.items() for to in functions}
    dead_letters = {dead_letter_name(subscription) for subscription in expected}
    assert set(made) == expected | dead_letters
    assert made_topics == set(EVENTS) | dead_letters
    for subscription in expected:
        policy = made[subscription].dead_letter_policy
        assert policy.dead_letter_topic == f"{project}/topics/{dead_letter_name(subscription)}"
        assert made[subscription].ack_deadline_seconds == 600


def test_a_topic_that_is_not_there_is_an_error_at_once(emulators: Emulators) -> None:
    started = time.monotonic()
    with publishing(emulators) as publisher, pytest.raises(MessagingUnavailable, match="NotFound"):
        publisher.publish(REQUESTED)
    assert time.monotonic() - started < 5


def test_a_queue_that_does_not_answer_is_unavailable_in_time(emulators: Emulators) -> None:
    nobody = replace(emulators, pubsub_host=f"127.0.0.1:{free_port()}")
    started = time.monotonic()
    with publishing(nobody, timeout_s=0.5) as publisher:
        with pytest.raises(MessagingUnavailable):
            publisher.publish(REQUESTED)
        with pytest.raises(MessagingUnavailable):
            asyncio.run(AsyncPubSubPublisher(publisher).publish(REQUESTED))
    assert time.monotonic() - started < 5


def test_a_redriven_message_keeps_its_own_attributes_and_loses_those_of_its_death(
    emulators: Emulators, target: PushTarget
) -> None:
    provision(emulators, target.url)
    marks = {"event": "training-requested", "traceparent": "00-a-b-01", "CloudPubSubDeadLetterSourceDeliveryCount": "5"}
    with publishing(emulators) as publisher, looking(emulators, publisher) as dead_letters:
        publisher.send("training-requested-packager-dead-letter", encode(REQUESTED), marks)
        (letter,) = dead_letters.list(limit=10)
        dead_letters.redrive(letter.id)
        target.wait_for(1, timeout_s=10)
    assert target.attributes == [{"event": "training-requested", "traceparent": "00-a-b-01"}]


class LostPublisher(PubSubPublisher):
    """One whose messages do not arrive."""

    def send(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
        raise MessagingUnavailable(reason="down")


def test_what_cannot_be_delivered_again_stays_a_dead_letter(emulators: Emulators, target: PushTarget) -> None:
    provision(emulators, target.url)
    with publishing(emulators) as publisher, looking(emulators, publisher) as dead_letters:
        publisher.send("training-requested-packager-dead-letter", encode(REQUESTED), {"event": "training-requested"})
        (letter,) = dead_letters.list(limit=10)
        client: PublisherClient = publisher_client(emulators.settings())
        with looking(emulators, LostPublisher(client, emulators.project)) as lost, pytest.raises(MessagingUnavailable):
            lost.redrive(letter.id)
        client.transport.close()
        assert dead_letters.list(limit=10) == [letter]


def test_dead_letters_of_a_queue_that_does_not_answer_are_unavailable(emulators: Emulators) -> None:
    nobody = replace(emulators, pubsub_host=f"127.0.0.1:{free_port()}")
    with (
        publishing(emulators) as publisher,
        looking(nobody, publisher) as dead_letters,
        pytest.raises(MessagingUnavailable),
    ):
        dead_letters.get("training-requested-packager.1")


def test_dead_letters_that_are_kept_nowhere_are_no_empty_list(emulators: Emulators) -> None:
    """Nothing was provisioned: an operator must not read that all is well."""
    with (
        publishing(emulators) as publisher,
        looking(emulators, publisher) as dead_letters,
        pytest.raises(MessagingUnavailable, match="NotFound"),
    ):
        dead_letters.list(limit=1)
