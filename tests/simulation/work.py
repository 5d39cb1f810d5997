"""The work of a simulated worker: the product's, watched, and sick where its text is."""

from __future__ import annotations

import asyncio
import contextvars
from collections import Counter
from typing import Final

from tests.simulation.oracle import Oracle
from tests.simulation.process import Process, SimulatedClock
from tests.simulation.session import Told
from tests.simulation.settings import SECONDS_PER_CHARACTER
from tests.simulation.traffic import Sickness

from logweir.pipeline.consume import Consumer, Verdict
from logweir.pipeline.work import SimulatedWork

_token: Final[contextvars.ContextVar[int]] = contextvars.ContextVar("token")


class WatchedConsumer:
    """The product's consumer; the work that it does is known to be a delivery's."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    async def consume(self, delivery: Told) -> Verdict:
        """See Consumer."""
        _token.set(delivery.token)  # of this delivery's task
        return await self._consumer.consume(delivery)


class WatchedWork:
    """Work, as one process does it."""

    def __init__(self, process: Process, oracle: Oracle, raised: Counter[str]) -> None:
        """``raised``: how often each text's work has raised, in any process."""
        self._process = process
        self._clock = SimulatedClock(process)
        self._work = SimulatedWork(self._clock, SECONDS_PER_CHARACTER)
        self._oracle = oracle
        self._raised = raised

    async def __call__(self, text: str) -> None:
        """See Work."""
        token = _token.get()
        self._oracle.work_began(token, text)
        began = self._clock.monotonic()
        if Sickness.KILLER in text:
            await self._work(text[: len(text) // 2])
            self._oracle.covered["workers killed by their work"] += 1
            self._process.kill()
            await asyncio.get_running_loop().create_future()  # nothing runs any more
        if Sickness.POISON in text or (Sickness.FLAKY in text and not self._raised[text]):
            await self._work(text[: len(text) // 2])
            self._raised[text] += 1
            self._oracle.work_raised(token)
            self._oracle.covered["work raised"] += 1
            raise ValueError("bad")
        await self._work(text)
        self._oracle.work_ended(token, text, self._clock.monotonic() - began)
