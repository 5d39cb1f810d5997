"""The whole pipeline in memory, on a clock that moves only when told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from tests.support.logs import ACME, LOG

from logweir.backends.memory import MemoryBroker, MemorySession, MemoryStore
from logweir.clock import Clock, ManualClock
from logweir.envelope import Envelope, encode
from logweir.ids import LogId, TenantId
from logweir.limits import DEFAULT_LIMITS, Limits
from logweir.pipeline.broker import Delivery
from logweir.pipeline.consume import Ack, Consumer, Retry, Verdict
from logweir.pipeline.plan import Planner
from logweir.pipeline.records import DeadLetter, Document
from logweir.pipeline.work import SimulatedWork, Work
from logweir.redact.policies import Redactors

T = TypeVar("T")

SECONDS_PER_CHARACTER: Final = 0.05


class SmallBroker(MemoryBroker):
    """A broker whose messages hold so few bytes that a claim check is soon needed."""

    def __init__(self, clock: Clock, message_bytes_max: int) -> None:
        super().__init__(clock)
        self._message_bytes_max = message_bytes_max

    @property
    def message_bytes_max(self) -> int:
        """As the test said."""
        return self._message_bytes_max


class World:
    """Both ports, a planner and a consumer."""

    def __init__(
        self,
        *,
        work: Work | None = None,
        chunk_size: int | None = 25,
        limits: Limits = DEFAULT_LIMITS,
        message_bytes_max: int = 1 << 20,
        redactors: Redactors | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore()
        self.broker = SmallBroker(self.clock, message_bytes_max)
        self.planner = Planner(self.store, self.broker, chunk_size)
        self.consumer = Consumer(
            store=self.store,
            publisher=self.broker,
            planner=self.planner,
            work=work or SimulatedWork(self.clock, SECONDS_PER_CHARACTER),
            clock=self.clock,
            limits=limits,
            redactors=redactors,
            deaths=self.store,
            jitter=lambda: 1.0,
        )

    async def consume(
        self, envelope: Envelope, *, deliveries: int = 1, unanswered: int | None = 0
    ) -> Verdict:
        """The verdict on a delivery, however long it takes."""
        delivery = Delivery(encode(envelope), deliveries, unanswered)
        return await self.soon(self.consumer.consume(delivery))

    async def soon(self, awaitable: Awaitable[T]) -> T:
        """What it returns, once the clock has moved as far as it needs."""
        task = asyncio.ensure_future(awaitable)
        while not task.done():
            await self.clock.advance(SECONDS_PER_CHARACTER)
            await asyncio.sleep(0)
        return await task

    async def drain(self) -> None:
        """Consume whatever waits, one after the other, until nothing does."""
        session = await self.broker.session()
        for _ in range(1000):
            if not self.broker.messages:
                return
            claims = await session.claim(1, 1, 0)
            if not claims:
                await self.clock.advance(60)
            for claim in claims:
                verdict = await self.soon(self.consumer.consume(claim.delivery))
                match verdict:
                    case Ack():
                        await session.acknowledge(claim)
                    case Retry(after_seconds):
                        await session.delay(claim, after_seconds)
        raise AssertionError(f"still there: {self.broker.messages}")

    async def session(self) -> MemorySession:
        """A worker's session."""
        return await self.broker.session()

    async def document(self, tenant: TenantId = ACME, log: str = LOG) -> Document | None:
        """A log's document."""
        return await self.store.document(tenant, LogId(log))

    async def letters(self, tenant: TenantId = ACME) -> list[DeadLetter]:
        """A tenant's dead letters, whole."""
        found = [await self.store.letter(letter.key) async for letter in self.store.letters(tenant)]
        return [letter for letter in found if letter is not None]

    async def plans(self, tenant: TenantId = ACME, log: str = LOG) -> int:
        """How many plans of a log are not finished."""
        return len(await self.store.progress(tenant, LogId(log)))

    @property
    def queued(self) -> list[Envelope]:
        """The envelopes that the broker has."""
        return [message.envelope for message in self.broker.messages.values()]
