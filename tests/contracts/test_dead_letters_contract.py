"""What every `DeadLetters` promises: looking loses nothing, redriving delivers again, and both can be repeated."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.errors import DeadLetterNotFound
from shared.events import Event, ResultReported, TrainingRequested
from shared.messaging import decode, encode
from shared.ports import DeadLetter
from tests.contracts.backend import Backend


def buried(backend: Backend, own: str, count: int = 1) -> list[Event]:
    """So many dead letters of the packager's."""
    events: list[Event] = [TrainingRequested(training_id=f"t_{own}_{number}") for number in range(count)]
    for event in events:
        backend.bury(event, "packager")
    return events


def letters_of(backend: Backend, own: str) -> list[DeadLetter]:
    """The dead letters of this test, as a listing shows them."""
    return [letter for letter in backend.dead_letters.list(limit=1000) if own.encode() in letter.data]


def deliveries_of(backend: Backend, own: str) -> list[bytes]:
    found: list[bytes] = []
    for _ in range(50):
        if found := [one.data for one in backend.received(0.2) if own.encode() in one.data]:
            break
    return found


def test_a_dead_letter_says_what_it_is_and_whose(backend: Backend, own: str) -> None:
    (event,) = buried(backend, own)
    (letter,) = letters_of(backend, own)
    assert (letter.topic, letter.subscription) == ("training-requested", "training-requested-packager")
    assert decode(letter.data, TrainingRequested) == event
    assert letter.attempts is not None
    assert letter.attempts > 0
    assert letter.published_at.tzinfo is not None


def test_looking_again_and_again_shows_the_same(backend: Backend, own: str) -> None:
    buried(backend, own, 3)
    first = letters_of(backend, own)
    assert len({letter.id for letter in first}) == 3
    for letter in first:
        assert backend.dead_letters.get(letter.id) == letter
    assert letters_of(backend, own) == first


def test_dead_letters_of_every_subscription_are_listed_the_oldest_first(backend: Backend, own: str) -> None:
    backend.bury(ResultReported(training_id=f"t_{own}", nonce="n", request_id="r"), "mirror")
    buried(backend, own, 2)
    found = letters_of(backend, own)
    assert {letter.topic for letter in found} == {"result-reported", "training-requested"}
    assert [letter.published_at for letter in found] == sorted(letter.published_at for letter in found)
    assert len(backend.dead_letters.list(limit=2)) == 2


def test_a_redriven_message_is_delivered_again_and_no_dead_letter_any_more(backend: Backend, own: str) -> None:
    event, _ = buried(backend, own, 2)
    letter, other = letters_of(backend, own)
    assert backend.dead_letters.redrive(letter.id) == letter
    assert letters_of(backend, own) == [other]
    assert encode(event) in deliveries_of(backend, own)


def test_a_discarded_message_is_gone_and_delivered_to_nobody(backend: Backend, own: str) -> None:
    buried(backend, own, 2)
    letter, other = letters_of(backend, own)
    assert backend.dead_letters.discard(letter.id) == letter
    assert letters_of(backend, own) == [other]
    assert [one for one in backend.received(0.1) if own.encode() in one.data] == []


@pytest.mark.parametrize("method", ["get", "redrive", "discard"])
@pytest.mark.parametrize("letter_id", ["", "x", "training-requested-packager.999999", "nobody-at-all.1"])
def test_what_is_no_dead_letter_is_not_found(backend: Backend, method: str, letter_id: str) -> None:
    with pytest.raises(DeadLetterNotFound):
        getattr(backend.dead_letters, method)(letter_id)


def test_redriving_twice_at_once_delivers_at_least_once_and_leaves_nothing(backend: Backend, own: str) -> None:
    (event,) = buried(backend, own)
    (letter,) = letters_of(backend, own)

    def redrive(_: int) -> bool:
        try:
            return bool(backend.dead_letters.redrive(letter.id))
        except DeadLetterNotFound:
            return False

    with ThreadPoolExecutor(2) as pool:
        assert any(pool.map(redrive, range(2)))
    assert encode(event) in deliveries_of(backend, own)
    assert letters_of(backend, own) == []
