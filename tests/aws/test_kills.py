"""Functions are killed with -9 and run out of time, again and again, and every promise is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from tests.crash.clouds import deployed_functions
from tests.crash.kills import Storm, storm
from tests.support.functions import deployed

from logweir.settings import Settings

pytestmark = [pytest.mark.kill, pytest.mark.slow]

LOGS: Final = 1200
CUT_OFF: Final = 22  # invocations of workers
# The emulator starts a process for each request that finds the others busy.
GATEWAYS: Final = 6
WORK: Final = Settings(seconds_per_character=0.001, chunk_seconds=1.0)  # chunks of 1,000 characters
# The template's shortest are 31 and 46: too long to wait for in a test.
TIMEOUT_SECONDS: Final = 8  # five of them are for the end of an invocation
VISIBILITY_SECONDS: Final = 10


@pytest.mark.timeout(420)
async def test_more_than_twenty_batches_that_are_cut_off_lose_double_and_leak_nothing(
    ministack: dict[str, str], tmp_path: Path
) -> None:
    work = {"SecondsPerCharacter": "0.001", "ChunkSeconds": "1"}
    with deployed(ministack, tmp_path, **work) as functions:
        for name in ("logs", "chunks"):
            functions.configure(name, TIMEOUT_SECONDS)
            functions.cloud.broker.configure(name, VisibilityTimeout=str(VISIBILITY_SECONDS))
        site = deployed_functions(functions, WORK, tmp_path / "functions.log")
        plan = Storm(
            kills=CUT_OFF, logs=LOGS, seed=1, long_characters=2500, at_once=GATEWAYS, snapshots=1
        )
        part = await storm(site, plan)
    print(f"{part.faults}\n{part.outcome.figures}\n{part.outcome.report}")
    assert not part.findings
    assert part.outcome.report.accepted >= 0.9 * LOGS  # who has no id does not ask again
    assert part.outcome.report.letters.keys() == {"conflict"}
    assert set(part.faults) == set(site.faults)
