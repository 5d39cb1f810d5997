"""The slow work: simulated on the clock, or the user's own function in processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures.process import BrokenProcessPool

import pytest
from tests.support import jobs

from logweir.clock import ManualClock
from logweir.errors import Misconfigured
from logweir.pipeline.work import PooledWork, SimulatedWork, load_function


@pytest.mark.parametrize("characters", [1, 3, 1200, 50_000])
async def test_the_simulated_work_takes_its_seconds_for_each_character(characters: int) -> None:
    clock = ManualClock()
    task = asyncio.create_task(SimulatedWork(clock, 0.05)("🙂" * characters))
    await clock.advance(characters * 0.05 - 0.001)
    assert not task.done()
    await clock.advance(0.001 + 1e-9)
    assert task.done()


@pytest.fixture
async def pooled() -> AsyncIterator[PooledWork]:
    """Two processes."""
    work = PooledWork("tests.support.jobs:moody", processes=2)
    yield work
    work.close()


async def test_a_users_function_runs(pooled: PooledWork) -> None:
    await pooled("hello")


async def test_what_it_raises_is_raised(pooled: PooledWork) -> None:
    with pytest.raises(ValueError, match="cannot read raise this"):
        await pooled("raise this")
    await pooled("hello")


@pytest.mark.parametrize("death", ["exit", "kill", "odd"])
async def test_a_process_that_dies_takes_only_its_own_text_along(
    pooled: PooledWork, death: str
) -> None:
    texts = [death, "slow 1", "slow 2", "quick"]
    results = await asyncio.gather(*(pooled(text) for text in texts), return_exceptions=True)
    assert isinstance(results[0], BrokenProcessPool)
    assert results[1:] == [None] * 3
    await asyncio.gather(*(pooled("hello") for _ in range(4)))


async def test_texts_are_worked_on_side_by_side_in_as_many_processes(pooled: PooledWork) -> None:
    await asyncio.gather(*(pooled("hello") for _ in range(4)))  # both are started
    started = time.monotonic()
    await asyncio.gather(*(pooled("slow") for _ in range(2)))
    assert time.monotonic() - started < 0.55


async def test_a_text_that_is_given_up_takes_no_other_along_when_its_process_dies() -> None:
    work = PooledWork("tests.support.jobs:moody", processes=1)
    await work("hello")  # the process is there
    given_up = asyncio.create_task(work("dies late"))
    await asyncio.sleep(0.1)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    await work("hello")
    work.close()


async def test_nothing_comes_back_from_it() -> None:
    work = PooledWork("tests.support.jobs:harmless", processes=1)
    result: object = await asyncio.gather(work("hello"))
    assert result == [None]
    work.close()


@pytest.mark.parametrize(
    "name",
    [
        *("no_such_module_anywhere:f", "tests.support.jobs:no_such", "tests.support.jobs:"),
        *("tests.support.jobs:not_a_function", "tests.support.jobs"),
    ],
)
def test_a_function_that_is_not_there_is_said_at_start(name: str) -> None:
    with pytest.raises(Misconfigured, match="LOGWEIR_WORK"):
        load_function(name)


def test_the_function_that_is_named_is_the_one_that_is_loaded() -> None:
    assert load_function("tests.support.jobs:harmless") is jobs.harmless
