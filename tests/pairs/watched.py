"""The back end in memory, watched: what must never be is noted in the moment in which it is."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tests.pairs.stories import KILLER, POISON, Story, cuts
from tests.support.faults import Crash
from tests.support.world import SmallBroker

from logweir.backends.memory import MemoryClaim, MemorySession, MemoryStore, _Message
from logweir.clock import Clock, ManualClock
from logweir.pipeline.broker import Delivery
from logweir.pipeline.consume import _DELIVERIES_UNCOUNTED
from logweir.pipeline.records import Document, TextKey
from logweir.pipeline.store import Stored

LATE_SECONDS: Final = 30.0  # a message that is delivered twice comes again after all others


class InstantClock(ManualClock):
    """A clock on which every wait is over at once."""

    async def sleep(self, seconds: float) -> None:
        """Move the time on."""
        self._elapsed += seconds
        await asyncio.sleep(0)


class WatchedStore(MemoryStore):
    """Watches I4 and I8: a document is of work that was done, and stays as it was written."""

    def __init__(self) -> None:
        super().__init__()
        self.done: Counter[str] = Counter()  # pieces of work that came to their end
        self.recorded_texts: set[str] = set()
        self.created: list[Document] = []
        self.violations: list[str] = []

    async def create(self, document: Document) -> Stored:
        """See Store."""
        stored = await super().create(document)
        if stored is Stored.CREATED:
            self.created.append(document)
            text = document.original_text
            times = sum(earlier.original_text == text for earlier in self.created)
            if self.done[text] < times and any(self.done[cut] < times for cut in cuts(text)):
                self.violations.append("a document was written before its work was done")
        return stored

    async def record(self, key: TextKey, index: int) -> bool | None:
        """See Store."""
        plan = self._plans.get(key)
        if plan is not None:
            first = index * plan.chunk_characters
            self.recorded_texts.add(plan.text[first : first + plan.chunk_characters])
        return await super().record(key, index)

    async def forget(self, key: TextKey) -> None:
        """See Store. What was buried is worked on anew where it comes again, as in a replay."""
        self.recorded_texts.clear()
        await super().forget(key)

    def become(self, other: WatchedStore) -> None:
        """Have what the other one has."""
        self._documents, self._plans = dict(other._documents), dict(other._plans)
        self._recorded = {key: set(indexes) for key, indexes in other._recorded.items()}
        self._letters, self._begun = dict(other._letters), other._begun.copy()
        self.done, self.recorded_texts = other.done.copy(), set(other.recorded_texts)
        self.created, self.violations = list(other.created), list(other.violations)

    def all_violations(self) -> Sequence[str]:
        """So far, and what the documents say now."""
        if list(self._documents.values()) == self.created:
            return self.violations
        return [*self.violations, "a document was written over"]


class WatchedWork:
    """Work that watches I7: nothing that is recorded or stored is worked on again."""

    def __init__(self, store: WatchedStore, story: Story) -> None:
        self._store = store
        self._has_one_log = len(story.logs) == 1
        self._has_one_tenant = len({log.tenant for log in story.logs}) == 1
        self.started: Counter[str] = Counter()

    async def __call__(self, text: str) -> None:
        """Note what must not be, and do harm where the text says so."""
        self.started[text] += 1
        if self._has_one_log and text in self._store.recorded_texts:
            self._store.violations.append(f"{text!r} was recorded, and is worked on again")
        if self._has_one_tenant and any(text in d.original_text for d in self._store.created):
            self._store.violations.append(f"{text!r} has its document, and is worked on")
        await asyncio.sleep(0)
        if POISON in text:
            raise ValueError("poison")
        if KILLER in text:
            raise Crash("killed by a log")
        self._store.done[text] += 1


class WatchedBroker(SmallBroker):
    """Small, and where it cannot tell deaths it has delivered each message often before."""

    def __init__(self, clock: ManualClock, story: Story) -> None:
        super().__init__(clock, story.message_bytes_max)
        self.tells_deaths = story.tells_deaths

    async def session(self) -> WatchedSession:
        """Begin a worker's session."""
        return WatchedSession(self, self._clock)

    def become(self, other: WatchedBroker) -> None:
        """Have the messages that the other one has, of which nobody holds any."""
        assert all(message.holder is None for message in other.messages.values())
        for id_, m in other.messages.items():
            self.messages[id_] = _Message(
                m.envelope, m.raw, m.enqueued_at, m.visible_at, m.deliveries, m.unanswered
            )
        self.in_quarantine = list(other.in_quarantine)
        self._ids = itertools.count(max(other.messages, default=-1) + 1)

    def deliver_again_later(self, claim: MemoryClaim) -> None:
        """As if it had been lost sight of: whoever has it now may be done by then."""
        late = self._clock.monotonic() + LATE_SECONDS
        self.messages[next(self._ids)] = replace(
            self.messages[claim.id], holder=None, visible_at=late
        )


class WatchedSession(MemorySession):
    """What one worker holds."""

    def __init__(self, broker: WatchedBroker, clock: Clock) -> None:
        super().__init__(broker.messages, clock)
        self._broker = broker

    async def claim(self, slots: int, bytes_max: int, in_flight: int) -> Sequence[MemoryClaim]:
        """See Session."""
        claims = await super().claim(slots, bytes_max, in_flight)
        if self._broker.tells_deaths:
            return claims
        return [replace(claim, delivery=_untold(claim.delivery)) for claim in claims]

    async def claim_twice(
        self, slots: int, bytes_max: int, in_flight: int
    ) -> Sequence[MemoryClaim]:
        """Take messages that are delivered a second time later, whatever becomes of them now."""
        claims = await self.claim(slots, bytes_max, in_flight)
        for claim in claims:
            self._broker.deliver_again_later(claim)
        return claims


def _untold(delivery: Delivery) -> Delivery:
    return replace(
        delivery, deliveries=delivery.deliveries + _DELIVERIES_UNCOUNTED, unanswered=None
    )
