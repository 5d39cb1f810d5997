"""What a store bills for a log, from its delivery until nothing of it is left to do."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.stores import CountingStore

from logweir.backends.memory import MemoryBroker
from logweir.clock import SystemClock
from logweir.envelope import Envelope, encode
from logweir.limits import DEFAULT_LIMITS
from logweir.pipeline.broker import Delivery
from logweir.pipeline.consume import Ack, Consumer
from logweir.pipeline.plan import Planner
from logweir.pipeline.work import SimulatedWork

Bill = tuple[float, ...]


class Costs:
    """A consumer on a store, and what is billed for it."""

    def __init__(self, store: CountingStore, billed: Callable[[], Bill], chunk: int | None) -> None:
        """``billed``: so far. ``chunk``: how many characters one has."""
        clock = SystemClock()
        self._billed = billed
        self._broker = MemoryBroker(clock)
        self._consumer = Consumer(
            store=store,
            publisher=self._broker,
            planner=Planner(store, self._broker, chunk),
            work=SimulatedWork(clock, 0),
            clock=clock,
            limits=DEFAULT_LIMITS,
            deaths=store,
        )

    async def of(self, envelope: Envelope, *, deliveries: int = 1, backwards: bool = False) -> Bill:
        """What is billed until nothing of the log is left to do."""
        before = self._billed()
        await self._broker.publish([envelope])
        while self._broker.messages:
            messages = self._broker.messages
            message = messages.pop(max(messages) if backwards else min(messages))
            delivery = Delivery(encode(message.envelope), deliveries, None)
            assert await self._consumer.consume(delivery) == Ack()
        return tuple(now - then for now, then in zip(self._billed(), before, strict=True))
