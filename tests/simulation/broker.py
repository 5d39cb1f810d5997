"""The broker of a simulation: MemoryBroker is durable; leases, delays and copies are here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from tests.simulation.faults import Fault
from tests.simulation.loop import at_once
from tests.simulation.oracle import Oracle
from tests.simulation.ports import Network
from tests.simulation.process import Process

from logweir.backends.memory import MemoryBroker
from logweir.clock import Clock
from logweir.envelope import Envelope, encode
from logweir.pipeline.broker import Lane, lane_of

_JITTER_SECONDS: Final = 0.005  # between two messages that come at the same time


class Bell:
    """What tasks wait for, and no longer than they like."""

    def __init__(self, network: Network) -> None:
        self._loop = network.loop
        self._waiting: list[asyncio.Future[None]] = []

    def ring(self) -> None:
        """Wake all who wait."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            _wake(future)

    async def heard_or(self, seconds: float) -> None:
        """Wait until it rings, or so long."""
        future = self._loop.create_future()
        self._waiting.append(future)
        timer = self._loop.call_later(seconds, _wake, future)
        await future
        timer.cancel()


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class Broker:
    """What all processes share."""

    def __init__(self, clock: Clock, network: Network, oracle: Oracle) -> None:
        self.network = network
        self.oracle = oracle
        first = MemoryBroker(clock)
        second = MemoryBroker(clock) if network.settings.lanes == 2 else first
        self.lanes = {Lane.LOG: first, Lane.CHUNK: second}
        self.queues = [first] if second is first else [first, second]
        self.tokens = 0
        self.leases: list[tuple[Process, Callable[[], None]]] = []  # and how to end each
        self.bell = Bell(network)

    @property
    def left(self) -> int:
        """Messages that are not acknowledged."""
        return sum(len(queue.messages) for queue in self.queues)

    def enqueue(self, envelope: Envelope) -> None:
        """Hold an envelope durably, and perhaps a copy, and perhaps a broken one."""
        self.oracle.published(envelope)
        self._add(envelope)
        faults = self.network.faults
        if faults.happens(Fault.DUPLICATED):
            self._add(envelope)
        if faults.happens(Fault.CORRUPTED):
            self._add(envelope, self._corrupted(encode(envelope)))

    def _add(self, envelope: Envelope, raw: bytes | None = None) -> None:
        queue = self.lanes[lane_of(envelope)]
        at_once(queue.publish([envelope]))
        message = queue.messages[next(reversed(queue.messages))]
        if raw is not None:
            message.raw = raw
            self.oracle.garbage.add(raw)
        network = self.network
        after = network.rng.random() * _JITTER_SECONDS
        if network.faults.happens(Fault.DELAYED):
            after += network.rng.random() * network.settings.late_seconds
        message.visible_at = network.loop.time() + after
        self.wake_after(after)

    def _corrupted(self, raw: bytes) -> bytes:
        place = self.network.rng.randrange(12, len(raw))  # behind the version
        return raw[:place] + bytes((raw[place] ^ 1,)) + raw[place + 1 :]

    def revoke(self, process: Process) -> None:
        """End the leases of a live process."""
        for holder, lose in self.leases:
            if holder is process:
                lose()

    def wake_after(self, seconds: float) -> None:
        """Let all look for messages then."""
        self.network.later(seconds, self.bell.ring)
