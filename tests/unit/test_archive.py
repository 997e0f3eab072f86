"""The archive as a stream: deterministic, flat, stored, and never more in memory than its window."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
import zipfile
from collections.abc import Iterator
from threading import Event, Lock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.packager.archive import zip_stream
from shared.reading import read_ahead
from tests.world import World

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\\\0", exclude_categories=["C"]), min_size=1)


@given(st.dictionaries(NAMES, st.binary(max_size=2000), max_size=8))
def test_what_goes_in_comes_out_and_the_same_entries_give_the_same_bytes(entries: dict[str, bytes]) -> None:
    made = b"".join(zip_stream(entries.items()))
    assert made == b"".join(zip_stream(entries.items()))
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == entries


def test_every_entry_is_stored_and_has_its_sizes_in_front_so_that_streaming_readers_can_read_it() -> None:
    made = b"".join(zip_stream([("00.jpg", b"x" * 1000), ("00.txt", b"TOK")]))
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        for info in archive.infolist():
            assert info.compress_type == zipfile.ZIP_STORED
            assert not info.flag_bits & 0x08, "a data descriptor"
            assert info.date_time == (1980, 1, 1, 0, 0, 0)


def test_an_empty_dataset_is_an_empty_zip() -> None:
    assert zipfile.ZipFile(io.BytesIO(b"".join(zip_stream([])))).namelist() == []


def test_an_archive_of_any_length_takes_the_memory_of_one_entry() -> None:
    def peak(entries: int) -> int:
        tracemalloc.start()
        for _ in zip_stream((f"{n:05}.jpg", b"x" * 100_000) for n in range(entries)):
            pass
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    # the central directory grows by about a hundred bytes an entry, and nothing else does
    assert peak(400) < peak(20) + 400 * 1000


def test_the_same_dataset_is_the_same_archive_in_every_training() -> None:
    world = World()
    world.shoot(images=6)
    first, second = world.start(key="1"), world.start(key="2", force=True)
    world.run()
    one, two = world.of(first).dataset, world.of(second).dataset
    assert one is not None
    assert two is not None
    assert (one.sha256, one.fingerprint, one.bytes) == (two.sha256, two.fingerprint, two.bytes)
    assert one.archive != two.archive
    stored = b"".join(world.datasets.read(one.archive))
    assert (hashlib.sha256(stored).hexdigest(), len(stored)) == (one.sha256, one.bytes)


# --- reading ahead


def test_items_come_in_their_order_whatever_takes_longest() -> None:
    first_may_end = Event()

    def load(number: int) -> int:
        if number == 0:
            first_may_end.wait(5)
        if number == 3:
            first_may_end.set()
        return number

    assert list(read_ahead(range(6), load, lambda _: 1, max_bytes=100, max_items=4)) == list(range(6))


@pytest.mark.parametrize(("max_bytes", "max_items", "weight"), [(100, 4, 1), (10, 16, 4), (5, 16, 9)])
def test_the_window_is_never_exceeded(max_bytes: int, max_items: int, weight: int) -> None:
    lock, held, highest = Lock(), 0, 0

    def load(number: int) -> int:
        nonlocal held, highest
        with lock:
            held += 1
            highest = max(highest, held)
        return number

    for _ in read_ahead(range(50), load, lambda _: weight, max_bytes=max_bytes, max_items=max_items):
        with lock:
            held -= 1
    assert highest <= min(max_items, max(max_bytes // weight, 1)) + 1


def test_the_first_error_is_raised_in_its_turn_and_nothing_more_is_begun() -> None:
    begun: list[int] = []

    def load(number: int) -> int:
        begun.append(number)
        if number == 2:
            raise OSError("gone")
        return number

    def consume() -> Iterator[int]:
        yield from read_ahead(range(1000), load, lambda _: 1, max_bytes=100, max_items=3)

    seen = []
    with pytest.raises(OSError, match="gone"):
        for number in consume():
            seen.append(number)
    assert seen == [0, 1]
    assert len(begun) < 10
