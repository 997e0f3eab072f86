"""What every `Clock` promises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.adapters.clock import SystemClock
from shared.adapters.memory import FixedClock
from shared.ports import Clock


@pytest.mark.parametrize("clock", [SystemClock(), FixedClock()], ids=["system", "memory"])
def test_the_time_is_utc_with_its_zone_and_never_goes_back(clock: Clock) -> None:
    first, second = clock.now(), clock.now()
    assert first.utcoffset() == timedelta(0)
    assert second >= first


def test_the_system_clock_tells_the_real_time() -> None:
    assert abs(SystemClock().now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_fixed_clock_moves_only_when_it_is_told() -> None:
    clock = FixedClock()
    start = clock.now()
    assert clock.advance(90.5) == start + timedelta(seconds=90.5)
    clock.set(datetime(2026, 7, 1, 14, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert clock.now().utcoffset() == timedelta(0)
