"""A flood of 1,000 requests a minute, for a minute, against the function URL."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from tests.support.functions import deployed
from tests.support.outsider import kinds_in
from tests.support.processes import until

REQUESTS: Final = 1000
WARMING: Final = 30
GATEWAYS: Final = 10


@pytest.mark.slow
def test_a_minute_of_a_thousand_requests_is_all_202_and_all_stored(
    ministack: dict[str, str], tmp_path: Path
) -> None:
    work = {"SecondsPerCharacter": "0.01", "ChunkSeconds": "60"}
    with deployed(ministack, tmp_path, **work) as functions:
        cloud = functions.cloud
        # The emulator starts a process for each request that finds the others busy: they are
        # warm when it begins, and few.
        flood = ("flood", functions.url, "--connections", str(GATEWAYS))
        cloud.json(*flood, "--rpm", "600", "--seconds", "3")
        [measured] = cloud.json(*flood, "--rpm", str(REQUESTS), "--seconds", "60")
        until(
            lambda: len(cloud.store.kept()) >= REQUESTS + WARMING,
            seconds=40,
            saying=f"{len(cloud.store.kept())} of {REQUESTS} are stored",
        )
        until(lambda: cloud.broker.left() == 0)
        kinds = kinds_in(cloud.store.everything())
    [accepted] = measured["answers"]
    print(f"1,000 requests in a minute: {accepted}")
    assert (accepted["answer"], accepted["count"]) == ("202", REQUESTS)
    assert accepted["p99_ms"] < 2000
    assert kinds == {"processed_logs": REQUESTS + WARMING}
