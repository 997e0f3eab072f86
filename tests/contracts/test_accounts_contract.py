"""What every `AccountRepository` promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from shared.accounts import Account, Limits
from shared.errors import TooManyTrainings
from tests.contracts.backend import Backend

AT = datetime(2026, 1, 1, tzinfo=UTC)
NONE = Limits(trainings_at_once=None, usd_per_day=None)


def test_an_account_is_empty_until_something_is_reserved(backend: Backend, own: str) -> None:
    assert backend.accounts.get(own) == Account(id=own)


def test_what_was_changed_is_read_back(backend: Backend, own: str) -> None:
    changed = backend.accounts.update(own, lambda a: a.reserve("t1", 2.0, limits=NONE, at=AT))
    assert backend.accounts.get(own) == changed
    assert changed.reserved_usd == 2.0


def test_accounts_of_two_owners_are_two(backend: Backend, own: str) -> None:
    backend.accounts.update(own, lambda a: a.reserve("t1", 2.0, limits=NONE, at=AT))
    assert backend.accounts.get(f"{own}-other") == Account(id=f"{own}-other")


def test_an_owner_may_have_any_id(backend: Backend, own: str) -> None:
    odd = f"accounts.google.com:{own}/../@ü"
    backend.accounts.update(odd, lambda a: a.reserve("t1", 2.0, limits=NONE, at=AT))
    assert backend.accounts.get(odd).reserved_usd == 2.0


def test_reservations_at_the_same_time_all_count(backend: Backend, own: str) -> None:
    def reserve(number: int) -> None:
        backend.accounts.update(own, lambda a: a.reserve(f"t{number}", 1.0, limits=NONE, at=AT))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(reserve, range(8)))
    assert backend.accounts.get(own).reserved_usd == 8.0


def test_a_refused_reservation_changes_nothing(backend: Backend, own: str) -> None:
    one = Limits(trainings_at_once=1, usd_per_day=None)
    backend.accounts.update(own, lambda a: a.reserve("t1", 1.0, limits=one, at=AT))
    with pytest.raises(TooManyTrainings):
        backend.accounts.update(own, lambda a: a.reserve("t2", 1.0, limits=one, at=AT))
    assert set(backend.accounts.get(own).reservations) == {"t1"}
