"""Pub/Sub's emulator in tests: our channel to it, and a plain client's view."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio

from logweir.backends.gcp.channel import open_channel
from logweir.backends.gcp.names import Names
from logweir.backends.gcp.publish import PublishCall
from logweir.settings import Settings, load


def settings_at(address: str, project: str) -> Settings:
    """Settings that lead to an emulator."""
    return load(
        {
            "LOGWEIR_BACKEND": "gcp",
            "LOGWEIR_GCP_PROJECT": project,
            "PUBSUB_EMULATOR_HOST": address,
            "FIRESTORE_EMULATOR_HOST": address,
        }
    )


@asynccontextmanager
async def channel_to(address: str) -> AsyncIterator[grpc.aio.Channel]:
    """A channel of ours."""
    channel = open_channel(settings_at(address, "any"))
    yield channel
    await channel.close(None)


async def provisioned(
    channel: grpc.aio.Channel, names: Names, *, push_to: str | None = None
) -> None:
    """Make the topics and subscriptions."""
    from logweir.backends.gcp.emulator import provision

    await provision(channel, names, push_to=push_to)


async def pulled(channel: grpc.aio.Channel, subscription: str, count: int) -> list[Any]:
    """So many messages, as Google's own client shows them; they are acknowledged."""
    from google.pubsub_v1.types import PullRequest

    from logweir.backends.gcp.streams import subscriber

    client = subscriber(channel)
    messages: list[Any] = []
    while len(messages) < count:
        request = PullRequest(subscription=subscription, max_messages=count - len(messages))
        response = await client.pull(request, retry=None, timeout=10)
        ids = [received.ack_id for received in response.received_messages]
        messages += [received.message for received in response.received_messages]
        if ids:
            await client.acknowledge(subscription=subscription, ack_ids=ids)
    return messages


class CountedCall:
    """A PublishCall that counts requests and messages."""

    def __init__(self, call: PublishCall) -> None:
        self._call = call
        self.messages: list[int] = []  # of each request

    async def __call__(self, topic: str, messages: Any, seconds: float) -> Any:
        """The same."""
        self.messages.append(len(messages))
        return await self._call(topic, messages, seconds)


async def until(happened: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for it, no longer than that."""
    due = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < due, "it did not happen"
        await asyncio.sleep(0.005)
