"""From pull to POST: Pub/Sub's emulator pushes two at a time, the cloud hundreds.

The bridge has subscriptions of its own beside those of the service, and pushes in their names: the
emulator itself pushes from those at the same time, so that some messages come twice. They have
no retry policy: under one the emulator loses messages whose deadline is over.
"""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
from tests.support.outside_gcp import PubSub

_TOPICS: Final = ("logs", "chunks", "dead")
_NACK_SECONDS: Final = 1
_PULL_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.02
_ANSWERED: Final = (200, 201, 202, 204, 102)  # what the cloud takes as an acknowledgement


class Bridge:
    """Pulls what Pub/Sub pushes on the cloud, and POSTs it to one worker after the other."""

    def __init__(self, pubsub: PubSub, *urls: str, in_flight_max: int) -> None:
        self._pubsub = pubsub
        self._urls = itertools.cycle(urls)
        self._taps = {topic: pubsub.tap(topic) for topic in _TOPICS}
        self._room = asyncio.Semaphore(in_flight_max)
        self._in_flight = 0
        self.in_flight_most = 0
        self.answers: Counter[int | str] = Counter()  # by status, or by what went wrong

    @asynccontextmanager
    async def carrying(self) -> AsyncIterator[None]:
        """Carry messages meanwhile."""
        from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport
        from grpc.aio import insecure_channel

        timeout, connector = aiohttp.ClientTimeout(total=60), aiohttp.TCPConnector(limit=0)
        async with (
            insecure_channel(self._pubsub.address) as channel,
            aiohttp.ClientSession(timeout=timeout, connector=connector) as http,
        ):
            stubs = SubscriberGrpcAsyncIOTransport(channel=channel)
            carriers = [
                asyncio.create_task(self._carry(stubs, http, topic, tap))
                for topic, tap in self._taps.items()
            ]
            try:
                yield
            finally:
                for carrier in carriers:
                    carrier.cancel()
                await asyncio.wait(carriers)
            for carrier in carriers:
                if not carrier.cancelled():
                    carrier.result()  # it was not our end that ended it

    async def _carry(self, stubs: Any, http: aiohttp.ClientSession, topic: str, tap: str) -> None:
        from google.pubsub_v1.types import PullRequest

        subscription = self._pubsub.subscription(tap)
        pull = PullRequest(subscription=subscription, max_messages=100, return_immediately=True)
        async with asyncio.TaskGroup() as posts:
            while True:
                response = await stubs.pull(pull, timeout=_PULL_SECONDS)
                for received in response.received_messages:
                    await self._room.acquire()
                    posts.create_task(self._post(stubs, http, topic, subscription, received))
                if not response.received_messages:
                    await asyncio.sleep(_PAUSE_SECONDS)

    async def _post(
        self,
        stubs: Any,
        http: aiohttp.ClientSession,
        topic: str,
        subscription: str,
        received: Any,
    ) -> None:
        from google.pubsub_v1.types import AcknowledgeRequest, ModifyAckDeadlineRequest

        self._in_flight += 1
        self.in_flight_most = max(self.in_flight_most, self._in_flight)
        try:
            answer = await self._answer(http, self._pushed(topic, received.message))
        finally:
            self._in_flight -= 1
            self._room.release()
        self.answers[answer] += 1
        of = {"subscription": subscription, "ack_ids": [received.ack_id]}
        if answer in _ANSWERED:
            await stubs.acknowledge(AcknowledgeRequest(**of))
        else:
            nack = ModifyAckDeadlineRequest(**of, ack_deadline_seconds=_NACK_SECONDS)
            await stubs.modify_ack_deadline(nack)

    async def _answer(self, http: aiohttp.ClientSession, body: bytes) -> int | str:
        try:
            async with http.post(next(self._urls), data=io.BytesIO(body)) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__

    def _pushed(self, topic: str, message: Any) -> bytes:
        """The body of a push from the subscription that is called like the topic."""
        wrapped = {
            "attributes": dict(message.attributes),
            "data": base64.b64encode(message.data).decode(),
            "messageId": message.message_id,
            "message_id": message.message_id,
        }
        subscription = self._pubsub.subscription(topic)
        return json.dumps({"message": wrapped, "subscription": subscription}).encode()
