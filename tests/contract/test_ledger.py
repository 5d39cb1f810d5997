"""PORT WorkLedger, on every back end: what is accepted and not worked on yet, in characters."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest
from tests.contract.backends import COUNTS_SHORT, TELLS_TOTAL, Backend, Kind, needs
from tests.support.logs import ACME, GLOBEX, a_document, a_log

from logweir.bootstrap import Ports, admission, consumer, planner
from logweir.clock import SystemClock
from logweir.errors import Rejection
from logweir.ids import TenantId
from logweir.pipeline.consume import Ack
from logweir.pipeline.source import Session
from logweir.pipeline.work import SimulatedWork
from logweir.reasons import Reason
from logweir.settings import Settings

CHUNKS_OF_TEN = Settings(seconds_per_character=0.1, chunk_seconds=1.0)
LONG = "0123456789" * 4 + "01234"  # five chunks


@pytest.fixture
def begun(ports: Ports, kind: Kind) -> Begun:
    """Texts that a worker has begun with."""
    return Begun(ports, kind.patience_seconds)


class Begun:
    """Long texts on their way, and a worker that does so much and no more."""

    def __init__(self, ports: Ports, patience_seconds: float) -> None:
        self._ports = ports
        self._patience_seconds = patience_seconds
        self._planner = planner(CHUNKS_OF_TEN, ports.store, ports.publisher)
        work = SimulatedWork(SystemClock(), 0)
        self._consumer = consumer(CHUNKS_OF_TEN, ports, work)
        self._session: Session | None = None

    async def accept(self, text: str, tenant: TenantId = ACME, log: str = "long") -> None:
        """As a gateway hands it over."""
        await self._planner.hand_over(a_log(text, tenant=tenant, log=log))

    async def work_on(self, messages: int) -> None:
        """Take so many messages that wait now, and bring each to its end."""
        if self._session is None:
            self._session = await self._ports.session()
        claims = await take(self._session, messages, self._patience_seconds)
        for claim in claims:
            assert await self._consumer.consume(claim.delivery) == Ack()
            await self._session.acknowledge(claim)


async def test_at_first_nothing_is_unfinished(ports: Ports) -> None:
    assert await ports.ledger.total() == 0
    assert await ports.ledger.of(ACME) == 0


async def test_what_is_done_is_no_unfinished_work(ports: Ports) -> None:
    await ports.store.create(a_document("done"))
    assert await ports.ledger.total() == await ports.ledger.of(ACME) == 0


async def test_a_long_text_counts_from_when_it_is_planned_until_it_is_done(
    ports: Ports, begun: Begun
) -> None:
    await begun.accept(LONG)
    await begun.work_on(1)
    assert await ports.ledger.of(ACME) == len(LONG)
    await begun.work_on(4)
    assert 0 < (await ports.ledger.of(ACME) or 0) <= len(LONG)
    await begun.work_on(1)
    assert await ports.ledger.of(ACME) == 0


async def test_each_tenant_has_a_sum_of_its_own(ports: Ports, begun: Begun) -> None:
    await begun.accept(LONG, ACME, "1")
    await begun.accept(LONG * 2, ACME, "2")
    await begun.accept(LONG * 3, GLOBEX, "1")
    await begun.work_on(3)
    assert await ports.ledger.of(ACME) == await ports.ledger.of(GLOBEX) == 3 * len(LONG)
    assert await ports.ledger.of(TenantId("acm")) == 0


async def test_a_repeat_of_a_text_in_work_leaves_nothing_behind(ports: Ports, begun: Begun) -> None:
    for _ in range(2):
        await begun.accept(LONG)
    await begun.work_on(2)
    await begun.work_on(5)
    assert await ports.ledger.of(ACME) == 0
    await begun.accept(LONG)
    await begun.work_on(1)
    assert await ports.ledger.of(ACME) == 0


async def test_a_forgotten_plan_is_no_work_however_often_it_is_forgotten(
    ports: Ports, begun: Begun
) -> None:
    await begun.accept(LONG)
    await begun.work_on(1)
    await begun.work_on(5)
    key = a_document(LONG, log="long").key
    await ports.store.forget(key)
    assert await ports.ledger.of(ACME) == 0


@needs(TELLS_TOTAL)
async def test_the_total_is_of_all_tenants(ports: Ports, begun: Begun) -> None:
    await begun.accept(LONG, ACME)
    await begun.work_on(1)
    assert await ports.ledger.total() == len(LONG)
    await begun.work_on(5)
    await begun.accept(LONG, GLOBEX)
    await begun.work_on(1)
    assert await ports.ledger.total() == len(LONG)


async def test_the_total_is_not_less_than_what_is_unfinished(
    backend: Backend, begun: Begun
) -> None:
    ports = backend.ports
    ledger = ports.ledger
    await begun.accept(LONG)
    await begun.work_on(1)
    await asyncio.sleep(backend.arrival_seconds)
    assert (await ledger.total() or 0) >= len(LONG)
    await begun.work_on(5)
    await asyncio.sleep(backend.arrival_seconds)
    assert await ledger.total() == 0


@needs(COUNTS_SHORT)
async def test_a_short_text_counts_from_its_202_until_it_is_done(
    ports: Ports, begun: Begun
) -> None:
    await begun.accept("12345", ACME, "1")
    await begun.accept("1234567", ACME, "2")
    await begun.accept("123", GLOBEX, "3")
    assert await ports.ledger.of(ACME) == 12
    assert await ports.ledger.total() == 15
    await begun.work_on(3)
    assert await ports.ledger.total() == await ports.ledger.of(ACME) == 0


@needs(COUNTS_SHORT)
async def test_what_is_handed_out_delayed_or_handed_back_still_counts(ports: Ports) -> None:
    for number in range(3):
        await ports.publisher.publish([a_log("12345", log=f"{number}")])
    session = await ports.session()
    claims = await session.claim(3, 1 << 30, 0)
    await session.delay(claims[0], 5.0)
    await session.acknowledge(claims[1])
    assert await ports.ledger.of(ACME) == await ports.ledger.total() == 10
    await session.end()
    assert await ports.ledger.of(ACME) == await ports.ledger.total() == 10


async def test_a_gateway_refuses_by_it_and_takes_again_what_is_worked_off(
    ports: Ports, begun: Begun
) -> None:
    bounded = replace(CHUNKS_OF_TEN, tenant_backlog_characters_max=len(LONG))
    await begun.accept(LONG)
    await begun.work_on(1)
    with pytest.raises(Rejection) as refused:
        await admission(bounded, ports).admit(ACME, len(LONG))
    assert refused.value.reason is Reason.TENANT_BACKLOG_FULL
    assert refused.value.actual == len(LONG)
    await admission(bounded, ports).admit(GLOBEX, len(LONG))
    await begun.work_on(5)
    await admission(bounded, ports).admit(ACME, len(LONG))


async def take(session: Session, count: int, patience_seconds: float) -> list[Any]:
    """So many claims, once they have come."""
    claims: list[Any] = []
    deadline = time.monotonic() + patience_seconds
    while len(claims) < count and time.monotonic() < deadline:
        claims += await session.claim(count - len(claims), 1 << 30, 0)
        await asyncio.sleep(0.001)
    assert len(claims) == count
    return claims
