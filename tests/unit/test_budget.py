"""Bytes that many tasks share."""

from __future__ import annotations

import asyncio

import pytest

from logweir.entrypoints.budget import Budget
from logweir.errors import Unavailable


class Holder:
    """A task that holds a share until it is told to let go."""

    def __init__(self, budget: Budget, size: int) -> None:
        self.has = asyncio.Event()
        self._lets_go = asyncio.Event()
        self.task = asyncio.create_task(self._hold(budget, size))

    async def let_go(self) -> None:
        """Give it back."""
        self._lets_go.set()
        await self.task

    async def _hold(self, budget: Budget, size: int) -> None:
        async with budget.share(size):
            self.has.set()
            await self._lets_go.wait()


async def rest() -> None:
    """Let the others go on as far as they get."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_asks_for_more_than_is_left_waits_and_the_small_do_not_pass_the_large() -> None:
    budget = Budget(100, 10)
    first, large, small = (Holder(budget, size) for size in (60, 50, 10))
    await rest()
    assert [holder.has.is_set() for holder in (first, large, small)] == [True, False, False]
    await first.let_go()
    await rest()
    assert large.has.is_set()
    assert small.has.is_set()
    await asyncio.gather(large.let_go(), small.let_go())
    assert await budget.take(100) == 100


async def test_who_asks_for_more_than_there_is_gets_all() -> None:
    budget = Budget(100, 10)
    assert await budget.take(1000) == 100


async def test_who_waits_too_long_hears_that_it_is_unavailable_and_the_next_goes_on() -> None:
    budget = Budget(100, 0.5)
    first = Holder(budget, 60)
    await rest()
    late = Holder(budget, 100)
    await asyncio.sleep(0.3)
    small = Holder(budget, 10)
    with pytest.raises(Unavailable):
        await late.task
    await rest()
    assert small.has.is_set()
    await asyncio.gather(first.let_go(), small.let_go())
    assert await budget.take(100) == 100


@pytest.mark.parametrize("granted", [False, True], ids=["waiting", "with its turn just come"])
async def test_who_is_cancelled_keeps_nothing(granted: bool) -> None:
    budget = Budget(100, 10)
    await budget.take(100)
    cancelled, last = (Holder(budget, 100) for _ in range(2))
    await rest()
    if granted:
        budget.give_back(100)
    cancelled.task.cancel()
    if not granted:
        budget.give_back(100)
    await rest()
    assert not cancelled.has.is_set()
    assert last.has.is_set()
    await last.let_go()
    assert await budget.take(100) == 100


async def test_of_two_that_hold_some_and_want_more_one_gets_it_and_then_the_other() -> None:
    budget = Budget(100, 10)

    async def grow() -> None:
        async with budget.share(40) as share:
            await rest()
            await share.resize(80)
            await rest()

    await asyncio.wait_for(asyncio.gather(grow(), grow()), 5)
    assert await budget.take(100) == 100
