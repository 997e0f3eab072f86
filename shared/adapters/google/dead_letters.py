"""Dead letters in Cloud Pub/Sub: pulled from the subscriptions of the dead-letter topics.

Pub/Sub cannot be asked for one message or for all of them: whoever pulls holds what she gets until she acknowledges it,
gives it back, or `HOLD_S` is over. So every look holds what it saw until it has seen enough, and then gives it back at
once; a process that dies in between gives it back by dying. Needs `roles/pubsub.subscriber` on these subscriptions,
which must have neither a retry policy (it would delay what is given back) nor a dead letter of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from google.api_core.exceptions import DeadlineExceeded, InvalidArgument, ServiceUnavailable
from google.api_core.retry import Retry, if_exception_type

from shared.adapters.google.publisher import PubSubPublisher, translated
from shared.errors import DeadLetterNotFound
from shared.events import SUBSCRIPTIONS, dead_letter_name, subscription_name
from shared.ports import DeadLetter

if TYPE_CHECKING:
    from google.pubsub_v1 import PubsubMessage, ReceivedMessage, SubscriberClient

HOLD_S = 60
MOST_HELD = 1000
BATCH = 100

_ADDED = "CloudPubSubDeadLetter"
_DELIVERIES = f"{_ADDED}SourceDeliveryCount"
_PUBLISHED = f"{_ADDED}SourceTopicPublishTime"


@dataclass(frozen=True)
class _Source:
    """A subscription whose dead letters are looked at, the topic that it is of, and where they lie."""

    topic: str
    subscription: str
    path: str


@dataclass
class _Hold:
    """What is held of a subscription, by message id: nobody else sees it meanwhile."""

    source: _Source
    messages: dict[str, ReceivedMessage] = field(default_factory=dict)


class PubSubDeadLetters:
    """The messages that push subscriptions gave up; fulfils `DeadLetters`.

    Where nothing is left Pub/Sub does not say so: `patience_s` without a message is taken for the end. Every other call
    may take `call_s`.
    """

    def __init__(
        self,
        client: SubscriberClient,
        publisher: PubSubPublisher,
        project: str,
        *,
        subscriptions: Mapping[str, tuple[str, ...]] = SUBSCRIPTIONS,
        patience_s: float = 2.0,
        call_s: float = 10.0,
    ) -> None:
        """Look at the dead letters of every one of `subscriptions`, by topic, of `project`."""
        self._client = client
        self._publisher = publisher
        self._patience_s = patience_s
        retry = Retry(predicate=if_exception_type(ServiceUnavailable), initial=0.1, timeout=call_s)
        self._call: dict[str, Any] = {"retry": retry, "timeout": call_s}
        self._sources = {
            (name := subscription_name(topic, function)): _Source(
                topic, name, f"projects/{project}/subscriptions/{dead_letter_name(name)}"
            )
            for topic, functions in subscriptions.items()
            for function in functions
        }

    def list(self, *, limit: int) -> list[DeadLetter]:
        """Up to `limit` of them, the oldest first; takes `patience_s` at least."""
        with ThreadPoolExecutor(max_workers=len(self._sources)) as pool:
            looks = pool.map(lambda source: self._look(source, limit), self._sources.values())
            found = [letter for letters in looks for letter in letters]
        return sorted(found, key=lambda letter: letter.published_at)[:limit]

    def get(self, letter_id: str) -> DeadLetter:
        """The one of that id."""
        with self._found(letter_id) as (hold, message):
            return _letter(hold.source, message.message)

    def redrive(self, letter_id: str) -> DeadLetter:
        """Publish it to its topic once more, then acknowledge it; in this order, so that it is never lost."""
        with self._found(letter_id) as (hold, held):
            message = held.message
            self._publisher.send(hold.source.topic, message.data, _own(message.attributes))
            self._acknowledge(hold, held)
            return _letter(hold.source, message)

    def discard(self, letter_id: str) -> DeadLetter:
        """Acknowledge it."""
        with self._found(letter_id) as (hold, held):
            self._acknowledge(hold, held)
            return _letter(hold.source, held.message)

    def _look(self, source: _Source, limit: int) -> Sequence[DeadLetter]:
        with self._holding(source) as hold:
            return [_letter(source, held.message) for held in islice(self._pulled(hold), limit)]

    @contextmanager
    def _found(self, letter_id: str) -> Iterator[tuple[_Hold, ReceivedMessage]]:
        subscription, _, message_id = letter_id.rpartition(".")
        if subscription not in self._sources:
            raise DeadLetterNotFound(id=letter_id)
        with self._holding(self._sources[subscription]) as hold:
            for held in self._pulled(hold):
                if held.message.message_id == message_id:
                    yield hold, held
                    return
        raise DeadLetterNotFound(id=letter_id)

    @contextmanager
    def _holding(self, source: _Source) -> Iterator[_Hold]:
        """What is pulled in the block is given back after it."""
        hold = _Hold(source)
        self._require_answer(source)
        try:
            yield hold
        finally:
            self._set_deadline(hold, hold.messages.values(), 0)

    def _require_answer(self, source: _Source) -> None:
        """Silence is taken for the end, so there has to be somebody who answers: also whoever asks for nothing."""
        nothing = {"subscription": source.path, "ack_ids": [], "ack_deadline_seconds": 0}
        with translated(), suppress(InvalidArgument):
            self._client.modify_ack_deadline(request=nothing, **self._call)

    def _pulled(self, hold: _Hold) -> Iterator[ReceivedMessage]:
        while len(hold.messages) < MOST_HELD and (batch := self._pull(hold.source)):
            self._set_deadline(hold, batch, HOLD_S)
            new = [held for held in batch if held.message.message_id not in hold.messages]
            hold.messages.update((held.message.message_id, held) for held in batch)
            yield from new

    def _pull(self, source: _Source) -> Sequence[ReceivedMessage]:
        with translated():
            try:
                # its own retries would wait for a minute
                answer = self._client.pull(
                    subscription=source.path, max_messages=BATCH, retry=None, timeout=self._patience_s
                )
            except DeadlineExceeded:
                return ()
        return tuple(answer.received_messages)

    def _set_deadline(self, hold: _Hold, messages: Collection[ReceivedMessage], seconds: int) -> None:
        if ack_ids := [held.ack_id for held in messages]:
            request = {"subscription": hold.source.path, "ack_ids": ack_ids, "ack_deadline_seconds": seconds}
            with translated():
                self._client.modify_ack_deadline(request=request, **self._call)

    def _acknowledge(self, hold: _Hold, held: ReceivedMessage) -> None:
        with translated():
            self._client.acknowledge(subscription=hold.source.path, ack_ids=[held.ack_id], **self._call)
        del hold.messages[held.message.message_id]


def _own(attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes that the message had before it was given up."""
    return {name: value for name, value in attributes.items() if not name.startswith(_ADDED)}


def _letter(source: _Source, message: PubsubMessage) -> DeadLetter:
    deliveries = message.attributes.get(_DELIVERIES, "")
    return DeadLetter(
        id=f"{source.subscription}.{message.message_id}",
        subscription=source.subscription,
        topic=source.topic,
        data=message.data,
        published_at=_moment(message.attributes.get(_PUBLISHED, "")) or _utc(message.publish_time),
        attempts=int(deliveries) if deliveries.isdecimal() else None,
    )


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def _utc(at: datetime) -> datetime:
    """A plain datetime instead of the SDK's subclass."""
    return datetime.fromtimestamp(at.timestamp(), UTC)
