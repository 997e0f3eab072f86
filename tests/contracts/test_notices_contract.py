"""What every `NoticeRepository` promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import NotificationUndelivered
from shared.notices import Notices
from tests.contracts.backend import Backend

AT = datetime(2026, 1, 1, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)


def claim(notices: Notices, notice_id: str = "end-1") -> Notices:
    return notices.claimed(notice_id, '{"type":"training.failed"}', at=AT, until=LATER, again=False)


def test_nothing_is_told_of_a_job_until_something_is(backend: Backend, own: str) -> None:
    assert backend.notices.get(f"t_{own}") == Notices(id=f"t_{own}")


def test_what_was_noted_is_read_back(backend: Backend, own: str) -> None:
    job = f"t_{own}"
    claimed = backend.notices.update(job, claim)
    assert backend.notices.get(job) == claimed
    assert claimed.notices["end-1"].held_until == LATER
    done = backend.notices.update(job, lambda n: n.done("end-1", at=LATER))
    assert backend.notices.get(job) == done
    assert done.is_sent("end-1")


def test_of_many_that_claim_at_once_one_wins(backend: Backend, own: str) -> None:
    def take(_: int) -> bool:
        try:
            backend.notices.update(f"t_{own}", claim)
        except NotificationUndelivered:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, range(8))) == 1


def test_notices_of_two_ends_at_once_are_both_kept(backend: Backend, own: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: backend.notices.update(f"t_{own}", lambda n: claim(n, f"end-{i}")), range(6)))
    assert set(backend.notices.get(f"t_{own}").notices) == {f"end-{i}" for i in range(6)}


def test_a_claim_that_is_refused_changes_nothing(backend: Backend, own: str) -> None:
    before = backend.notices.update(f"t_{own}", claim)
    with pytest.raises(NotificationUndelivered):
        backend.notices.update(f"t_{own}", claim)
    assert backend.notices.get(f"t_{own}") == before


def test_what_was_told_can_be_forgotten_and_what_is_not_there_too(backend: Backend, own: str) -> None:
    backend.notices.update(f"t_{own}", claim)
    backend.notices.update(f"t_{own}x", claim)
    for _ in range(2):
        backend.notices.delete(f"t_{own}")
    assert backend.notices.get(f"t_{own}") == Notices(id=f"t_{own}")
    assert backend.notices.get(f"t_{own}x").notices
