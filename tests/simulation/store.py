"""The store of a simulation: MemoryStore is what is durable, and each process has a way to it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from tests.simulation.faults import Port
from tests.simulation.loop import Arguments, Result, at_once
from tests.simulation.oracle import Oracle
from tests.simulation.ports import Network

from logweir.backends.memory import MemoryStore
from logweir.pipeline.records import DeadLetter, Document, Plan, TextKey
from logweir.pipeline.store import Found, Stored


class SimulatedStore:
    """Store and DeathCounter, as one process sees them."""

    def __init__(self, memory: MemoryStore, network: Network, oracle: Oracle) -> None:
        self._memory = memory
        self._network = network
        self._oracle = oracle

    async def find(self, key: TextKey) -> Found:
        """See Store."""
        return await self._call("find", key, self._memory.find, key)

    async def create(self, document: Document) -> Stored:
        """See Store."""
        return await self._call("create", document.key, self._memory.create, document)

    async def plan(self, plan: Plan) -> Plan:
        """See Store."""
        return await self._call("plan", plan.key, self._memory.plan, plan)

    async def mark_sent(self, key: TextKey) -> None:
        """See Store."""
        await self._call("mark_sent", key, self._memory.mark_sent, key)

    async def load(self, key: TextKey) -> Plan | None:
        """See Store."""
        return await self._call("load", key, self._memory.load, key)

    async def recorded(self, key: TextKey) -> frozenset[int] | None:
        """See Store."""
        return await self._call("recorded", key, self._memory.recorded, key)

    async def is_recorded(self, key: TextKey, index: int) -> bool | None:
        """See Store."""
        return await self._call("is_recorded", key, self._memory.is_recorded, key, index)

    async def record(self, key: TextKey, index: int) -> bool | None:
        """See Store."""
        return await self._call("record", key, self._memory.record, key, index)

    async def forget(self, key: TextKey) -> None:
        """See Store."""
        await self._call("forget", key, self._memory.forget, key)

    async def bury(self, letter: DeadLetter) -> None:
        """See Store."""
        await self._call("bury", letter.key, self._memory.bury, letter)

    async def buried(self, key: TextKey) -> bool:
        """See Store."""
        return await self._call("buried", key, self._memory.buried, key)

    async def begin(self, key: TextKey, chunk: int | None) -> int:
        """See DeathCounter."""
        return await self._call("begin", key, self._memory.begin, key, chunk)

    async def answer(self, key: TextKey, chunk: int | None, *, done: bool) -> None:
        """See DeathCounter."""

        answer = partial(self._memory.answer, done=done)
        await self._call("answer, done" if done else "answer", key, answer, key, chunk)

    async def _call(
        self,
        name: str,
        key: TextKey,
        operation: Callable[[*Arguments], Coroutine[Any, Any, Result]],
        *arguments: *Arguments,
    ) -> Result:
        def run() -> Result:
            result = at_once(operation(*arguments))
            self._oracle.stored(name, key, *arguments)
            return result

        indexes = [argument for argument in arguments if isinstance(argument, int)]
        about = (str(key.tenant), str(key.log), key.sha256[:6], *indexes)
        return await self._network.call(Port.STORE, name, about, run)
