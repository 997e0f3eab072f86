"""Room for what takes memory: never more than there is, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.room import Room

PATIENCE_S = 10.0


def test_never_more_is_taken_than_there_is_whatever_comes() -> None:
    room, lock = Room(10), threading.Lock()
    taken, most, alone = 0, 0, True

    def work(size: int) -> None:
        nonlocal taken, most, alone
        counted = min(size, 10)
        with room.taken(size):
            with lock:
                taken += counted
                most = max(most, taken)
                alone = alone and (size <= 10 or taken == counted)
            time.sleep(0.0002)  # while others come
            with lock:
                taken -= counted

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, [1, 3, 10, 25, 2, 7, 0] * 100))
    assert (most, alone, taken) == (10, True, 0)


def test_what_is_larger_than_all_of_it_is_not_passed_over_by_what_is_small() -> None:
    room, entered = Room(10), list[str]()
    first_in, go = threading.Event(), threading.Event()

    def work(name: str, size: int) -> None:
        with room.taken(size):
            entered.append(name)
            if name == "first":
                first_in.set()
                go.wait(PATIENCE_S)

    threads = [threading.Thread(target=work, args=("first", 1))]
    threads[0].start()
    assert first_in.wait(PATIENCE_S)
    large = threading.Thread(target=work, args=("large", 99))
    large.start()
    end = time.monotonic() + PATIENCE_S
    while not room._turn.locked():  # until it waits for the first
        assert time.monotonic() < end
    threads += [large, *(threading.Thread(target=work, args=("small", 1)) for _ in range(5))]
    for thread in threads[2:]:
        thread.start()
    go.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert entered == ["first", "large", *["small"] * 5]


def test_what_breaks_gives_its_room_back() -> None:
    room = Room(10)
    with pytest.raises(ValueError, match="no"), room.taken(10):
        raise ValueError("no")
    with room.taken(10):
        pass
