"""Progress is read from what trainers print, and never jumps to what is not the training."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.monitor.progress import MOST_PERCENT, UNTOLD_S, parse_progress
from shared.training_records import Progress

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NOW = START + timedelta(seconds=100)


def progress(*log: str, **changes: Any) -> Progress | None:
    """The progress of a training of 1000 steps that has run for 100 seconds."""
    known: dict[str, Any] = {"total_steps": 1000, "started_at": START, "now": NOW, **changes}
    return parse_progress(log, **known)


def step_of(*log: str, **changes: Any) -> int | None:
    """The step that is read, None where none is."""
    found = progress(*log, **changes)
    return found.step if found else None


@pytest.mark.parametrize(
    "line",
    [
        " 12%|█▏        | 120/1000 [00:01<00:08, 99.1it/s, loss=0.41]",
        "120/1000",
        "  120 / 1000",
        "Step 120/1000 - loss: 0.0312",
        "step 120 of 1000",
        "steps: 120/1000, lr 1e-4.",
        "Training:  12%|#2        | 120/1000 [00:20<02:26,  6.01it/s]",
        "[2026-11-22 12:01:40] INFO train: (120/1000) loss=0.2",
        "  1%|          | 10/1000 [00:01<01:39]\r  6%|6         | 60/1000\r 12%|#2        | 120/1000 [00:20<02:26]",
    ],
)
def test_a_step_of_the_known_number_is_read_however_it_is_printed(line: str) -> None:
    for total in (1000, None):
        found = progress("Loading", line, total_steps=total)
        assert found is not None
        assert (found.step, found.total, found.percent) == (120, 1000, 12.0)
        assert found.message == "step 120 of 1000"
        assert found.updated_at == NOW


@pytest.mark.parametrize(
    "line",
    [
        "12/12 images processed",
        "Captioning: 100%|██████████| 12/12 [00:03<00:00]",
        "Loading checkpoint shards: 100%|██████████| 3/3",
        "Downloading: 100%|██████████| 9.98G/9.98G [01:02<00:00, 160MB/s]",
        "Downloading model 55%",
        "saved /tmp/120/1000.bin",
        "at 2026/11/22 12/30",
        "http://host/120/1000",
        "epoch 1/10",
        "1200/1000",
        "nothing of interest",
        "",
    ],
)
def test_counts_of_other_things_are_not_taken_for_steps(line: str) -> None:
    found = progress(line)
    assert found is not None
    assert found.step is None
    assert found.message == "training, estimated from the time it takes"


@pytest.mark.parametrize(
    "line", ["24/24 images", "Downloading 3/7", "Captioning 5/12", "7/9 files", "the ratio 3/4 is odd"]
)
def test_without_a_known_number_of_steps_only_what_is_meant_as_one_counts(line: str) -> None:
    assert progress(line, total_steps=None) is None


def test_pictures_are_not_steps_even_where_there_are_as_many() -> None:
    assert step_of("12/12 images", total_steps=12) is None
    assert step_of("12/12 images", "3/12", total_steps=12) == 3


def test_the_newest_telling_line_counts() -> None:
    assert step_of("100/1000", "200/1000", "Saving a sample 4/4") == 200


def test_a_percentage_alone_is_taken_where_there_is_no_count() -> None:
    found = progress("training 37%", "still alive")
    assert found is not None
    assert (found.percent, found.step, found.total, found.message) == (37.0, None, None, "37 % trained")
    assert step_of("120/1000", "training 37%") == 120


def test_the_bar_forecasts_the_remaining_time() -> None:
    lines = {
        "120/1000 [00:01<00:08, 99.1it/s]": 8.0,
        "120/1000 [00:20<02:26,  6.01it/s]": 146.0,
        "120/1000 [1:00:00<7:20:01, 6.01it/s]": 26401.0,
    }
    for line, seconds in lines.items():
        found = progress(line)
        assert found is not None
        assert found.eta_s == seconds


def test_a_forecast_that_no_clock_shows_is_not_the_bars() -> None:
    assert progress(f"120/1000 [00:01<{'9' * 400}:00, 1it/s]") == progress("120/1000")


def test_without_a_bar_the_rate_so_far_forecasts_it() -> None:
    found = progress("250/1000")
    assert found is not None
    assert found.eta_s == pytest.approx(300.0)
    unknown = progress("250/1000 [00:10<?, ?it/s]", started_at=None)
    assert unknown is not None
    assert unknown.eta_s is None


def test_only_the_end_of_a_training_is_a_hundred_percent() -> None:
    found = progress("1000/1000")
    assert found is not None
    assert (found.percent, found.step, found.eta_s) == (MOST_PERCENT, 1000, 0.0)


def test_without_any_telling_line_the_time_is_the_measure() -> None:
    early, late = progress(now=START + timedelta(seconds=31)), progress(now=START + timedelta(hours=2))
    assert early is not None and late is not None
    assert early.percent == pytest.approx(10.0)
    assert early.eta_s == pytest.approx(279.0)
    assert (late.percent, late.eta_s) == (95.0, None)


def test_what_will_take_how_long_is_not_guessed_before_the_log_had_time_to_tell() -> None:
    at_first = progress(now=START + timedelta(seconds=UNTOLD_S - 1))
    assert at_first is not None
    assert (at_first.percent, at_first.eta_s, at_first.message) == (0.0, None, "fal.ai is preparing")
    later = progress(now=START + timedelta(seconds=UNTOLD_S))
    assert later is not None
    assert later.eta_s is not None and later.percent > 0
    assert step_of("120/1000", now=START) == 120


def test_a_place_in_the_queue_is_shown_until_there_is_a_log() -> None:
    waiting = progress(queue_position=3)
    assert waiting is not None
    assert (waiting.percent, waiting.queue_position, waiting.message) == (0.0, 3, "waiting in fal.ai's queue")
    assert step_of("120/1000", queue_position=0) == 120


def test_nothing_is_shown_where_nothing_is_known() -> None:
    assert progress(total_steps=None) is None
    assert progress(started_at=None) is None


def test_progress_never_goes_backwards_when_fal_ai_starts_the_run_anew() -> None:
    before = progress("700/1000")
    again = progress("700/1000", "runner lost, starting again", "10/1000", before=before)
    assert again is not None
    assert (again.percent, again.step, again.total) == (70.0, 700, 1000)
    lost = progress(before=before)
    assert lost is not None
    assert lost.percent == 70.0


def test_a_count_is_believed_over_an_earlier_estimate() -> None:
    estimate = progress(now=START + timedelta(hours=1))
    assert step_of("10/1000", before=estimate) == 10
    found = progress("10/1000", before=estimate)
    assert found is not None
    assert found.percent == 1.0


@given(
    log=st.lists(st.text(alphabet=st.sampled_from("0123456789/% of[]<:.,|stepimages\r\n"), max_size=60), max_size=5),
    total=st.none() | st.integers(1, 100),
    elapsed_s=st.floats(-10, 1e6),
)
def test_whatever_is_printed_progress_stays_in_its_bounds(log: list[str], total: int | None, elapsed_s: float) -> None:
    now = START + timedelta(seconds=elapsed_s)
    found = parse_progress(log, total_steps=total, started_at=START, now=now)
    if found is not None:
        assert 0 <= found.percent <= MOST_PERCENT
        assert found.eta_s is None or found.eta_s >= 0
        assert found.step is None or (found.total is not None and 0 <= found.step <= found.total)
