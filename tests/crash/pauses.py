"""Workers that are frozen for longer than their lease, and go on as if nothing had been."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from functools import partial
from pathlib import Path
from typing import Final

import apsw
from tests.crash import dump
from tests.crash.client import Client, traffic
from tests.crash.outcome import Outcome, journal_path, judge
from tests.crash.service import (
    WITNESS,
    Service,
    drained,
    free_port,
    running,
    send_signal,
    until,
)

from logweir.settings import Settings
from logweir.verify.evidence import Fault

_LEASE_SECONDS: Final = 1.0
_TAKEN_OVER_SECONDS_MAX: Final = 4.0  # after the lease
_END_SECONDS_MAX: Final = 40.0


async def pause(directory: Path, *, workers: int, pauses: int) -> Outcome:
    """Freeze a worker past its lease, again and again.

    Raises TimeoutError where no other worker takes its logs over, or it does not work on itself.
    """
    settings = Settings(
        data_dir=directory / "data",
        port=free_port(),
        workers=workers,
        lease_seconds=_LEASE_SECONDS,
        seconds_per_character=0.005,
        chunk_seconds=2.5,
    )
    service = Service(
        settings, module=WITNESS, witness={"DOOM_JOURNAL": str(journal_path(settings))}
    )
    client = Client(service.url)
    over = asyncio.Event()
    taken_over: list[float] = []
    faults: list[Fault] = []
    async with running(service):
        await service.listening()
        sending = asyncio.create_task(
            traffic(
                client,
                random.Random(3),
                per_second=20,
                characters=(200, 900),
                long_characters=2500,
                ended=over.is_set,
            )
        )
        broker = settings.data_dir / "broker.sqlite3"
        for woken in range(1, pauses + 1):
            pid = await _one_at_work(service, broker)
            began = time.monotonic()
            taken_over += await freeze(broker, pid, _LEASE_SECONDS, others=workers > 1)
            window = {"begin": began, "end": time.monotonic()}
            faults.append(Fault(name="frozen", fired=1, paused=True, **window))
            await until(partial(_has_lost_leases, service, woken), 5.0, "it to notice")
            await until(partial(_holds, broker, pid), 5.0, "the woken worker to work on")
        over.set()
        logs = await sending
        drain = await drained(settings.data_dir, _END_SECONDS_MAX)
        assert await service.stop() == 0
    figures: dict[str, object] = {
        "logs": logs,
        "pauses": pauses,
        "drained in": f"{drain:.1f} s",
    }
    if taken_over:
        figures["taken over within"] = f"{max(taken_over):.2f} s"
    name = f"SIGSTOP past the lease, {workers} worker{'s' if workers > 1 else ''}"
    report = judge(settings, client.history, faults=faults)
    return Outcome(name=name, report=report, kills=0, figures=figures)


async def freeze(broker: Path, pid: int, lease_seconds: float, *, others: bool) -> list[float]:
    """SIGSTOP, SIGCONT; how long it took the others to take its logs over."""
    send_signal(pid, signal.SIGSTOP)
    while others and not _can_be_written(broker):
        # It was stopped inside of a transaction, which locks all others out until it wakes.
        send_signal(pid, signal.SIGCONT)
        await asyncio.sleep(0.05)
        send_signal(pid, signal.SIGSTOP)
    taken_over = []
    try:
        if others:
            taken_over.append(
                await until(
                    lambda: not _holds(broker, pid),
                    lease_seconds + _TAKEN_OVER_SECONDS_MAX,
                    "a take-over",
                )
            )
        # The others have finished some of its logs when it wakes in the middle of them.
        await asyncio.sleep(2 * lease_seconds)
    finally:
        send_signal(pid, signal.SIGCONT)
    return taken_over


async def _one_at_work(service: Service, broker: Path) -> int:
    busy: list[int] = []

    def found() -> bool:
        # Kept, since a moment later it may hold nothing any more.
        busy[:] = [pid for pid in service.children("worker") if _holds(broker, pid)]
        return bool(busy)

    await until(found, 10.0, "a worker to be at work")
    return random.Random(len(busy)).choice(busy)


def _can_be_written(broker: Path) -> bool:
    db = apsw.Connection(str(broker))
    db.set_busy_timeout(300)
    try:
        db.execute("BEGIN IMMEDIATE; ROLLBACK")
    except apsw.BusyError:
        return False
    finally:
        db.close()
    return True


def _has_lost_leases(service: Service, count: int) -> bool:
    return service.log_path.read_text().count('"lease_lost"') >= count


def _holds(broker: Path, pid: int) -> bool:
    held = dump.rows(
        broker,
        "SELECT count(*) FROM messages m JOIN sessions s ON s.id = m.lease"
        f" WHERE m.state = 'leased' AND s.pid = {pid}",
    )
    return bool(held and held[0][0])
