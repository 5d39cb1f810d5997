"""(c) Working off a backlog with many in flight, against the ideal: work over concurrency."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import apsw

from bench.logs import envelopes
from bench.processes import cpu_seconds, peak_memory_mib, running
from logweir.backends.local.broker import LocalBroker
from logweir.clock import SystemClock
from logweir.limits import DEFAULT_LIMITS

SECONDS_PER_CHARACTER = 0.05


@dataclass(frozen=True, slots=True)
class Drain:
    """How long a worker took, from its first claim to an empty queue."""

    seconds: float
    ideal_seconds: float
    worker_cpu_seconds: float
    worker_memory_mib: float

    @property
    def ratio(self) -> float:
        """1 is the ideal."""
        return self.seconds / self.ideal_seconds


def measure(work: Path, *, logs: int, characters: int, concurrency: int) -> Drain:
    """One worker process on a backlog of short logs of four tenants."""
    data_dir = work / "drain"
    data_dir.mkdir()
    asyncio.run(_fill(data_dir, logs, characters))
    settings = {"data_dir": data_dir, "concurrency": concurrency, "log_level": "warning"}
    with running("-m", "logweir", "worker", settings=settings, log=work / "drain.log") as worker:
        started = _await(
            data_dir, "SELECT NOT EXISTS (SELECT 1 FROM messages WHERE state = 'leased')"
        )
        ended = _await(data_dir, "SELECT EXISTS (SELECT 1 FROM messages)")
        return Drain(
            seconds=ended - started,
            ideal_seconds=logs * characters * SECONDS_PER_CHARACTER / concurrency,
            worker_cpu_seconds=cpu_seconds(worker.pid),
            worker_memory_mib=peak_memory_mib(worker.pid),
        )


async def _fill(data_dir: Path, logs: int, characters: int) -> None:
    broker = LocalBroker(data_dir, SystemClock(), DEFAULT_LIMITS)
    await broker.publish(envelopes(logs, tenants=4, characters=characters))
    await broker.close()


def _await(data_dir: Path, still: str) -> float:
    db = apsw.Connection(str(data_dir / "broker.sqlite3"), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        while db.execute(still).get:
            time.sleep(0.01)
    finally:
        db.close()
    return time.monotonic()
