"""PORT: the broker. Publishing is a port; consuming is not, since on a cloud the platform calls us.

At least once: a broker may deliver a message twice, late and out of order, and delivers again
what was not acknowledged. Nothing here promises an order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from logweir.envelope import HEADER_BYTES_MAX, Envelope, decode
from logweir.errors import UnknownVersion, Unreadable
from logweir.ids import LogId, TenantId
from logweir.reasons import Quarantine

_work: Final = re.compile(
    rb"\ncharacters: ([0-9]{1,18})\n(?:index: [0-9]+\nfirst: ([0-9]{1,18})\nend: ([0-9]{1,18})\n)?"
).search


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as a broker hands it out.

    ``unanswered``: how many earlier deliveries ended without an answer, such as with the worker's
    death. None where the broker cannot tell these from retries: then a DeathCounter does.
    ``given_up``: the broker itself has put it aside, after more deliveries than it makes.
    """

    raw: bytes
    deliveries: int  # this one included
    unanswered: int | None
    given_up: bool = False


class Lane(StrEnum):
    """Logs and chunks travel apart, so that no short log waits behind the chunks of a long one."""

    LOG = "log"
    CHUNK = "chunk"


def lane_of(envelope: Envelope) -> Lane:
    """The lane that an envelope takes."""
    return Lane.LOG if envelope.chunk is None else Lane.CHUNK


def weight_bytes(envelope: Envelope, raw: bytes) -> int:
    """What an envelope costs in memory while it is in work: the text of a plan is loaded then."""
    return max(len(raw), envelope.characters) if envelope.text is None else len(raw)


def weight_of(raw: bytes) -> int:
    """The same for a message that is not decoded yet; decodes it only where that matters."""
    if b"\ntext: planned\n" not in raw[:HEADER_BYTES_MAX]:
        return len(raw)
    try:
        return weight_bytes(decode(raw), raw)
    except (Unreadable, UnknownVersion):
        return len(raw)


def work_characters(envelope: Envelope) -> int:
    """How much work a message is, in characters: a log's, whole or planned, or its chunk's."""
    chunk = envelope.chunk
    return envelope.characters if chunk is None else chunk.end - chunk.first


def work_of(raw: bytes) -> int:
    """The same by the headers of an encoded envelope; 0 for what is none."""
    found = _work(raw, 0, HEADER_BYTES_MAX)
    if found is None:
        return 0
    whole, first, end = found.groups()
    return int(whole) if end is None else max(0, int(end) - int(first))


class Publisher(Protocol):
    """Where envelopes go. Safe to call from many tasks at once; calls may share one commit."""

    @property
    def message_bytes_max(self) -> int:
        """How large an encoded envelope may be; what is larger is named by a plan instead."""
        ...

    def size(self, envelope: Envelope) -> int:
        """How many bytes the envelope takes in this broker's encoding."""
        ...

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Return once all are durable. Raises BrokerUnavailable where that is unknown; publishing
        again is safe then."""
        ...

    async def quarantine(self, raw: bytes, reason: Quarantine) -> None:
        """Keep outside every tenant what cannot be read. Raises BrokerUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Messages that are not done, of one tenant or of one lane: a chunk counts as one.

    A broker that sees into its messages counts by tenant, one that does not by lane.
    """

    tenant: TenantId | None = None
    lane: Lane | None = None
    waiting: int | None  # None: the broker does not tell
    in_flight: int | None
    oldest_seconds: float | None  # since the oldest waiting one was published


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where a log's messages are: counts of messages, a chunk being one."""

    waiting: int
    in_flight: int


class BacklogReader(Protocol):
    """What the commands ask a broker; it changes nothing. Raises BrokerUnavailable."""

    async def backlog(self) -> Sequence[Backlog]:
        """The tenants that have messages, in the order of their ids; or each lane."""
        ...

    async def locate(self, tenant: TenantId, log: LogId) -> Whereabouts | None:
        """Where a log's messages are; None where the broker cannot find single messages."""
        ...

    async def quarantined(self) -> int | None:
        """How many messages lie outside every tenant; None where the broker does not tell."""
        ...
