"""Workers and gateways are killed with -9 all the time, and every promise is kept.

The many kills befall workers that are pushed to, as on the cloud, by a bridge: Pub/Sub's emulator
never forgets a streaming pull whose client was killed, and goes on to hand messages to it, each
time until their deadline is over. After some kills hardly any message reaches the living, whatever
client they use. So only one worker that pulls is killed, in
tests/cloud.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

import pytest
from tests.crash.checker import Document
from tests.crash.client import Client
from tests.support.bridge import Bridge
from tests.support.cloud import Google
from tests.support.judge import judge, send_steadily, settled
from tests.support.outsider import dump_of
from tests.support.processes import Process, free_port

from logweir.settings import Settings

pytestmark = [pytest.mark.kill, pytest.mark.slow]

LOGS: Final = 2000
KILLS: Final = 24  # of workers; with each fifth a gateway goes too
WORK: Final = Settings(seconds_per_character=0.005, chunk_seconds=2.5)  # chunks of 500 characters
ASKED: Final = {
    "seconds_per_character": WORK.seconds_per_character,
    "chunk_seconds": WORK.chunk_seconds,
}


@dataclass
class Fleet:
    """Two push workers and a gateway, each on a port that it keeps when it is started again."""

    cloud: Google
    stack: ExitStack
    rng: random.Random
    running: dict[int, Process] = field(default_factory=dict)  # by port
    kills: Counter[str] = field(default_factory=Counter)

    async def start(self, role: str, port: int) -> str:
        """Start a process: its URL."""
        process = self.cloud.running(role, port=port, **ASKED)
        self.running[port] = await asyncio.to_thread(self.stack.enter_context, process)
        return f"http://127.0.0.1:{port}/"

    async def kill(self, role: str) -> None:
        """Kill one of a role, and start it again."""
        port = self.rng.choice([p for p, each in self.running.items() if each.role == role])
        self.running[port].kill()
        self.kills[role] += 1
        await self.start(role, port)


@pytest.mark.timeout(200)
async def test_twenty_four_kills_during_two_thousand_logs_lose_double_and_leak_nothing(
    cloud: Google,
) -> None:
    earlier: list[Document] = []
    await cloud.provision()
    with ExitStack() as stack:
        fleet = Fleet(cloud, stack, random.Random(1))
        workers = [await fleet.start("push", free_port()) for _ in range(2)]
        client = Client(await fleet.start("gateway", free_port()) + "ingest")
        bridge = Bridge(cloud.broker, *workers, in_flight_max=800)
        started = time.monotonic()
        async with bridge.carrying():
            sending = asyncio.create_task(send_steadily(client, LOGS, per_second=40.0))
            while fleet.kills["push"] < KILLS:
                await asyncio.sleep(fleet.rng.uniform(0.0, 0.8))
                await fleet.kill("push")
                if fleet.kills["push"] % 5 == 0:
                    await fleet.kill("gateway")
                if fleet.kills["push"] == KILLS // 2:
                    earlier += dump_of(await asyncio.to_thread(cloud.store.everything)).documents
            calm = time.monotonic()
            assert await sending == LOGS
            await settled(cloud, client.history, seconds=60)
            done = time.monotonic()
    report = judge(cloud, client.history, WORK, earlier=earlier)
    print(
        f"{dict(fleet.kills)} killed in {calm - started:.0f} s, all done in {done - started:.0f} s,"
        f" {bridge.in_flight_most} in flight at once, answers {dict(bridge.answers)}\n{report}"
    )
    assert not report.findings, str(report)
    assert report.accepted >= LOGS
    assert report.letters.keys() == {"conflict"}
