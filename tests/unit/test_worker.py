"""The worker's loop over a session that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.support.logs import a_log

from logweir.backends.memory import MemoryClaim
from logweir.entrypoints.worker import Worker
from logweir.envelope import encode
from logweir.errors import BrokerUnavailable, LeaseLost
from logweir.limits import DEFAULT_LIMITS
from logweir.pipeline.broker import Delivery
from logweir.pipeline.consume import Ack, Verdict

CLAIM = MemoryClaim(1, Delivery(encode(a_log()), 1, 0), 100)


@dataclass
class FailingSession:
    """Hands out one message; a call that has a failure raises it."""

    failures: dict[str, Exception]
    claimed: bool = False
    ended: bool = False

    async def claim(self, slots: int, bytes_max: int, in_flight: int) -> Sequence[Any]:
        """The message, once."""
        self._fail("claim")
        first, self.claimed = not self.claimed, True
        return [CLAIM] if first else []

    async def acknowledge(self, claim: Any) -> None:
        """Nothing."""
        self._fail("acknowledge")

    async def delay(self, claim: Any, after_seconds: float) -> None:
        """Nothing."""

    async def heartbeat(self) -> None:
        """Nothing."""
        self._fail("heartbeat")

    async def end(self) -> None:
        """Remember it."""
        self.ended = True
        self._fail("end")

    def abandon(self) -> None:
        """Nothing."""

    def _fail(self, call: str) -> None:
        if call in self.failures:
            raise self.failures[call]


class Consumer:
    """Says ACK at once."""

    async def consume(self, delivery: Delivery) -> Verdict:
        """Nothing to do."""
        return Ack()


@pytest.mark.parametrize(
    "failures",
    [
        {"heartbeat": LeaseLost("it has run out")},
        {"claim": LeaseLost("it has run out")},
        {"acknowledge": ValueError("a bug")},
        {"heartbeat": LeaseLost("it has run out"), "end": BrokerUnavailable("still down")},
    ],
    ids=["heartbeat", "claim", "a bug at the acknowledgement", "nothing can be handed back"],
)
async def test_a_session_that_fails_is_handed_back_by_the_living_worker_and_another_begins(
    failures: dict[str, Exception],
) -> None:
    sessions = [FailingSession(failures), FailingSession({})]
    begun: list[FailingSession] = []

    async def begin() -> FailingSession:
        begun.append(sessions[len(begun)])
        if len(begun) == 2:
            worker.stop()
        return begun[-1]

    limits = replace(DEFAULT_LIMITS, heartbeat_seconds=0.01)
    worker = Worker(begin, Consumer(), limits, concurrency=10)  # type: ignore[arg-type]
    await asyncio.wait_for(worker.run(), 5)
    assert [session.ended for session in begun] == [True, True]
