"""What every `StoryRepository` promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.stories import Outcome, Received, StoryEntry, StoryEvent
from tests.contracts.backend import Backend

AT = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
FIELDS = {"images": 12, "seconds": 0.25, "code": "none", "charged": None, "stage_s": {"packaging": 1.5}, "again": True}


def an_entry(training_id: str, number: int = 0) -> StoryEntry:
    at = AT + timedelta(seconds=number)
    return StoryEntry(
        id=f"{training_id}-{number}",
        training_id=training_id,
        function="packager",
        at=at,
        ended_at=at + timedelta(seconds=1),
        outcome=Outcome.NACKED,
        code="storage_unavailable",
        message=Received(topic="training-requested", message_id="7", attempt=2, published_at=AT),
        events=(StoryEvent(at=at, name="archive_made", severity="INFO", fields=FIELDS),),
        expires_at=at + timedelta(days=90),
    )


def test_a_training_has_no_story_until_it_is_told(backend: Backend, own: str) -> None:
    assert backend.stories.list_for_training(f"t_{own}", limit=10) == []


def test_what_was_told_is_read_back_whole(backend: Backend, own: str) -> None:
    told = an_entry(f"t_{own}")
    bare = replace(an_entry(f"t_{own}", 1), message=None, events=(), code=None, status=202, outcome=Outcome.ANSWERED)
    for entry in (told, bare):
        backend.stories.append(entry)
    assert backend.stories.list_for_training(told.training_id, limit=10) == [told, bare]


def test_entries_come_in_the_order_in_which_they_began(backend: Backend, own: str) -> None:
    for number in (2, 0, 1):
        backend.stories.append(an_entry(f"t_{own}", number))
    found = backend.stories.list_for_training(f"t_{own}", limit=10)
    assert [entry.at.second for entry in found] == [0, 1, 2]


def test_of_a_long_story_the_latest_entries_are_told(backend: Backend, own: str) -> None:
    for number in range(4):
        backend.stories.append(an_entry(f"t_{own}", number))
    assert [entry.at.second for entry in backend.stories.list_for_training(f"t_{own}", limit=2)] == [2, 3]


def test_an_entry_that_is_told_twice_is_kept_once_as_it_was(backend: Backend, own: str) -> None:
    first = an_entry(f"t_{own}")
    backend.stories.append(first)
    backend.stories.append(replace(first, function="mirror"))
    assert backend.stories.list_for_training(f"t_{own}", limit=10) == [first]


def test_the_stories_of_two_trainings_are_two(backend: Backend, own: str) -> None:
    backend.stories.append(an_entry(f"t_{own}"))
    backend.stories.append(an_entry(f"t_{own}x"))
    assert backend.stories.list_for_training(f"t_{own}", limit=10) == [an_entry(f"t_{own}")]


def test_a_forgotten_story_is_gone_and_others_are_not(backend: Backend, own: str) -> None:
    for number in range(3):
        backend.stories.append(an_entry(f"t_{own}", number))
    backend.stories.append(an_entry(f"t_{own}x"))
    backend.stories.forget(f"t_{own}")
    backend.stories.forget(f"t_{own}")
    assert backend.stories.list_for_training(f"t_{own}", limit=10) == []
    assert backend.stories.list_for_training(f"t_{own}x", limit=10) == [an_entry(f"t_{own}x")]
