"""A tenant's flood delays another tenant's single log by a bounded time, on one machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fairness import suites
from tests.fairness.suites import assert_fair

pytestmark = pytest.mark.slow


async def test_ten_thousand_logs_cost_another_tenant_the_work_of_one(tmp_path: Path) -> None:
    measured = await suites.one_machine(tmp_path, suites.SHORT)
    assert measured.waiting > 0, "the flood was over too soon"
    assert_fair(measured)


async def test_ten_thousand_chunks_cost_another_tenant_the_work_of_one(tmp_path: Path) -> None:
    measured = await suites.one_machine(tmp_path, suites.LONG)
    assert measured.waiting > 0, "the flood was over too soon"
    assert_fair(measured)


@pytest.mark.kill
async def test_poison_costs_another_tenant_one_more_worker(tmp_path: Path) -> None:
    async for measured in suites.poisoned(tmp_path):
        assert measured.deaths >= 3, "the poison killed nobody"
        assert_fair(measured)
