"""A real worker on a disk that fails for a while: it waits, goes on, and nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.support.disk import Disk
from tests.support.logs import ACME, a_log

from logweir.backends.local.broker import LocalBroker
from logweir.backends.local.reader import LocalReader
from logweir.backends.local.store import LocalStore
from logweir.clock import SystemClock
from logweir.entrypoints.worker import Worker
from logweir.errors import BrokerUnavailable
from logweir.limits import DEFAULT_LIMITS
from logweir.pipeline.consume import Consumer
from logweir.pipeline.plan import Planner
from logweir.pipeline.work import SimulatedWork


@pytest.mark.parametrize("fault", ["is_full", "sync_fails"])
@pytest.mark.parametrize("from_the_start", [True, False])
async def test_a_worker_outlives_an_outage_of_the_disk_and_finishes_everything(
    tmp_path: Path, disk: Disk, fault: str, from_the_start: bool
) -> None:
    clock = SystemClock()
    broker, store = LocalBroker(tmp_path, clock, DEFAULT_LIMITS), LocalStore(tmp_path)
    planner = Planner(store, broker, 50)
    consumer = Consumer(
        store=store,
        publisher=broker,
        planner=planner,
        work=SimulatedWork(clock, 0.002),
        clock=clock,
        limits=DEFAULT_LIMITS,
    )
    texts = {f"log-{number}": f"text {number} " * (1 + number) for number in range(20)}
    await broker.publish([a_log(text, log=log) for log, text in texts.items()])

    worker = Worker(broker.session, consumer, DEFAULT_LIMITS, 1000)
    setattr(disk, fault, from_the_start)
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(0.05)
    setattr(disk, fault, True)
    with pytest.raises(BrokerUnavailable):
        await broker.publish([a_log("not confirmed", log="unknown")])
    await asyncio.sleep(0.8)
    setattr(disk, fault, False)

    async with asyncio.timeout(30):
        while await broker.backlog():  # noqa: ASYNC110  # a broker does not tell
            await asyncio.sleep(0.02)
    worker.stop()
    await running
    stored: dict[str, str] = {
        d.log_id: d.original_text async for d in LocalReader(tmp_path).documents(ACME)
    }
    stored.pop("unknown", None)
    assert stored == texts
    assert [letter async for letter in LocalReader(tmp_path).letters(ACME)] == []
    await broker.close()
    await store.close()
