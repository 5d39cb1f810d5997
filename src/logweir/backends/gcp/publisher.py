"""The Publisher over Pub/Sub: batches that wait for nothing but each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import grpc.aio

from logweir.backends.gcp.calls import confirmed
from logweir.backends.gcp.names import Names
from logweir.backends.gcp.publish import PublishCall
from logweir.envelope import Envelope, encode
from logweir.errors import BrokerUnavailable
from logweir.pipeline.batching import Batcher
from logweir.pipeline.broker import Lane, lane_of
from logweir.reasons import Quarantine

# https://cloud.google.com/pubsub/quotas: 10 MB a message and a request, 1,000 messages a request.
_REQUEST_BYTES_MAX: Final = 10_000_000
_REQUEST_MESSAGES_MAX: Final = 1000
_OTHER_BYTES: Final = 2048  # attributes, topic and framing of one message; 128 bytes is an id
MESSAGE_BYTES_MAX: Final = _REQUEST_BYTES_MAX - 2 * _OTHER_BYTES
_FLIGHTS_MAX: Final = 4  # requests at once for a topic; enough to hide a round trip
_TRY_SECONDS: Final = 5.0
_SECONDS: Final = 4.0  # no try begins later: with the last one within the gateway's ten seconds


@dataclass(frozen=True, slots=True)
class _Message:
    data: bytes
    attributes: Mapping[str, str]


class PubSubPublisher:
    """The Publisher: a topic for each lane, and one for the quarantine."""

    def __init__(self, channel: grpc.aio.Channel, names: Names) -> None:
        self._publish = PublishCall(channel)
        self._names = names
        self._topics = {lane: self._batcher(names.lane(lane)) for lane in Lane}
        self._quarantine = self._batcher(names.quarantine)

    @property
    def message_bytes_max(self) -> int:
        """Ten megabytes, less what stands around the data."""
        return MESSAGE_BYTES_MAX

    def size(self, envelope: Envelope) -> int:
        """How many bytes the envelope takes."""
        return len(encode(envelope))

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Return once Pub/Sub has confirmed all."""
        for lane in Lane:
            messages = [_message(e) for e in envelopes if lane_of(e) is lane]
            if messages:
                await self._topics[lane](messages)

    async def quarantine(self, raw: bytes, reason: Quarantine) -> None:
        """Keep the bytes in a topic of their own."""
        await self._quarantine([_Message(raw, {"quarantine": reason.value})])

    async def close(self) -> None:
        """Wait for what is under way."""
        for batcher in (*self._topics.values(), self._quarantine):
            await batcher.close()

    def _batcher(self, name: str) -> Batcher[_Message]:
        topic = self._names.topic(name)

        async def send(messages: Sequence[_Message]) -> None:
            pairs = [(message.data, message.attributes) for message in messages]
            await confirmed(
                lambda: self._publish(topic, pairs, _TRY_SECONDS),
                BrokerUnavailable,
                seconds=_SECONDS,
                what=f"topic {topic}",
            )

        return Batcher(
            send,
            lambda message: len(message.data) + _OTHER_BYTES,
            items_max=_REQUEST_MESSAGES_MAX,
            bytes_max=_REQUEST_BYTES_MAX - _OTHER_BYTES,
            flights_max=_FLIGHTS_MAX,
        )


def _message(e: Envelope) -> _Message:
    return _Message(
        encode(e),
        {
            "tenant": e.tenant,
            "log": e.log,
            "source": e.source.value,
            "kind": lane_of(e).value,
        },
    )
