"""Traffic on real processes that die at random moments, and every promise is kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.crash.backends import Backend
from tests.crash.campaign import storm_alone
from tests.crash.faults import Fault
from tests.crash.kills import Storm

pytestmark = [pytest.mark.kill, pytest.mark.slow]


async def test_every_fault_once_loses_nothing(tmp_path: Path) -> None:
    plan = Storm(kills=10, logs=400, seed=3, per_second=40.0)
    part = await asyncio.to_thread(storm_alone, Backend.EMBEDDED, tmp_path, plan)
    print(f"{part.outcome.report}\n{part.outcome.figures}")
    assert not part.findings
    assert set(part.faults) == set(Fault)
