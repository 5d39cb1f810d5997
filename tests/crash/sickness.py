"""Texts that kill their workers, among healthy ones; and workers that are killed all the time."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from pathlib import Path
from typing import Final

import aiohttp
from tests.crash.client import Client
from tests.crash.dump import documents, messages
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
from tests.crash.texts import POISON, TENANTS, Text, make_text

from logweir.envelope import Source
from logweir.settings import Settings

_RESTARTS_MAX: Final = 2000


async def poison(
    directory: Path,
    *,
    poisons: int,
    healthy: int,
    late: int,
    deliveries_max: int,
    healthy_seconds_max: float = 60.0,
    late_seconds_max: float = 15.0,
    end_seconds_max: float = 300.0,
) -> Outcome:
    """``poisons`` among ``healthy`` logs, and ``late`` healthy ones that come in the middle of it.

    Workers are started again at once, without the supervisor's backoff. Raises TimeoutError where
    the healthy ones are not done in time, or the late ones, each counted from its 202.
    """
    settings = Settings(
        data_dir=directory / "data",
        port=free_port(),
        seconds_per_character=0.005,
        chunk_seconds=2.5,
        drain_seconds=1.0,
    )
    witness = {
        "DOOM_JOURNAL": str(journal_path(settings)),
        "DOOM_DELIVERIES_MAX": str(deliveries_max),
    }
    rng = random.Random(5)
    texts = [make_text(rng, rng.randint(100, 300)) for _ in range(healthy)]
    sick = [make_text(rng, 100, POISON) for _ in range(poisons)]
    gateway = Service(settings, role="gateway", module=WITNESS, witness=witness)
    client = Client(gateway.url)
    async with running(gateway):
        await gateway.listening()
        await _send(client, texts + sick)
        started = time.monotonic()
        deaths = asyncio.create_task(_work_until_drained(settings, witness, end_seconds_max))
        try:
            wanted = {text.canary for text in texts}
            first = await _stored(settings, wanted, healthy_seconds_max, deaths)
            texts = [make_text(rng, rng.randint(100, 300)) for _ in range(late)]
            await _send(client, texts)
            wanted = {text.canary for text in texts}
            second = await _stored(settings, wanted, late_seconds_max, deaths)
            died = await deaths
        finally:
            deaths.cancel()
        took = time.monotonic() - started
    report = judge(settings, client.history, sick=frozenset(text.canary for text in sick))
    assert report.letters == {"crash_loop": poisons}, report.letters
    return Outcome(
        name=f"{poisons} poisoned among {healthy} + {late}, deliveries_max {deliveries_max}",
        report=report,
        kills=died,
        figures={
            "healthy done in": f"{first:.1f} s",
            "late ones in": f"{second:.1f} s",
            "all ended in": f"{took:.1f} s",
        },
    )


async def siege(
    directory: Path, *, logs: int, work_seconds: float, kills: int, every_seconds: float
) -> Outcome:
    """Kill the worker oftener than any log takes; then how long until all are done."""
    settings = Settings(
        data_dir=directory / "data",
        port=free_port(),
        seconds_per_character=work_seconds / 300,
        chunk_seconds=0,
    )
    witness = {"DOOM_JOURNAL": str(journal_path(settings))}
    service = Service(settings, module=WITNESS, witness=witness)
    client = Client(service.url)
    rng = random.Random(7)
    async with running(service):
        await service.listening()
        await _send(client, [make_text(rng, 300) for _ in range(logs)])
        for _ in range(kills):
            for pid in service.children("worker"):
                send_signal(pid, signal.SIGKILL)
            await asyncio.sleep(every_seconds)
        left = messages(settings.data_dir)
        drain = await drained(settings.data_dir, 20 * work_seconds + 60)
        assert await service.stop() == 0
    return Outcome(
        name=f"siege of {logs} logs of {work_seconds:g} s, a kill every {every_seconds:g} s",
        report=judge(settings, client.history),
        kills=kills,
        figures={"left then": left, "drained in": f"{drain:.1f} s"},
    )


async def _send(client: Client, texts: list[Text]) -> None:
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        for number, text in enumerate(texts):
            tenant, source = TENANTS[number % len(TENANTS)], list(Source)[number % 2]
            group.create_task(client.send(http, text, tenant, None, source))


async def _stored(
    settings: Settings, canaries: set[str], seconds: float, deaths: asyncio.Task[int]
) -> float:
    def all_stored() -> bool:
        if deaths.done():
            deaths.result()
        texts = "".join(document.text for document in documents(settings.data_dir))
        return all(canary in texts for canary in canaries)

    return await until(all_stored, seconds, f"{len(canaries)} healthy logs to be stored")


async def _work_until_drained(settings: Settings, witness: dict[str, str], seconds: float) -> int:
    """Start a worker again each time that it dies; how often it died."""
    deadline = time.monotonic() + seconds
    for deaths in range(_RESTARTS_MAX):
        worker = Service(settings, role="worker", module=WITNESS, witness=witness)
        async with running(worker):
            assert worker.process is not None
            while worker.process.poll() is None:
                if not messages(settings.data_dir):
                    assert await worker.stop() == 0
                    return deaths
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{messages(settings.data_dir)} messages after {seconds} s")
                await asyncio.sleep(0.02)
            assert worker.process.returncode == -signal.SIGKILL
    raise TimeoutError(f"{_RESTARTS_MAX} restarts")
