"""A worker's session over Pub/Sub's streaming pull; for the emulators, GKE and worker pools.

    streams ──▶ received ──claim──▶ held ──acknowledge──▶ gone
    (reopened                         ├──delay──▶ comes again later
     when they break)                 └──end──▶ comes again at once

Received and held messages are kept by extending their acknowledgement deadlines at each heartbeat.
A worker that dies extends nothing more, and others get its messages ``lease_seconds`` later.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import grpc.aio

from logweir.backends.gcp.calls import confirmed
from logweir.backends.gcp.names import Names
from logweir.backends.gcp.streams import StreamLimits, Streams, subscriber
from logweir.clock import Clock
from logweir.errors import BrokerUnavailable, LeaseLost
from logweir.limits import Limits
from logweir.pipeline.batching import Batcher
from logweir.pipeline.broker import Lane
from logweir.pipeline.held import Held, HeldClaim

# https://cloud.google.com/pubsub/docs/reference/rpc: what a deadline may be.
_DEADLINE_SECONDS_MIN: Final = 10
_DEADLINE_SECONDS_MAX: Final = 600
_TRY_SECONDS: Final = 5.0
_SECONDS: Final = 4.0
_IDS_MAX: Final = 1000  # in one request of at most 512 KiB; an id has about 200 bytes
_FLIGHTS_MAX: Final = 2


class PubSubSession:
    """What one worker holds: what it has claimed, and what has come and is not claimed yet."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        names: Names,
        clock: Clock,
        limits: Limits,
        messages_max: int,
    ) -> None:
        """The streams bring up to ``messages_max`` messages each that are not answered."""
        self._client = subscriber(channel)
        self._clock = clock
        self._lease_seconds = min(
            _DEADLINE_SECONDS_MAX, max(_DEADLINE_SECONDS_MIN, math.ceil(limits.lease_seconds))
        )
        dead = names.subscription(names.dead)
        lanes = [names.subscription(names.lane(lane)) for lane in Lane]
        self._held = Held((*lanes, dead))
        self._streams = Streams(
            channel,
            self._held,
            dead,
            StreamLimits(
                messages=messages_max,
                bytes=limits.in_flight_bytes_max,
                lease_seconds=self._lease_seconds,
            ),
        )
        self._returning: list[HeldClaim] = []
        self._acknowledge = {name: self._acknowledger(name) for name in self._held.received}
        self._extended_at = clock.monotonic()

    async def claim(
        self,
        slots: int,
        bytes_max: int,
        in_flight: int,  # noqa: ARG002  # suspects are the local broker's matter
    ) -> Sequence[HeldClaim]:
        """Take up to ``slots`` of the messages that have come, from each lane in turn."""
        if failure := self._streams.failure:
            self._streams.failure = None
            raise failure
        return self._held.take(slots, bytes_max)

    async def acknowledge(self, claim: HeldClaim) -> None:
        """Take a message off the broker. Raises LeaseLost."""
        self._held.check(claim)
        await self._acknowledge[claim.queue]([claim.ticket])
        self._held.release(claim)

    async def delay(self, claim: HeldClaim, after_seconds: float) -> None:
        """Have a message delivered again later, at most ten minutes. Raises LeaseLost."""
        self._held.check(claim)
        after = min(_DEADLINE_SECONDS_MAX, math.ceil(after_seconds))
        await self._set_deadlines([claim], after)
        self._held.release(claim)

    async def heartbeat(self) -> None:
        """Extend the deadlines of all that is here. Raises LeaseLost once they have run out."""
        began = self._clock.monotonic()
        try:
            await self._set_deadlines(self._held.all(), self._lease_seconds)
        except BrokerUnavailable:
            if self._clock.monotonic() - self._extended_at > self._lease_seconds:
                raise LeaseLost("the deadlines could not be extended in time") from None
            raise
        self._extended_at = began

    async def end(self) -> None:
        """Hand back what is still held; Pub/Sub counts it as a delivery all the same."""
        await self._streams.close()
        self._returning += self._held.all()
        self._held.forget()  # a heartbeat must not extend meanwhile what is handed back
        await self._set_deadlines(self._returning, 0)
        self._returning.clear()

    def abandon(self) -> None:
        """Extend nothing more; what is held comes again when its deadline is over."""
        self._streams.abandon()
        self._returning.clear()
        self._held.forget()

    def _acknowledger(self, subscription: str) -> Batcher[str]:
        async def send(ack_ids: Sequence[str]) -> None:
            await self._request(self._client.acknowledge, subscription, ack_ids)

        return Batcher(send, len, items_max=_IDS_MAX, bytes_max=400_000, flights_max=_FLIGHTS_MAX)

    async def _set_deadlines(self, claims: Sequence[HeldClaim], seconds: int) -> None:
        for subscription in self._held.received:
            ids = [claim.ticket for claim in claims if claim.queue == subscription]
            for first in range(0, len(ids), _IDS_MAX):
                await self._request(
                    self._client.modify_ack_deadline,
                    subscription,
                    ids[first : first + _IDS_MAX],
                    ack_deadline_seconds=seconds,
                )

    async def _request(
        self,
        call: Callable[..., Awaitable[None]],
        subscription: str,
        ack_ids: Sequence[str],
        **more: int,
    ) -> None:
        await confirmed(
            lambda: call(
                subscription=subscription,
                ack_ids=list(ack_ids),
                retry=None,
                timeout=_TRY_SECONDS,
                **more,
            ),
            BrokerUnavailable,
            seconds=_SECONDS,
            what=f"subscription {subscription}",
        )
