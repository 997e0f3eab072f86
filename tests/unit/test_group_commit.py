"""Writers that come together are committed together, and each hears how it went."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from shared.adapters.embedded.group_commit import GroupCommit
from shared.errors import MessagingUnavailable


def test_who_comes_while_a_commit_is_under_way_shares_the_next_one() -> None:
    batches: list[list[int]] = []
    committing, go_on = threading.Event(), threading.Event()

    def commit(items: Sequence[int]) -> None:
        batches.append(list(items))
        committing.set()
        assert go_on.wait(10)

    async def come() -> None:
        group = GroupCommit(commit)
        first = asyncio.create_task(group.add(0))
        await asyncio.to_thread(committing.wait, 10)
        others = [asyncio.create_task(group.add(number)) for number in range(1, 5)]
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(first, *others)

    asyncio.run(come())
    assert batches == [[0], [1, 2, 3, 4]]


def test_everybody_in_a_commit_that_fails_hears_of_it_and_the_next_goes_well() -> None:
    failures = [MessagingUnavailable(reason="full")]

    def commit(_: Sequence[int]) -> None:
        if failures:
            raise failures.pop()

    async def come() -> None:
        group = GroupCommit(commit)
        ends = await asyncio.gather(group.add(1), group.add(2), return_exceptions=True)
        assert [type(end) for end in ends] == [MessagingUnavailable] * 2
        await group.add(3)

    asyncio.run(come())


def test_everybody_is_committed_once_before_she_goes_on_however_many_come_at_a_time() -> None:
    committed: list[int] = []

    async def come() -> None:
        group = GroupCommit[int](committed.extend)

        async def bring(number: int) -> bool:
            await group.add(number)
            return number in committed

        assert all(await asyncio.gather(*(bring(number) for number in range(400))))

    asyncio.run(come())
    assert sorted(committed) == list(range(400))


def test_who_goes_away_meanwhile_takes_nobody_along() -> None:
    committed: list[int] = []
    committing, go_on = threading.Event(), threading.Event()

    def commit(items: Sequence[int]) -> None:
        committing.set()
        assert go_on.wait(10)
        committed.extend(items)

    async def come() -> None:
        group = GroupCommit(commit)
        leaver = asyncio.create_task(group.add(1))
        stayer = asyncio.create_task(group.add(2))
        await asyncio.to_thread(committing.wait, 10)
        leaver.cancel()
        go_on.set()
        await stayer
        with pytest.raises(asyncio.CancelledError):
            await leaver

    asyncio.run(come())
    assert committed == [1, 2]
