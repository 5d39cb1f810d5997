"""Real processes are killed and frozen, and every promise is kept.

``test_storms`` does it at random moments, and ``make kill`` for as long as one likes.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import pytest
from tests.crash.outcome import Outcome
from tests.crash.pauses import pause
from tests.crash.points import DEATHS, Death, die_at
from tests.crash.sickness import poison, siege

pytestmark = pytest.mark.kill

_SIDE_BY_SIDE: Final = 4


def holds(outcome: Outcome) -> bool:
    print(f"{outcome.name}: {dict(outcome.figures)}\n{outcome.report}")
    return not outcome.report.findings


@pytest.mark.parametrize("role", ["gateway", "worker"])
async def test_a_death_at_each_named_point_loses_nothing(tmp_path: Path, role: str) -> None:
    places = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def die(number: int, death: Death) -> None:
        async with places:
            assert holds(await die_at(tmp_path / str(number), death)), death

    async with asyncio.TaskGroup() as group:
        for number, death in enumerate(DEATHS):
            if death.role == role:
                group.create_task(die(number, death))


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
async def test_a_worker_that_is_frozen_past_its_lease_harms_nothing(
    tmp_path: Path, workers: int
) -> None:
    assert holds(await pause(tmp_path, workers=workers, pauses=1))


@pytest.mark.slow
async def test_no_healthy_log_is_buried_for_being_near_a_poisoned_one(tmp_path: Path) -> None:
    outcome = await poison(tmp_path, poisons=1, healthy=50, late=20, deliveries_max=16)
    assert holds(outcome)


@pytest.mark.slow
async def test_many_poisoned_texts_do_not_starve_the_healthy(tmp_path: Path) -> None:
    outcome = await poison(tmp_path, poisons=15, healthy=20, late=20, deliveries_max=16)
    assert holds(outcome)


@pytest.mark.slow
async def test_after_a_siege_the_backlog_drains_soon(tmp_path: Path) -> None:
    outcome = await siege(tmp_path, logs=300, work_seconds=3.0, kills=30, every_seconds=0.7)
    assert holds(outcome)
