"""Workers that poll a cloud, their gateway and their supervisor are killed with -9."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from tests.crash.clouds import served
from tests.crash.faults import ALL_FAULTS, Fault
from tests.crash.kills import Storm, storm
from tests.support.cloud import AnyCloud

# Pub/Sub's emulator never forgets a poll whose client was killed: one such kill is all it takes.
_FAULTS: Final = {"gcp": {Fault.WORKER: 1}, "aws": ALL_FAULTS}
_STORMS: Final = {
    "gcp": Storm(kills=1, logs=200, seed=2),
    "aws": Storm(kills=12, logs=400, seed=2, per_second=20.0, snapshots=1),
}


@pytest.mark.kill
@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_what_killed_workers_held_is_done_by_others(
    new_cloud: Callable[[Path], AnyCloud], tmp_path: Path
) -> None:
    cloud = new_cloud(tmp_path)
    name = cloud.settings["backend"]
    site = served(cloud, _FAULTS[name])
    part = await storm(site, _STORMS[name])
    print(f"{part.faults}\n{part.outcome.figures}\n{part.outcome.report}")
    assert not part.findings
    assert set(part.faults) == set(site.faults)
