"""Functions are killed with -9 and run out of time, again and again, and every promise is kept."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Final

import pytest
from tests.crash.checker import Document
from tests.crash.client import Client
from tests.support.functions import Functions, deployed
from tests.support.judge import judge, send_steadily, settled
from tests.support.outsider import dump_of

from logweir.settings import Settings

pytestmark = [pytest.mark.kill, pytest.mark.slow]

LOGS: Final = 2000
CUT_OFF: Final = 22  # invocations of workers
# The emulator starts a process for each request that finds the others busy.
GATEWAYS: Final = 6
WORK: Final = Settings(seconds_per_character=0.001, chunk_seconds=1.0)  # chunks of 1,000 characters
# The template's shortest are 31 and 46: too long to wait for in a test.
TIMEOUT_SECONDS: Final = 8  # five of them are for the end of an invocation
VISIBILITY_SECONDS: Final = 10


@pytest.mark.timeout(240)
async def test_more_than_twenty_batches_cut_off_in_two_thousand_logs_lose_double_and_leak_nothing(
    ministack: dict[str, str], tmp_path: Path
) -> None:
    work = {"SecondsPerCharacter": "0.001", "ChunkSeconds": "1"}
    with deployed(ministack, tmp_path, **work) as functions:
        for name in ("logs", "chunks"):
            functions.configure(name, TIMEOUT_SECONDS)
            functions.cloud.broker.configure(name, VisibilityTimeout=str(VISIBILITY_SECONDS))
        client, earlier, rng = Client(functions.url), list[Document](), random.Random(1)
        kills: Counter[str] = Counter()
        began = time.monotonic()
        sending = asyncio.create_task(
            send_steadily(client, LOGS, per_second=40.0, long=2500, at_once=GATEWAYS)
        )
        while (cut := await asyncio.to_thread(cut_off, functions)) < CUT_OFF:
            left = await asyncio.to_thread(functions.cloud.broker.left)
            assert left or not sending.done(), f"{cut} were cut off; killed: {kills}"
            await asyncio.sleep(rng.uniform(0.5, 2.0))
            await asyncio.to_thread(kill, functions, rng, kills)
            if kills.total() == CUT_OFF // 2:
                found = await asyncio.to_thread(functions.cloud.store.everything)
                earlier += dump_of(found).documents
        calm = time.monotonic()
        assert await sending == LOGS
        await settled(functions.cloud, client.history, seconds=90)
        done = time.monotonic()
        report = judge(functions.cloud, client.history, WORK, earlier=earlier)
        print(
            f"{dict(kills)} in {calm - began:.0f} s, {cut_off(functions)} of them at work;"
            f" all done in {done - began:.0f} s\n{report}"
        )
    assert not report.findings, str(report)
    assert earlier
    assert report.accepted >= LOGS
    assert report.letters.keys() == {"conflict"}


def kill(functions: Functions, rng: random.Random, kills: Counter[str]) -> None:
    """One process: at once, or by freezing it until the emulator finds that its time is over."""
    function = rng.choice([*["logs"] * 4, *["chunks"] * 3, "gateway"])
    number = rng.choice([*[signal.SIGKILL] * 5, signal.SIGSTOP])
    if function == "gateway":
        number = signal.SIGKILL  # its timeout is longer than the client's
    if processes := functions.processes(function):
        functions.signal(rng.choice(processes), number)
        kills[f"{function} {number.name}"] += 1


def cut_off(functions: Functions) -> int:
    """Invocations of both workers."""
    return sum(functions.cut_off(function) for function in ("logs", "chunks"))
