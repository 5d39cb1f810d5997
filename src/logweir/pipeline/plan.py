"""Long texts: a plan of chunks, which are worked on side by side; the last one finishes.

A text takes this way if it is more work than a chunk may be, or more than one message of the
broker holds; what a crash interrupts goes on from the plan. ``docs/architecture.md`` draws it.
"""

from __future__ import annotations

import math

from logweir.envelope import HEADER_BYTES_MAX, Envelope
from logweir.pipeline.broker import Publisher
from logweir.pipeline.records import Plan
from logweir.pipeline.store import Store

_BATCH = 500  # chunks that are published together
_BYTES_PER_CHARACTER_MAX = 6  # four in UTF-8, and base64 adds a third


def chunk_characters(
    chunk_seconds: float, seconds_per_character: float, message_bytes_max: int
) -> int | None:
    """How many characters a chunk has: ``chunk_seconds`` of work, but no more than a message holds.

    None where ``chunk_seconds`` is 0: then a log is one uninterrupted piece of work, however long.
    """
    if chunk_seconds == 0:
        return None
    fits = (message_bytes_max - HEADER_BYTES_MAX) // _BYTES_PER_CHARACTER_MAX
    # Rounded before it is cut off, since a quotient of floats may fall a hair short: 1199.999….
    work = (
        math.inf if seconds_per_character == 0 else round(chunk_seconds / seconds_per_character, 6)
    )
    return max(1, int(min(fits, work)))


class Planner:
    """Makes plans, and sends out their chunks."""

    def __init__(self, store: Store, publisher: Publisher, chunk_size: int | None) -> None:
        self._store = store
        self._publisher = publisher
        self._chunk_size = chunk_size

    async def hand_over(self, envelope: Envelope) -> None:
        """Give a new log to the broker: whole, or as a plan and an envelope that names it.

        Returns once the broker holds it durably. Raises Unavailable where that is unknown.
        """
        if not self._fits_message(envelope):
            # The plan first: an envelope that names no plan could only be quarantined.
            envelope = (await self.plan(envelope)).envelope()
        await self._publisher.publish([envelope])

    def _fits_message(self, envelope: Envelope) -> bool:
        most = self._publisher.message_bytes_max
        # Nearly every log is far too small to need its exact size.
        upper_bound = HEADER_BYTES_MAX + _BYTES_PER_CHARACTER_MAX * envelope.characters
        return upper_bound <= most or self._publisher.size(envelope) <= most

    def is_long(self, envelope: Envelope) -> bool:
        """Is the log worked on in more than one chunk?"""
        return self._chunk_size is not None and envelope.characters > self._chunk_size

    async def plan(self, envelope: Envelope) -> Plan:
        """The stored plan of a log that carries its text; who comes second follows the first."""
        if envelope.text is None:
            raise ValueError("an envelope without its text is planned already")
        return await self._store.plan(
            Plan(
                tenant=envelope.tenant,
                log=envelope.log,
                sha256=envelope.sha256,
                source=envelope.source,
                received_at=envelope.received_at,
                text=envelope.text,
                chunk_characters=self._chunk_size or len(envelope.text),
                traceparent=envelope.traceparent,
            )
        )

    async def send_missing(self, plan: Plan) -> bool:
        """See to it that the broker has the chunks that are not recorded: are there any?

        They are sent once: an identical repeat of a log in work is not worked on again.
        """
        recorded = await self._store.recorded(plan.key) or frozenset()
        missing = [index for index in range(plan.count) if index not in recorded]
        if missing and not plan.sent:
            for first in range(0, len(missing), _BATCH):
                batch = missing[first : first + _BATCH]
                await self._publisher.publish([plan.chunk(index) for index in batch])
            await self._store.mark_sent(plan.key)
        return bool(missing)
