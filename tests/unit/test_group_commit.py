"""Writers that come together are committed together, and each hears how it went."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.adapters.embedded.group_commit import GroupCommit
from shared.errors import MessagingUnavailable


def test_who_comes_while_another_commits_shares_the_next_commit() -> None:
    batches: list[list[int]] = []
    gathered = threading.Barrier(5)

    def commit(items: Sequence[int]) -> None:
        batches.append(list(items))
        if len(batches) == 1:
            gathered.wait(10)

    group = GroupCommit(commit)
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(group.add, 0)
        while not batches:
            pass
        others = [pool.submit(group.add, number) for number in range(1, 5)]
        while len(group._waiting) < 4:
            pass
        for _ in range(4):
            threading.Thread(target=gathered.wait, args=(10,)).start()
        for done in (first, *others):
            done.result(10)
    assert batches[0] == [0]
    assert sorted(batches[1]) == [1, 2, 3, 4]


def test_everybody_in_a_commit_that_fails_hears_of_it_and_the_next_goes_well() -> None:
    failures = [MessagingUnavailable(reason="full")]

    def commit(_: Sequence[int]) -> None:
        if failures:
            raise failures.pop()

    group = GroupCommit(commit)
    with pytest.raises(MessagingUnavailable):
        group.add(1)
    group.add(2)


def test_everybody_is_committed_once_before_she_goes_on_however_many_come_at_a_time() -> None:
    committed: list[int] = []
    group = GroupCommit[int](committed.extend)

    def bring(number: int) -> bool:
        group.add(number)
        return number in committed

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(bring, range(400)))
    assert sorted(committed) == list(range(400))
