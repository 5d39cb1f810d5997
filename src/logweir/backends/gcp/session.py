"""A worker's session over Pub/Sub's streaming pull; for the emulators, GKE and worker pools.

    streams ──▶ received ──claim──▶ held ──acknowledge──▶ gone
    (reopened                         ├──delay──▶ comes again later
     when they break)                 └──end──▶ comes again at once

Received and held messages are kept by extending their acknowledgement deadlines at each heartbeat.
A worker that dies extends nothing more, and others get its messages ``lease_seconds`` later.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import uuid
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

import grpc.aio
from google.pubsub_v1 import SubscriberAsyncClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport
from google.pubsub_v1.types import ReceivedMessage, StreamingPullRequest

from logweir.backends.gcp.calls import confirmed
from logweir.backends.gcp.names import Names
from logweir.clock import Clock
from logweir.errors import BrokerUnavailable, LeaseLost
from logweir.limits import Limits
from logweir.pipeline.batching import Batcher
from logweir.pipeline.broker import Delivery, Lane, weight_of

# https://cloud.google.com/pubsub/docs/reference/rpc: what a deadline may be.
_DEADLINE_SECONDS_MIN: Final = 10
_DEADLINE_SECONDS_MAX: Final = 600
_TRY_SECONDS: Final = 5.0
_SECONDS: Final = 4.0
_REOPEN_SECONDS: Final = 0.5
_CLOSE_SECONDS: Final = 1.0  # until a stream that is no longer wanted has come to its end
_KEEPALIVE_SECONDS: Final = 30.0  # a stream on which nothing is sent is closed by what lies between
_IDS_MAX: Final = 1000  # in one request of at most 512 KiB; an id has about 200 bytes
_FLIGHTS_MAX: Final = 2


@dataclass(frozen=True, slots=True)
class PubSubClaim:
    """A message that a session holds."""

    ack_id: str
    subscription: str
    delivery: Delivery
    weight_bytes: int


class PubSubSession:
    """What one worker holds. Only ``begin`` makes one."""

    def __init__(
        self, client: SubscriberAsyncClient, names: Names, clock: Clock, limits: Limits
    ) -> None:
        self._client = client
        self._clock = clock
        self._limits = limits
        self._lease_seconds = min(
            _DEADLINE_SECONDS_MAX, max(_DEADLINE_SECONDS_MIN, math.ceil(limits.lease_seconds))
        )
        self._dead = names.subscription(names.dead)
        lanes = [names.subscription(names.lane(lane)) for lane in Lane]
        self._received: dict[str, deque[PubSubClaim]] = {
            subscription: deque() for subscription in (*lanes, self._dead)
        }
        self._held: dict[str, PubSubClaim] = {}
        self._acknowledge = {sub: self._acknowledger(sub) for sub in self._received}
        self._streams: list[asyncio.Task[None]] = []
        self._closing = asyncio.Event()
        self._failure: BrokerUnavailable | None = None
        self._extended_at = clock.monotonic()

    @classmethod
    async def begin(
        cls,
        channel: grpc.aio.Channel,
        names: Names,
        clock: Clock,
        limits: Limits,
        messages_max: int,
    ) -> PubSubSession:
        """Open the streams; each brings up to ``messages_max`` messages that are not answered."""
        transport = SubscriberGrpcAsyncIOTransport(channel=channel)
        session = cls(SubscriberAsyncClient(transport=transport), names, clock, limits)
        session._streams = [
            asyncio.create_task(session._keep_stream(subscription, messages_max))
            for subscription in session._received
        ]
        return session

    async def claim(
        self,
        slots: int,
        bytes_max: int,
        in_flight: int,  # noqa: ARG002  # suspects are the local broker's matter
    ) -> Sequence[PubSubClaim]:
        """Take up to ``slots`` of the messages that have come, from each lane in turn."""
        if self._failure:
            failure, self._failure = self._failure, None
            raise failure
        claims: list[PubSubClaim] = []
        while len(claims) < slots and bytes_max > 0:
            lanes = [lane for lane in self._received.values() if lane]
            if not lanes:
                break
            for lane in lanes[: slots - len(claims)]:
                claim = lane.popleft()
                self._held[claim.ack_id] = claim
                bytes_max -= claim.weight_bytes
                claims.append(claim)
        return claims

    async def acknowledge(self, claim: PubSubClaim) -> None:
        """Take a message off the broker. Raises LeaseLost."""
        self._check_held(claim)
        await self._acknowledge[claim.subscription]([claim.ack_id])
        self._held.pop(claim.ack_id, None)

    async def delay(self, claim: PubSubClaim, after_seconds: float) -> None:
        """Have a message delivered again later, at most ten minutes. Raises LeaseLost."""
        self._check_held(claim)
        after = min(_DEADLINE_SECONDS_MAX, math.ceil(after_seconds))
        await self._set_deadlines([claim], after)
        self._held.pop(claim.ack_id, None)

    async def heartbeat(self) -> None:
        """Extend the deadlines of all that is here. Raises LeaseLost once they have run out."""
        try:
            await self._set_deadlines(self._all(), self._lease_seconds)
        except BrokerUnavailable:
            if self._clock.monotonic() - self._extended_at > self._lease_seconds:
                raise LeaseLost("the deadlines could not be extended in time") from None
            raise
        self._extended_at = self._clock.monotonic()

    async def end(self) -> None:
        """Hand back what is still held; Pub/Sub counts it as a delivery all the same."""
        await self._close_streams()
        remaining = self._all()
        self._forget()
        await self._set_deadlines(remaining, 0)

    def abandon(self) -> None:
        """Extend nothing more; what is held comes again when its deadline is over."""
        for stream in self._streams:
            stream.cancel()
        self._forget()

    # ---- what has come ---------------------------------------------------------------------------

    async def _keep_stream(self, subscription: str, messages_max: int) -> None:
        while not self._closing.is_set():
            try:
                await confirmed(
                    lambda: self._read_stream(subscription, messages_max),
                    BrokerUnavailable,
                    seconds=0,
                    what=f"subscription {subscription}",
                )
            except BrokerUnavailable as error:
                self._failure = error
            # Pub/Sub closes streams now and then.
            await _is_set(self._closing, _REOPEN_SECONDS)

    async def _read_stream(self, subscription: str, messages_max: int) -> None:
        stream = await self._client.streaming_pull(
            self._requests(subscription, messages_max),
            retry=None,
            timeout=None,
            metadata=(("x-goog-request-params", f"subscription={subscription}"),),
        )
        async for response in stream:
            received = self._received[subscription]
            for message in response.received_messages:
                received.append(self._claim(message, subscription))

    async def _requests(
        self, subscription: str, messages_max: int
    ) -> AsyncIterator[StreamingPullRequest]:
        yield StreamingPullRequest(
            subscription=subscription,
            stream_ack_deadline_seconds=self._lease_seconds,
            client_id=uuid.uuid4().hex,
            max_outstanding_messages=messages_max,
            max_outstanding_bytes=self._limits.in_flight_bytes_max,
        )
        while not await _is_set(self._closing, _KEEPALIVE_SECONDS):
            yield StreamingPullRequest()

    def _claim(self, message: ReceivedMessage, subscription: str) -> PubSubClaim:
        raw = message.message.data
        return PubSubClaim(
            ack_id=message.ack_id,
            subscription=subscription,
            delivery=Delivery(
                raw,
                max(1, message.delivery_attempt),  # 0 without a dead-letter policy
                unanswered=None,
                given_up=subscription == self._dead,
            ),
            weight_bytes=weight_of(raw),
        )

    # ---- what is answered ------------------------------------------------------------------------

    def _all(self) -> list[PubSubClaim]:
        waiting = [claim for lane in self._received.values() for claim in lane]
        return [*self._held.values(), *waiting]

    def _check_held(self, claim: PubSubClaim) -> None:
        if claim.ack_id not in self._held:
            raise LeaseLost("the message is not held any more")

    def _forget(self) -> None:
        self._held.clear()
        for lane in self._received.values():
            lane.clear()

    async def _close_streams(self) -> None:
        """Say that nothing more is wanted: to a stream that is cut off, more may be sent."""
        self._closing.set()
        await asyncio.wait(self._streams, timeout=_CLOSE_SECONDS)
        for stream in self._streams:
            stream.cancel()
        await asyncio.gather(*self._streams, return_exceptions=True)

    def _acknowledger(self, subscription: str) -> Batcher[str]:
        async def send(ack_ids: Sequence[str]) -> None:
            await confirmed(
                lambda: self._client.acknowledge(
                    subscription=subscription,
                    ack_ids=list(ack_ids),
                    retry=None,
                    timeout=_TRY_SECONDS,
                ),
                BrokerUnavailable,
                seconds=_SECONDS,
                what=f"subscription {subscription}",
            )

        return Batcher(send, len, items_max=_IDS_MAX, bytes_max=400_000, flights_max=_FLIGHTS_MAX)

    async def _set_deadlines(self, claims: Sequence[PubSubClaim], seconds: int) -> None:
        for subscription in self._received:
            ids = [claim.ack_id for claim in claims if claim.subscription == subscription]
            for first in range(0, len(ids), _IDS_MAX):
                await self._modify(subscription, ids[first : first + _IDS_MAX], seconds)

    async def _modify(self, subscription: str, ack_ids: Sequence[str], seconds: int) -> None:
        await confirmed(
            lambda: self._client.modify_ack_deadline(
                subscription=subscription,
                ack_ids=list(ack_ids),
                ack_deadline_seconds=seconds,
                retry=None,
                timeout=_TRY_SECONDS,
            ),
            BrokerUnavailable,
            seconds=_SECONDS,
            what=f"subscription {subscription}",
        )


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()
