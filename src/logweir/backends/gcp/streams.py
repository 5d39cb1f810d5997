"""Pub/Sub's streaming pull: a stream for each subscription, opened again when it breaks."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import grpc.aio
from google.pubsub_v1 import SubscriberAsyncClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport
from google.pubsub_v1.types import ReceivedMessage, StreamingPullRequest

from logweir.backends.gcp.calls import confirmed
from logweir.errors import BrokerUnavailable
from logweir.pipeline.broker import Delivery, weight_of
from logweir.pipeline.held import Held, HeldClaim

_REOPEN_SECONDS: Final = 0.5  # Pub/Sub closes streams now and then
_KEEPALIVE_SECONDS: Final = 30.0  # a stream on which nothing is sent is closed by what lies between


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """What a stream brings before anything is answered, and for how long."""

    messages: int
    bytes: int
    lease_seconds: int


class Streams:
    """Bring what comes from every subscription."""

    def __init__(
        self, channel: grpc.aio.Channel, held: Held, dead: str, limits: StreamLimits
    ) -> None:
        """``dead``: which of the subscriptions has what Pub/Sub gave up."""
        self._client = subscriber(channel)
        self._limits = limits
        self._dead = dead
        self._received = held.received
        self.failure: BrokerUnavailable | None = None  # of a stream, until somebody takes it
        self._tasks = [asyncio.create_task(self._keep(name)) for name in self._received]

    async def close(self) -> None:
        """Let nothing more come."""
        self.abandon()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def abandon(self) -> None:
        """The same, without waiting."""
        for task in self._tasks:
            task.cancel()

    async def _keep(self, subscription: str) -> None:
        while True:
            try:
                await confirmed(
                    lambda: self._read(subscription),
                    BrokerUnavailable,
                    seconds=0,
                    what=f"subscription {subscription}",
                )
            except BrokerUnavailable as error:
                self.failure = error
            except Exception as error:  # noqa: BLE001  # a bug must not end a stream unseen
                self.failure = BrokerUnavailable(f"a stream broke off: {type(error).__name__}")
            await asyncio.sleep(_REOPEN_SECONDS)

    async def _read(self, subscription: str) -> None:
        stream = await self._client.streaming_pull(
            self._requests(subscription),
            retry=None,
            timeout=None,
            metadata=(("x-goog-request-params", f"subscription={subscription}"),),
        )
        try:
            async for response in stream:
                for message in response.received_messages:
                    self._received[subscription].append(self._claim(message, subscription))
        finally:
            # Else the call goes on, and takes messages that nobody reads.
            stream.cancel()  # type: ignore[attr-defined]  # it is gRPC's call; the stub says less

    async def _requests(self, subscription: str) -> AsyncIterator[StreamingPullRequest]:
        yield StreamingPullRequest(
            subscription=subscription,
            stream_ack_deadline_seconds=self._limits.lease_seconds,
            client_id=uuid.uuid4().hex,
            max_outstanding_messages=self._limits.messages,
            max_outstanding_bytes=self._limits.bytes,
        )
        while True:
            await asyncio.sleep(_KEEPALIVE_SECONDS)
            yield StreamingPullRequest()

    def _claim(self, message: ReceivedMessage, subscription: str) -> HeldClaim:
        raw = message.message.data
        return HeldClaim(
            ticket=message.ack_id,
            queue=subscription,
            delivery=Delivery(
                raw,
                max(1, message.delivery_attempt),  # 0 without a dead-letter policy
                unanswered=None,
                given_up=subscription == self._dead,
            ),
            weight_bytes=weight_of(raw),
        )


def subscriber(channel: grpc.aio.Channel) -> SubscriberAsyncClient:
    """Google's client on a channel of ours."""
    return SubscriberAsyncClient(transport=SubscriberGrpcAsyncIOTransport(channel=channel))
