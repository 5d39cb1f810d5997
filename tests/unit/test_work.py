"""The slow work: simulated on the clock, or the user's own function in processes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

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


async def test_an_error_that_cannot_be_made_again_is_told_by_its_name(pooled: PooledWork) -> None:
    with pytest.raises(RuntimeError, match="OddError: onetwo"):
        await pooled("odd")
    await pooled("hello")


@pytest.mark.parametrize("death", ["exit", "kill"])
async def test_a_process_that_dies_takes_only_its_own_text_along(
    pooled: PooledWork, death: str
) -> None:
    texts = [death, "slow 1", "slow 2", "quick"]
    results = await asyncio.gather(*(pooled(text) for text in texts), return_exceptions=True)
    assert isinstance(results[0], ChildProcessError)
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


@pytest.fixture
async def staying() -> AsyncIterator[PooledWork]:
    """One process, which stays at a text as long as the text says."""
    work = PooledWork("tests.support.jobs:stay", processes=1)
    yield work
    work.close()


async def test_a_text_that_is_given_up_is_worked_on_no_longer(
    staying: PooledWork, tmp_path: Path
) -> None:
    given_up = asyncio.create_task(staying(f"{tmp_path}/first 40"))
    pid = await pid_in(tmp_path / "first")
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    await gone(pid)
    await asyncio.wait_for(staying(f"{tmp_path}/second 0"), 10)  # another has taken its place
    assert await pid_in(tmp_path / "second") != pid


async def test_what_is_closed_works_no_longer(staying: PooledWork, tmp_path: Path) -> None:
    texts = [f"{tmp_path}/first 40", f"{tmp_path}/waiting 40"]
    tasks = [asyncio.create_task(staying(text)) for text in texts]
    pid = await pid_in(tmp_path / "first")
    staying.close()
    await gone(pid)
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
    assert [type(result) for result in results] == [ChildProcessError, RuntimeError]
    assert not (tmp_path / "waiting").exists()


async def test_an_idle_process_that_dies_takes_no_text_along(
    staying: PooledWork, tmp_path: Path
) -> None:
    await staying(f"{tmp_path}/first 0")
    pid = await pid_in(tmp_path / "first")
    kill(pid)
    await staying(f"{tmp_path}/second 0")


async def test_ctrl_c_is_the_workers_business(staying: PooledWork, tmp_path: Path) -> None:
    task = asyncio.create_task(staying(f"{tmp_path}/first 0.5"))
    os.kill(await pid_in(tmp_path / "first"), signal.SIGINT)
    await task


async def test_a_death_is_noticed_though_a_child_of_the_dead_lives_on() -> None:
    work = PooledWork("tests.support.jobs:leave_a_child", processes=1)
    with pytest.raises(ChildProcessError, match="exit code 3"):
        await asyncio.wait_for(work("8"), 6)
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


@pytest.mark.parametrize("error", ["ValueError('no model')", "ZeroDivisionError", "Exception"])
def test_a_module_that_raises_is_said_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    (tmp_path / "raising_job.py").write_text(f"raise {error}")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Misconfigured, match=rf"LOGWEIR_WORK: .*{error.partition('(')[0]}"):
        load_function("raising_job:work")


def test_the_function_that_is_named_is_the_one_that_is_loaded() -> None:
    assert load_function("tests.support.jobs:harmless") is jobs.harmless


async def pid_in(path: Path) -> int:
    """The process id that a job writes as it begins."""
    async with asyncio.timeout(10):
        while not (written := text_in(path)):  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0.01)
    return int(written)


def text_in(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def kill(child: int) -> None:
    """Kill a child, and wait until it is dead, but leave it to its owner to find that out."""
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)


async def gone(pid: int) -> None:
    """Wait until a process has ended, and its parent knows."""
    async with asyncio.timeout(2):
        while True:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            await asyncio.sleep(0.01)
