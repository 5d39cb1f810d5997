"""The simulation's own event loop and processes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import pytest
from tests.simulation.loop import SimulatedLoop, Stuck
from tests.simulation.process import Process


@pytest.fixture
def loop() -> Iterator[SimulatedLoop]:
    """A loop of one seed."""
    loop = SimulatedLoop(random.Random(1))
    yield loop
    loop.unwind()


def test_an_hour_passes_at_once(loop: SimulatedLoop) -> None:
    loop.run_until_complete(asyncio.sleep(3600))
    assert loop.time() == pytest.approx(3600)


def test_nothing_of_a_dead_process_runs_not_even_what_is_in_finally(loop: SimulatedLoop) -> None:
    process, done = Process(loop, "worker", 0.0), []

    async def work() -> None:
        try:
            done.append("began")
            await asyncio.sleep(2)
            done.append("went on")
        finally:
            done.append("cleaned up")

    process.spawn(work())
    loop.run_until_complete(asyncio.sleep(1))
    process.kill()
    loop.run_until_complete(asyncio.sleep(10))
    assert done == ["began"]


def test_a_paused_process_goes_on_later_as_if_it_had_been_slow(loop: SimulatedLoop) -> None:
    process, woke_at = Process(loop, "worker", 0.0), []

    async def work() -> None:
        await asyncio.sleep(2)
        woke_at.append(loop.time())

    process.spawn(work())
    loop.run_until_complete(asyncio.sleep(1))
    process.pause()
    loop.run_until_complete(asyncio.sleep(10))
    process.go_on()
    loop.run_until_complete(asyncio.sleep(1))
    assert woke_at == [pytest.approx(11)]


def test_what_runs_beside_the_loop_takes_virtual_time(loop: SimulatedLoop) -> None:
    assert loop.run_until_complete(asyncio.to_thread(len, "four")) == 4
    assert loop.time() > 0


def test_tasks_that_are_ready_together_run_in_another_order_for_another_seed() -> None:
    assert len({tuple(_order(seed)) for seed in range(20)}) > 10
    assert _order(3) == _order(3)


def test_a_world_in_which_nothing_can_happen_any_more_is_an_error(loop: SimulatedLoop) -> None:
    with pytest.raises(Stuck):
        loop.run_until_complete(loop.create_future())


def _order(seed: int) -> list[int]:
    loop, order = SimulatedLoop(random.Random(seed)), list[int]()

    async def note(number: int) -> None:
        order.append(number)

    async def all_at_once() -> None:
        await asyncio.gather(*map(note, range(5)))

    loop.run_until_complete(all_at_once())
    loop.unwind()
    return order
