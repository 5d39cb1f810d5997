"""The Publisher over SQS: batches of ten that wait for nothing but each other."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from logweir.backends.aws.clients import Client
from logweir.backends.aws.entries import ENTRIES_MAX, call_for_each
from logweir.backends.aws.names import Names
from logweir.backends.aws.queues import Queues
from logweir.envelope import Envelope, encode
from logweir.limits import KIB, MIB
from logweir.pipeline.batching import Batcher
from logweir.pipeline.broker import Lane, lane_of
from logweir.reasons import Quarantine

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html:
# 1 MiB a message, and a request of ten together; attributes count.
_REQUEST_BYTES_MAX: Final = MIB
_OTHER_BYTES: Final = KIB  # the group and the attributes of one message
MESSAGE_BYTES_MAX: Final = _REQUEST_BYTES_MAX - 2 * _OTHER_BYTES
_FLIGHTS_MAX: Final = 8  # requests at once for a queue; enough to hide a round trip
# What SQS refuses in a body, of all that a text may hold.
_refused: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]").search


@dataclass(frozen=True, slots=True)
class _Message:
    body: str
    size: int  # in UTF-8
    more: Mapping[str, Any]


class SqsPublisher:
    """The Publisher: a queue for each lane, or one for both, and one for the quarantine."""

    def __init__(self, client: Client, queues: Queues, names: Names) -> None:
        self._client = client
        self._queues = queues
        batchers = {name: self._batcher(name) for name in (*names.queues, names.quarantine)}
        self._lanes = {lane: batchers[names.queue(lane)] for lane in Lane}
        self._quarantine = batchers[names.quarantine]
        self._batchers = tuple(batchers.values())

    @property
    def message_bytes_max(self) -> int:
        """One MiB, less what stands around the body."""
        return MESSAGE_BYTES_MAX

    def size(self, envelope: Envelope) -> int:
        """How many bytes the envelope takes, in base64 where SQS cannot carry its text."""
        return len(_encoded(envelope))

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Return once SQS has confirmed all."""
        for lane in Lane:
            messages = [_message(e) for e in envelopes if lane_of(e) is lane]
            if messages:
                await self._lanes[lane](messages)

    async def quarantine(self, raw: bytes, reason: Quarantine) -> None:
        """Keep the bytes in a queue of their own; in base64, and marked so, if need be."""
        attributes = {"quarantine": reason.value}
        try:
            body = raw.decode()
        except UnicodeDecodeError:
            body = ""
        if not body or _refused(body):
            body = base64.b64encode(raw).decode() or "="  # SQS takes no empty body
            attributes["encoding"] = "base64"
        marks = {k: {"DataType": "String", "StringValue": v} for k, v in attributes.items()}
        size = len(body.encode())
        # Somebody else's message may be so large that only its bytes have room.
        room = size + _OTHER_BYTES <= _REQUEST_BYTES_MAX
        await self._quarantine([_Message(body, size, {"MessageAttributes": marks} if room else {})])

    async def close(self) -> None:
        """Wait for what is under way."""
        for batcher in self._batchers:
            await batcher.close()

    def _batcher(self, name: str) -> Batcher[_Message]:
        async def send(messages: Sequence[_Message]) -> None:
            await call_for_each(
                self._client,
                "send_message_batch",
                await self._queues.url(name),
                [{"MessageBody": message.body, **message.more} for message in messages],
            )

        return Batcher(
            send,
            lambda message: message.size + _OTHER_BYTES,
            items_max=ENTRIES_MAX,
            bytes_max=_REQUEST_BYTES_MAX - _OTHER_BYTES,
            flights_max=_FLIGHTS_MAX,
        )


def _encoded(envelope: Envelope) -> bytes:
    cannot = envelope.text is not None and _refused(envelope.text) is not None
    return encode(envelope, base64_text=cannot)


def _message(envelope: Envelope) -> _Message:
    raw = _encoded(envelope)
    # On a standard queue the group makes no order, but fairness: SQS hands out the messages of
    # groups that have few in flight before those of one that has many.
    return _Message(raw.decode(), len(raw), {"MessageGroupId": str(envelope.tenant)})
