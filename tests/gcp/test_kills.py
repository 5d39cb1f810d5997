"""Workers that are pushed to, and gateways, are killed and frozen, and every promise is kept."""

from __future__ import annotations

import pytest
from tests.crash.clouds import pushed
from tests.crash.faults import Fault
from tests.crash.kills import Storm, storm
from tests.support.cloud import Google

pytestmark = [pytest.mark.kill, pytest.mark.slow]

LOGS = 1500
KILLS = 24


@pytest.mark.timeout(300)
async def test_kills_and_drains_during_many_logs_lose_double_and_leak_nothing(
    cloud: Google,
) -> None:
    site = pushed(cloud)
    part = await storm(site, Storm(kills=KILLS, logs=LOGS, seed=1, snapshots=1))
    print(f"{part.faults}\n{part.outcome.figures}\n{part.outcome.report}")
    assert not part.findings
    assert part.outcome.report.accepted >= 0.9 * LOGS  # who has no id does not ask again
    assert part.outcome.report.letters.keys() == {"conflict"}
    assert set(part.faults) == set(site.faults)
    assert Fault.DRAIN in part.faults
