"""A worker that polls a cloud is killed with -9."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from tests.crash.client import Client
from tests.crash.service import until
from tests.support.cloud import AnyCloud
from tests.support.judge import judge, send_steadily, settled

from logweir.settings import Settings

WORK: Final = Settings(seconds_per_character=0.005, chunk_seconds=2.5)  # chunks of 500 characters
ASKED: Final = {
    "seconds_per_character": WORK.seconds_per_character,
    "chunk_seconds": WORK.chunk_seconds,
}


@pytest.mark.kill
@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_a_worker_that_polls_is_killed_and_another_does_what_it_held(
    new_cloud: Callable[[Path], AnyCloud], tmp_path: Path
) -> None:
    cloud = new_cloud(tmp_path)
    with cloud.running("serve", workers=2, **ASKED) as service:
        client = Client(f"http://127.0.0.1:{service.port}/ingest")
        sending = asyncio.create_task(send_steadily(client, 200, per_second=40.0))
        await until(lambda: len(service.children("worker")) == 2, 10.0, "two workers")
        await until(lambda: bool(cloud.events("log_stored")), 20.0, "work")
        os.kill(service.children("worker")[0], signal.SIGKILL)
        calm = time.monotonic()
        assert await sending == 200
        await settled(cloud, client.history, seconds=120)
        took = time.monotonic() - calm
    report = judge(cloud, client.history, WORK)
    print(f"all done {took:.0f} s after the kill\n{report}")
    assert not report.findings, str(report)
    assert len(cloud.events("process_died")) == 1
