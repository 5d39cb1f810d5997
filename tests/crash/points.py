"""A process that dies at a named point, and another that goes on from there."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp
from tests.crash.client import Client
from tests.crash.doomed import Point, read_journal
from tests.crash.outcome import Outcome, journal_path, judge
from tests.crash.service import WITNESS, Service, drained, free_port, running
from tests.crash.texts import TENANTS, Text, make_text

from logweir.bootstrap import open_ports, planner
from logweir.clock import SystemClock
from logweir.envelope import Envelope, Source, sha256_of
from logweir.ids import LogId, TenantId
from logweir.limits import MIB
from logweir.settings import Settings
from logweir.verify.evidence import Answer, Sent, Step

_END_SECONDS_MAX: Final = 30.0


@dataclass(frozen=True, slots=True)
class Death:
    """Who dies where, the how manieth time that the point is reached."""

    role: str
    point: Point
    nth: int = 1

    def __str__(self) -> str:
        """For the name of a test."""
        return f"{self.role} dies {self.point}" + (f" no. {self.nth}" if self.nth > 1 else "")

    @property
    def witness(self) -> Mapping[str, str]:
        """What the doomed process must be told."""
        return {"DOOM_POINT": self.point, "DOOM_NTH": str(self.nth)}


_PLANNED_BY_THE_GATEWAY: Final = Death("gateway", Point.PLANNED)
DEATHS: Final = (
    Death("gateway", Point.BEFORE_PUBLISH, 3),
    Death("gateway", Point.PUBLISHED, 3),
    _PLANNED_BY_THE_GATEWAY,
    Death("worker", Point.CLAIMED),
    Death("worker", Point.WORKING),
    Death("worker", Point.WORKING, 9),
    Death("worker", Point.WORKED),
    Death("worker", Point.PLANNED),
    Death("worker", Point.PUBLISHED),
    Death("worker", Point.RECORDED),
    Death("worker", Point.RECORDED, 4),
    Death("worker", Point.ALL_RECORDED),
    Death("worker", Point.CREATED),
    Death("worker", Point.CREATED, 7),
    Death("worker", Point.FORGOTTEN),
    Death("worker", Point.BURIED),
    Death("worker", Point.ACKNOWLEDGED),
)


async def die_at(directory: Path, death: Death) -> Outcome:
    """Raises AssertionError where the process does not die there, or the next one does not end."""
    # The gateway plans what is too large for a message only; its chunks are not to be thousands.
    is_large = death == _PLANNED_BY_THE_GATEWAY
    settings = Settings(
        data_dir=directory / "data",
        port=free_port(),
        seconds_per_character=0.00002 if is_large else 0.002,
        chunk_seconds=0.6,
        drain_seconds=1.0,
    )
    if death.role == "gateway":
        history = await _through_a_dying_gateway(settings, death)
    else:
        history = await _publish(settings)
        async with running(_service(settings, "worker", death.witness)) as doomed:
            code = await doomed.ended(_END_SECONDS_MAX)
            assert code == -signal.SIGKILL, f"{death}: it ended with {code}"
    started = time.monotonic()
    async with running(_service(settings, "worker")) as worker:
        await drained(settings.data_dir, _END_SECONDS_MAX)
        assert await worker.stop() == 0
    took = f"{time.monotonic() - started:.1f} s"
    report = judge(settings, history)
    assert any(event.step is Step.CREATED for event in read_journal(journal_path(settings)))
    return Outcome(name=str(death), report=report, kills=1, figures={"ended after": took})


def _service(settings: Settings, role: str, witness: Mapping[str, str] | None = None) -> Service:
    journal = {"DOOM_JOURNAL": str(journal_path(settings))}
    return Service(settings, role=role, module=WITNESS, witness=journal | dict(witness or {}))


def _logs() -> list[tuple[Text, str, LogId, Source]]:
    """Short ones, long ones, an identical repeat, and two pairs under one id."""
    rng = random.Random(1)
    logs = [
        (make_text(rng, 100 + 30 * number), TENANTS[number % 2], LogId(f"log-{number}"), source)
        for number, source in enumerate([*Source, *Source, *Source])
    ]
    logs += [
        (make_text(rng, 1300), tenant, LogId("long"), Source.TEXT)  # five chunks
        for tenant in TENANTS[:2]
    ]
    logs.append(logs[0])
    logs += [
        (make_text(rng, characters), TENANTS[2], LogId(f"same-{characters}"), Source.JSON)
        for characters in (200, 200, 1300, 1300)
    ]
    return logs


async def _publish(settings: Settings) -> list[Sent]:
    """Put the logs into the broker as a gateway does, without one: a 202 each."""
    history = []
    settings.data_dir.parent.mkdir(parents=True, exist_ok=True)
    async with open_ports(settings) as ports:
        hand_over = planner(settings, ports.store, ports.publisher).hand_over
        for text, tenant, log, source in _logs():
            invoked, invoked_at = time.monotonic(), datetime.now(UTC)
            await hand_over(
                Envelope(
                    tenant=TenantId(tenant),
                    log=log,
                    source=source,
                    received_at=SystemClock().now(),
                    sha256=sha256_of(text.text),
                    characters=len(text.text),
                    text=text.text,
                )
            )
            history.append(
                Sent(
                    tenant=tenant,
                    log=log,
                    source=source.value,
                    sha256=sha256_of(text.text),
                    characters=len(text.text),
                    canary=text.canary,
                    answer=Answer.OK,
                    invoked=invoked,
                    answered=time.monotonic(),
                    invoked_at=invoked_at,
                )
            )
    return history


async def _through_a_dying_gateway(settings: Settings, death: Death) -> list[Sent]:
    client = Client(_service(settings, "gateway").url)
    async with running(_service(settings, "gateway", death.witness)) as doomed:
        await doomed.listening()
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(_send(client, large=death == _PLANNED_BY_THE_GATEWAY))
            code = await doomed.ended(_END_SECONDS_MAX)
            assert code == -signal.SIGKILL, f"{death}: it ended with {code}"
            async with running(_service(settings, "gateway")) as gateway:
                await sending
                assert await gateway.stop() == 0
    return client.history


async def _send(client: Client, *, large: bool) -> None:
    rng = random.Random(2)
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        for text, tenant, log, source in _logs():
            group.create_task(client.send(http, text, tenant, log, source))
            unnamed = make_text(rng, 150)
            group.create_task(client.send(http, unnamed, tenant, None, source))
        if large:  # too large for one message: the gateway itself plans it
            text = make_text(rng, MIB + 1000)
            group.create_task(client.send(http, text, TENANTS[0], LogId("large"), Source.JSON))
