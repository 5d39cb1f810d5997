"""A flood of 1,000 requests a minute, for a minute, through the emulators."""

from __future__ import annotations

import pytest
from tests.support.cloud import Google
from tests.support.outsider import kinds_in
from tests.support.processes import until

REQUESTS = 1000


@pytest.mark.slow
def test_a_minute_of_a_thousand_requests_is_all_202_and_all_stored(cloud: Google) -> None:
    with cloud.running("serve") as service:
        url = f"http://127.0.0.1:{service.port}"
        [measured] = cloud.json("flood", url, "--rpm", str(REQUESTS), "--seconds", "60")
        until(
            lambda: len(cloud.store.kept()) >= REQUESTS,
            seconds=40,
            saying=f"{len(cloud.store.kept())} of {REQUESTS} are stored",
        )
    [accepted] = measured["answers"]
    print(f"1,000 requests in a minute: {accepted}")
    assert (accepted["answer"], accepted["count"]) == ("202", REQUESTS)
    assert accepted["p99_ms"] < 1000
    assert kinds_in(cloud.store.everything()) == {"processed_logs": REQUESTS}
