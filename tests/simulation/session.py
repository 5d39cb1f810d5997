"""A session of the simulated broker: messages held by one lease, until it is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from tests.simulation.broker import Bell, Broker
from tests.simulation.faults import Fault, Port
from tests.simulation.loop import at_once
from tests.simulation.part import Part
from tests.simulation.process import Process

from logweir.backends.memory import MemoryClaim, MemorySession
from logweir.errors import BrokerUnavailable, LeaseLost
from logweir.pipeline.broker import Delivery

_FREE_SECONDS: Final = 0.02  # from the end of a settlement until its worker asks for more
_NOTICE_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(Delivery):
    """A delivery of which the simulation knows what it is."""

    part: Part
    token: int  # of this delivery, and no other


class Claim(NamedTuple):
    """A message that a session holds."""

    lane: MemorySession
    memory: MemoryClaim
    delivery: Told
    weight_bytes: int


class Session:
    """What a worker holds by one lease; whoever lost it can change nothing any more."""

    def __init__(self, broker: Broker, process: Process) -> None:
        self._broker = broker
        self._network = broker.network
        self.process = process
        self._lanes = [at_once(queue.session()) for queue in broker.queues]
        self._unknown: set[int] = set()  # tokens of claims whose answer has not come
        self._ended = False
        self._room = Bell(self._network)  # rings when a slot may be free
        settings = self._network.settings
        self._lease_seconds = settings.limits.lease_seconds
        self._expires_at = self._network.loop.time() + self._lease_seconds
        self._network.later(self._lease_seconds, self._look)
        broker.leases.append((process, self.lose))
        if settings.notices_deaths:
            process.on_death.append(lambda: self._network.later(_NOTICE_SECONDS, self.lose))

    async def claim(self, slots: int, bytes_max: int, in_flight: int) -> Sequence[Claim]:
        """Wait for messages. Raises LeaseLost."""
        settings, loop = self._network.settings, self._network.loop
        until = loop.time() + settings.poll_seconds
        if slots <= 0 or bytes_max <= 0:
            await self._room.heard_or(settings.poll_seconds)
            return []
        while not self._has_messages():
            left = until - loop.time()
            if left <= 0:
                return []
            await self._broker.bell.heard_or(left)
        most = min(slots, self._network.rng.randint(1, settings.batch))
        try:
            claims = await self._network.call(
                Port.BROKER, "claim", "", lambda: self._take(most, bytes_max)
            )
        except BrokerUnavailable:
            # What was claimed all the same becomes visible again, as after a visibility timeout.
            after = self._lease_seconds + settings.late_seconds
            self._network.later(after, self._hand_back_unknown)
            raise
        self._unknown.difference_update(claim.delivery.token for claim in claims)
        if self._unknown:
            self._network.later(self._lease_seconds, self._hand_back_unknown)
        return claims

    async def acknowledge(self, claim: Claim) -> None:
        """Take a message off the broker. Raises LeaseLost."""

        def acknowledge() -> None:
            at_once(claim.lane.acknowledge(claim.memory))
            self._broker.oracle.settled(claim.delivery.token, acknowledged=True)

        await self._settle("acknowledge", claim, acknowledge)

    async def delay(self, claim: Claim, after_seconds: float) -> None:
        """Have a message delivered again later. Raises LeaseLost."""

        def delay() -> None:
            at_once(claim.lane.delay(claim.memory, after_seconds))
            self._broker.oracle.settled(claim.delivery.token, acknowledged=False)
            self._broker.wake_after(after_seconds)

        await self._settle("delay", claim, delay)

    async def _settle(self, name: str, claim: Claim, operation: Any) -> None:
        about = str(claim.delivery.part)
        try:
            await self._network.call(Port.BROKER, name, about, operation, repeatable=False)
        finally:
            self._network.later(_FREE_SECONDS, self._room.ring)

    async def heartbeat(self) -> None:
        """Extend the lease. Raises LeaseLost."""

        def extend() -> None:
            self._check()
            self._expires_at = self._network.loop.time() + self._lease_seconds

        await self._network.call(Port.BROKER, "heartbeat", "", extend)

    async def end(self) -> None:
        """Hand back what is still held, as if it had never been handed out."""
        await self._network.call(Port.BROKER, "end", "", lambda: self._end(died=False))

    def abandon(self) -> None:
        """Nothing is left to let go of."""

    def lose(self) -> None:
        """The broker ends the lease."""
        self._end(died=True)

    def _has_messages(self) -> bool:
        self._check()
        now = self._network.loop.time()
        return any(
            message.holder is None and message.visible_at <= now
            for queue in self._broker.queues
            for message in queue.messages.values()
        )

    def _take(self, most: int, bytes_max: int) -> list[Claim]:
        self._check()
        claims: list[Claim] = []
        lanes = list(self._lanes)
        self._network.rng.shuffle(lanes)
        for lane in lanes:
            taken = at_once(lane.claim(most - len(claims), bytes_max, 0))
            claims += [self._claim_of(lane, memory) for memory in taken]
        self._unknown.update(claim.delivery.token for claim in claims)
        return claims

    def _claim_of(self, lane: MemorySession, memory: MemoryClaim) -> Claim:
        broker, settings = self._broker, self._network.settings
        broker.tokens += 1
        message, told = lane._messages[memory.id], memory.delivery
        part = Part.of(message.envelope)
        given_up = settings.counts_deaths and (
            told.deliveries > (settings.backstop or 0)
            or self._network.faults.happens(Fault.GIVEN_UP)
        )
        delivery = Told(
            told.raw,
            told.deliveries,
            None if settings.counts_deaths else told.unanswered,
            given_up,
            part=part,
            token=broker.tokens,
        )
        place = (id(lane._messages), memory.id)
        broker.oracle.handed_out(broker.tokens, place, delivery, part, self)
        self._network.trace.note(self.process.name, "handed out", (told.deliveries, str(part)))
        return Claim(lane, memory, delivery, memory.weight_bytes)

    def _hand_back_unknown(self) -> None:
        """Nobody answers for what nobody knows of; no worker has died of it either."""
        tokens, self._unknown = self._unknown, set()
        oracle = self._broker.oracle
        places = [oracle.place_of(token) for token in sorted(tokens)]
        for lane in self._lanes:
            for queue, id_ in places:
                held = lane._messages.get(id_)
                if queue == id(lane._messages) and held is not None and held.holder is lane:
                    held.holder = None
                    oracle.handed_back((queue, id_), died=False)
        self._broker.wake_after(0)

    def _look(self) -> None:
        left = self._expires_at - self._network.loop.time()
        if self._ended:
            return
        if left > 0:
            self._network.later(left, self._look)
            return
        if not (self._network.faults.fired or self.process.dead):
            self._broker.oracle.found("I9", "a lease ran out though its worker lived")
        self._network.trace.note(self.process.name, "lease over")
        self.lose()

    def _end(self, *, died: bool) -> None:
        if self._ended:
            return
        self._ended = True
        for lane in self._lanes:
            for id_, message in lane._messages.items():
                if message.holder is lane:
                    place = (id(lane._messages), id_)
                    self._broker.oracle.handed_back(place, died=died)
            if died:
                lane.die()
            else:
                at_once(lane.end())
        self._broker.wake_after(0)

    def _check(self) -> None:
        if self._ended:
            raise LeaseLost("the lease is over")
