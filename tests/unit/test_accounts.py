"""Budgets: reserved when a training is accepted, settled when it ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.accounts import LAPSE, Account, Limits
from shared.errors import AlreadyTraining, BudgetExceeded, TooManyTrainings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LIMITS = Limits(trainings_at_once=2, usd_per_day=5.0)
EMPTY = Account(id="anna")


def test_a_reservation_is_settled_with_what_it_cost() -> None:
    account = EMPTY.reserve("t1", 2.0, limits=LIMITS, at=NOON)
    assert (account.reserved_usd, account.left_usd(LIMITS, NOON)) == (2.0, 3.0)
    settled = account.settle("t1", 1.5, at=NOON)
    assert (settled.reserved_usd, settled.spent_usd, settled.left_usd(LIMITS, NOON)) == (0.0, 1.5, 3.5)


def test_what_cost_nobody_knows_what_is_settled_with_all_that_was_set_aside_for_it() -> None:
    settled = EMPTY.reserve("t1", None, limits=LIMITS, at=NOON).settle("t1", None, at=NOON)
    assert (settled.reserved_usd, settled.spent_usd, settled.left_usd(LIMITS, NOON)) == (0.0, 5.0, 0.0)


def test_reserving_and_settling_twice_is_doing_it_once() -> None:
    once = EMPTY.reserve("t1", 2.0, limits=LIMITS, at=NOON)
    assert once.reserve("t1", 2.0, limits=LIMITS, at=NOON) is once
    settled = once.settle("t1", 2.0, at=NOON)
    assert settled.settle("t1", 2.0, at=NOON) is settled


def test_the_same_order_is_refused_while_the_first_is_held_and_may_be_forced() -> None:
    held = EMPTY.reserve("t1", 2.0, limits=LIMITS, at=NOON, recipe="as it is")
    with pytest.raises(AlreadyTraining):
        held.reserve("t2", 2.0, limits=LIMITS, at=NOON, recipe="as it is")
    assert held.reserve("t2", 2.0, limits=LIMITS, at=NOON, recipe="as it is", forced=True).reserved_usd == 4.0
    assert held.reserve("t2", 2.0, limits=LIMITS, at=NOON, recipe="another").reserved_usd == 4.0


def test_an_order_that_goes_on_with_a_shoot_that_was_changed_is_held_for_what_it_is_now() -> None:
    held = EMPTY.reserve("t1", 2.0, limits=LIMITS, at=NOON, recipe="before")
    changed = held.reserve("t1", 2.0, limits=LIMITS, at=NOON, recipe="since")
    assert changed.reserved_usd == 2.0
    with pytest.raises(AlreadyTraining):
        changed.reserve("t2", 2.0, limits=LIMITS, at=NOON, recipe="since")
    assert changed.reserve("t2", 2.0, limits=LIMITS, at=NOON, recipe="before").reserved_usd == 4.0


def test_a_budget_that_would_be_exceeded_says_the_numbers() -> None:
    account = EMPTY.reserve("t1", 4.0, limits=LIMITS, at=NOON)
    with pytest.raises(BudgetExceeded, match=r"\$2\.00 and \$1\.00 of the \$5\.00"):
        account.reserve("t2", 2.0, limits=LIMITS, at=NOON)


def test_the_last_cent_of_a_budget_may_be_spent() -> None:
    account = EMPTY.reserve("t1", 4.0, limits=LIMITS, at=NOON)
    assert account.reserve("t2", 1.0, limits=LIMITS, at=NOON).left_usd(LIMITS, NOON) == 0.0


def test_only_so_many_trainings_run_at_once() -> None:
    account = EMPTY.reserve("t1", 1.0, limits=LIMITS, at=NOON).reserve("t2", 1.0, limits=LIMITS, at=NOON)
    with pytest.raises(TooManyTrainings, match="2 trainings"):
        account.reserve("t3", 1.0, limits=LIMITS, at=NOON)
    assert account.settle("t1", 1.0, at=NOON).reserve("t3", 1.0, limits=LIMITS, at=NOON).reserved_usd == 2.0


def test_a_new_day_has_a_new_budget_and_keeps_what_is_under_way() -> None:
    account = EMPTY.reserve("t1", 3.0, limits=LIMITS, at=NOON).settle("t1", 3.0, at=NOON)
    account = account.reserve("t2", 2.0, limits=LIMITS, at=NOON)
    tomorrow = NOON + timedelta(days=1)
    assert account.left_usd(LIMITS, NOON) == 0.0
    assert account.left_usd(LIMITS, tomorrow) == 3.0


def test_a_reservation_of_a_training_that_never_was_lapses() -> None:
    account = EMPTY.reserve("t1", 5.0, limits=LIMITS, at=NOON)
    assert account.left_usd(LIMITS, NOON + LAPSE) == 5.0


def test_without_limits_everything_goes() -> None:
    none = Limits(trainings_at_once=None, usd_per_day=None)
    account = EMPTY
    for number in range(50):
        account = account.reserve(f"t{number}", 100.0, limits=none, at=NOON)
    assert account.left_usd(none, NOON) is None


def test_a_price_that_is_not_known_sets_aside_all_that_is_left_until_it_is_settled() -> None:
    account = EMPTY.reserve("t1", 2.0, limits=LIMITS, at=NOON).reserve("t2", None, limits=LIMITS, at=NOON)
    assert (account.reserved_usd, account.left_usd(LIMITS, NOON)) == (5.0, 0.0)
    assert account.settle("t2", 0.5, at=NOON).left_usd(LIMITS, NOON) == 2.5


def test_a_price_that_is_not_known_is_refused_where_nothing_is_left() -> None:
    account = EMPTY.reserve("t1", 5.0, limits=LIMITS, at=NOON)
    with pytest.raises(BudgetExceeded, match=r"not known before and \$0\.00 of the \$5\.00"):
        account.reserve("t2", None, limits=LIMITS, at=NOON)


def test_what_is_reserved_together_shares_what_is_left_where_prices_are_not_known() -> None:
    prices = {"i1": None, "i2": 2.0, "i3": None, "i4": None}
    account = EMPTY.reserve_all(prices, limits=Limits(trainings_at_once=None, usd_per_day=3.0), at=NOON)
    assert {name: held.usd for name, held in account.reservations.items()} == {
        "i1": 0.333333,
        "i2": 2.0,
        "i3": 0.333333,
        "i4": 0.333333,
    }
    assert account.reserve_all(prices, limits=LIMITS, at=NOON) == account


@pytest.mark.parametrize(
    ("prices", "cost"),
    [({"i1": 3.0, "i2": 3.0}, r"\$6\.00"), ({"i1": 5.0, "i2": None}, "not known before"), ({"i1": 9.0}, r"\$9\.00")],
)
def test_what_does_not_fit_together_is_refused_as_a_whole(prices: dict[str, float | None], cost: str) -> None:
    with pytest.raises(BudgetExceeded, match=cost):
        EMPTY.reserve_all(prices, limits=LIMITS, at=NOON)


def test_without_a_limit_a_price_that_is_not_known_sets_nothing_aside() -> None:
    none = Limits(trainings_at_once=None, usd_per_day=None)
    assert EMPTY.reserve("t1", None, limits=none, at=NOON).reserved_usd == 0.0


def test_a_copy_of_the_press_that_comes_after_the_end_sets_nothing_aside_again() -> None:
    account = EMPTY.reserve("t1", 2.0, limits=LIMITS, at=NOON).settle("t1", 1.5, at=NOON)
    assert account.reserve("t1", 2.0, limits=LIMITS, at=NOON) is account
    assert account.settle("t1", 1.5, at=NOON) is account


def test_a_new_day_begins_with_nothing_spent() -> None:
    account = EMPTY.reserve("t1", 2.0, limits=LIMITS, at=NOON).settle("t1", 1.5, at=NOON)
    tomorrow = account.reserve("t2", 1.0, limits=LIMITS, at=NOON + timedelta(days=1))
    assert (tomorrow.settled, tomorrow.spent_usd) == ((), 0.0)


@pytest.mark.parametrize("somebody_presses", [True, False])
def test_a_copy_of_the_press_that_comes_after_midnight_sets_nothing_aside_again(somebody_presses: bool) -> None:
    account = EMPTY.reserve("t1", 2.0, limits=LIMITS, at=NOON).settle("t1", 1.5, at=NOON)
    tomorrow = NOON + timedelta(days=1)
    if somebody_presses:
        account = account.reserve("t2", 1.0, limits=LIMITS, at=tomorrow)
    assert account.reserve("t1", 2.0, limits=LIMITS, at=tomorrow) is account
    assert account.has_settled("t1")


@pytest.mark.parametrize("somebody_presses", [True, False])
def test_what_was_settled_is_forgotten_the_day_after_the_next(somebody_presses: bool) -> None:
    account = EMPTY.reserve("t1", 2.0, limits=LIMITS, at=NOON).settle("t1", 1.5, at=NOON)
    if somebody_presses:
        account = account.reserve("t2", 1.0, limits=LIMITS, at=NOON + timedelta(days=1))
    later = account.reserve("t3", 1.0, limits=LIMITS, at=NOON + timedelta(days=2))
    assert not later.has_settled("t1")


def test_a_clock_that_is_behind_does_not_give_back_what_was_spent() -> None:
    account = EMPTY.reserve("t1", 2.0, limits=LIMITS, at=NOON).settle("t1", 1.5, at=NOON)
    behind = account.reserve("t2", 1.0, limits=LIMITS, at=NOON - timedelta(days=1))
    assert (behind.day, behind.spent_usd, behind.has_settled("t1")) == (account.day, 1.5, True)
