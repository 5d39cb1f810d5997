"""Topics and subscriptions on Pub/Sub's emulator. On the cloud they are deployment's task."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import grpc.aio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.pubsub_v1 import PublisherAsyncClient, SubscriberAsyncClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport
from google.pubsub_v1.types import (
    DeadLetterPolicy,
    ExpirationPolicy,
    PushConfig,
    RetryPolicy,
    Subscription,
    Topic,
)

from logweir.backends.gcp.calls import Exists, confirmed, patiently
from logweir.backends.gcp.names import Names
from logweir.backends.gcp.streams import subscriber
from logweir.errors import BrokerUnavailable
from logweir.pipeline.broker import Lane

DELIVERIES_MAX: Final = 100  # Pub/Sub's most; then it gives up by itself
# What a subscription that is there already may have otherwise.
_SWITCHED: Final = FieldMask(paths=["push_config", "ack_deadline_seconds", "retry_policy"])
_TRY_SECONDS: Final = 10.0
_SECONDS: Final = 30.0


async def provision(channel: grpc.aio.Channel, names: Names, *, push_to: str | None = None) -> None:
    """Make what is missing; subscriptions that are there are set to be pulled, or to ``push_to``.

    Raises BrokerUnavailable.
    """
    publisher = PublisherAsyncClient(transport=PublisherGrpcAsyncIOTransport(channel=channel))
    client = subscriber(channel)
    lanes = [names.lane(lane) for lane in Lane]
    # Each topic with its subscription: what is published while nobody subscribes is gone.
    for name in (names.quarantine, names.dead, *lanes):
        await _unless_there(publisher, names, name)
        endpoint = None if name == names.quarantine else push_to
        await _subscribe(client, names, name, endpoint, lane=name in lanes)


async def _unless_there(publisher: PublisherAsyncClient, names: Names, name: str) -> None:
    with suppress(Exists):
        await patiently(
            lambda: publisher.create_topic(
                Topic(name=names.topic(name)), retry=None, timeout=_TRY_SECONDS
            ),
            BrokerUnavailable,
            seconds=_SECONDS,
        )


async def _subscribe(
    client: SubscriberAsyncClient, names: Names, name: str, push_to: str | None, *, lane: bool
) -> None:
    wanted = Subscription(
        name=names.subscription(name),
        topic=names.topic(name),
        push_config=PushConfig(push_endpoint=push_to or ""),
        # Of a push it is the time that the work has; who pulls extends a short one.
        ack_deadline_seconds=600 if push_to else 10,
        expiration_policy=ExpirationPolicy(),  # without a time: never
    )
    if lane:
        wanted.dead_letter_policy = DeadLetterPolicy(
            dead_letter_topic=names.topic(names.dead), max_delivery_attempts=DELIVERIES_MAX
        )
    if lane and push_to:
        # With it the emulator loses what workers that pull held when they died.
        wanted.retry_policy = RetryPolicy(
            minimum_backoff=Duration(nanos=100_000_000), maximum_backoff=Duration(seconds=10)
        )
    try:
        await patiently(
            lambda: client.create_subscription(wanted, retry=None, timeout=_TRY_SECONDS),
            BrokerUnavailable,
            seconds=_SECONDS,
        )
    except Exists:
        await confirmed(
            lambda: client.update_subscription(
                subscription=wanted, update_mask=_SWITCHED, retry=None, timeout=_TRY_SECONDS
            ),
            BrokerUnavailable,
            seconds=_SECONDS,
            what=f"subscription {wanted.name}",
        )
