"""Both ports in dictionaries: for unit tests, and to say in few lines what the others must do."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from logweir.clock import Clock
from logweir.envelope import Envelope, encode
from logweir.errors import LeaseLost
from logweir.ids import LogId, TenantId
from logweir.limits import MIB
from logweir.pipeline.broker import (
    Backlog,
    Delivery,
    Whereabouts,
    weight_bytes,
    work_characters,
)
from logweir.pipeline.records import DeadLetter, Document, Plan, TextKey
from logweir.pipeline.store import Found, LetterSummary, Progress, Stored, TenantSummary
from logweir.reasons import Quarantine

MESSAGE_BYTES_MAX: Final = MIB


class MemoryStore:
    """Store, Reader and DeathCounter."""

    def __init__(self) -> None:
        self._documents: dict[tuple[TenantId, LogId], Document] = {}
        self._plans: dict[TextKey, Plan] = {}
        self._recorded: dict[TextKey, set[int]] = {}
        self._letters: dict[TextKey, DeadLetter] = {}
        self._begun: Counter[tuple[TextKey, int | None]] = Counter()

    async def find(self, key: TextKey) -> Found:
        """See Store."""
        document = self._documents.get((key.tenant, key.log))
        if document is None:
            return Found.ABSENT
        return Found.SAME if document.sha256 == key.sha256 else Found.OTHER

    async def create(self, document: Document) -> Stored:
        """See Store."""
        found = await self.find(document.key)
        if found is Found.ABSENT:
            self._documents[document.tenant_id, document.log_id] = document
        return Stored.CREATED if found is Found.ABSENT else Stored(found.value)

    async def plan(self, plan: Plan) -> Plan:
        """See Store."""
        self._recorded.setdefault(plan.key, set())
        return self._plans.setdefault(plan.key, plan)

    async def mark_sent(self, key: TextKey) -> None:
        """See Store."""
        if key in self._plans:
            self._plans[key] = replace(self._plans[key], sent=True)

    async def load(self, key: TextKey) -> Plan | None:
        """See Store."""
        return self._plans.get(key)

    async def recorded(self, key: TextKey) -> frozenset[int] | None:
        """See Store."""
        return frozenset(self._recorded[key]) if key in self._plans else None

    async def is_recorded(self, key: TextKey, index: int) -> bool | None:
        """See Store."""
        return index in self._recorded[key] if key in self._plans else None

    async def record(self, key: TextKey, index: int) -> bool | None:
        """See Store."""
        if key not in self._plans:
            return None
        self._recorded[key].add(index)
        return len(self._recorded[key]) == self._plans[key].count

    async def forget(self, key: TextKey) -> None:
        """See Store."""
        self._plans.pop(key, None)
        self._recorded.pop(key, None)

    async def bury(self, letter: DeadLetter) -> None:
        """See Store."""
        self._letters.setdefault(letter.key, letter)

    async def buried(self, key: TextKey) -> bool:
        """See Store."""
        return key in self._letters

    async def begin(self, key: TextKey, chunk: int | None) -> int:
        """See DeathCounter."""
        self._begun[key, chunk] += 1
        return self._begun[key, chunk] - 1

    async def answer(self, key: TextKey, chunk: int | None, *, done: bool) -> None:
        """See DeathCounter."""
        self._begun[key, chunk] -= 1
        if done:
            del self._begun[key, chunk]

    async def tenants(self) -> AsyncIterator[TenantSummary]:
        """See Reader."""
        ids = {tenant for tenant, _ in self._documents}
        for tenant in sorted(ids | {key.tenant for key in (*self._letters, *self._plans)}):
            yield TenantSummary(
                tenant_id=tenant,
                documents=sum(owner == tenant for owner, _ in self._documents),
                dead_letters=sum(key.tenant == tenant for key in self._letters),
                plans=sum(key.tenant == tenant for key in self._plans),
            )

    async def document(self, tenant: TenantId, log: LogId) -> Document | None:
        """See Reader."""
        return self._documents.get((tenant, log))

    async def documents(self, tenant: TenantId) -> AsyncIterator[Document]:
        """See Reader."""
        for owner, log in sorted(self._documents):
            if owner == tenant:
                yield self._documents[owner, log]

    async def progress(self, tenant: TenantId, log: LogId) -> Sequence[Progress]:
        """See Reader."""
        return [
            Progress(sha256=key.sha256, chunks_done=len(self._recorded[key]), chunks=plan.count)
            for key, plan in self._plans.items()
            if (key.tenant, key.log) == (tenant, log)
        ]

    async def letters(self, tenant: TenantId) -> AsyncIterator[LetterSummary]:
        """See Reader."""
        mine = [
            (key.log, key.sha256, letter)
            for key, letter in self._letters.items()
            if key.tenant == tenant
        ]
        for _, _, letter in sorted(mine, key=lambda item: item[:2]):
            yield LetterSummary(
                key=letter.key,
                reason=letter.reason,
                error=letter.error,
                characters=letter.characters,
                attempts=letter.attempts,
                received_at=letter.received_at,
                buried_at=letter.buried_at,
                resolved=await self.find(letter.key) is Found.SAME,
            )

    async def letter(self, key: TextKey) -> DeadLetter | None:
        """See Reader."""
        return self._letters.get(key)

    async def purge(self, key: TextKey) -> bool:
        """See Reader."""
        return self._letters.pop(key, None) is not None


@dataclass(slots=True)
class _Message:
    envelope: Envelope
    raw: bytes
    enqueued_at: float
    visible_at: float = 0.0
    deliveries: int = 0
    unanswered: int = 0
    holder: MemorySession | None = None


@dataclass(frozen=True, slots=True)
class MemoryClaim:
    """A message that a session holds."""

    id: int
    delivery: Delivery
    weight_bytes: int


class MemoryBroker:
    """Publisher, BacklogReader and the maker of sessions."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ids = itertools.count()
        self.messages: dict[int, _Message] = {}
        self.in_quarantine: list[tuple[bytes, Quarantine]] = []

    @property
    def message_bytes_max(self) -> int:
        """As on one machine."""
        return MESSAGE_BYTES_MAX

    def size(self, envelope: Envelope) -> int:
        """How many bytes the envelope takes."""
        return len(encode(envelope))

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """See Publisher."""
        for envelope in envelopes:
            self.messages[next(self._ids)] = _Message(
                envelope, encode(envelope), self._clock.monotonic()
            )

    async def quarantine(self, raw: bytes, reason: Quarantine) -> None:
        """See Publisher."""
        self.in_quarantine.append((raw, reason))

    async def session(self) -> MemorySession:
        """Begin a worker's session."""
        return MemorySession(self.messages, self._clock)

    async def backlog(self) -> Sequence[Backlog]:
        """See BacklogReader."""
        tenants = sorted({message.envelope.tenant for message in self.messages.values()})
        return [self._backlog(tenant) for tenant in tenants]

    async def locate(self, tenant: TenantId, log: LogId) -> Whereabouts:
        """See BacklogReader."""
        held = [
            message.holder is not None
            for message in self.messages.values()
            if (message.envelope.tenant, message.envelope.log) == (tenant, log)
        ]
        return Whereabouts(waiting=held.count(False), in_flight=held.count(True))

    async def quarantined(self) -> int:
        """See BacklogReader."""
        return len(self.in_quarantine)

    def _backlog(self, tenant: TenantId) -> Backlog:
        mine = [message for message in self.messages.values() if message.envelope.tenant == tenant]
        ages = [
            self._clock.monotonic() - message.enqueued_at for message in mine if not message.holder
        ]
        return Backlog(
            tenant=tenant,
            waiting=len(ages),
            in_flight=len(mine) - len(ages),
            oldest_seconds=max(ages, default=None),
        )


class MemoryLedger:
    """The WorkLedger of it."""

    period_seconds = 1.0
    counts_short = True

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def total(self) -> int:
        """See WorkLedger."""
        return sum(map(work_characters, self._envelopes()))

    async def of(self, tenant: TenantId) -> int:
        """See WorkLedger."""
        return sum(work_characters(e) for e in self._envelopes() if e.tenant == tenant)

    def _envelopes(self) -> Iterator[Envelope]:
        return (message.envelope for message in self._broker.messages.values())


class MemorySession:
    """What one worker holds."""

    def __init__(self, messages: dict[int, _Message], clock: Clock) -> None:
        self._messages = messages
        self._clock = clock

    async def claim(
        self,
        slots: int,
        bytes_max: int,
        in_flight: int,  # noqa: ARG002  # suspects are the local broker's matter
    ) -> Sequence[MemoryClaim]:
        """Take up to ``slots`` messages that wait, in the order in which they came."""
        claims: list[MemoryClaim] = []
        now = self._clock.monotonic()
        for id_, message in self._messages.items():
            if len(claims) == slots or bytes_max <= 0:
                break
            if message.holder is None and message.visible_at <= now:
                message.holder = self
                message.deliveries += 1
                weight = weight_bytes(message.envelope, message.raw)
                bytes_max -= weight
                delivery = Delivery(message.raw, message.deliveries, message.unanswered)
                claims.append(MemoryClaim(id_, delivery, weight))
        return claims

    async def acknowledge(self, claim: MemoryClaim) -> None:
        """Take a message off the broker. Raises LeaseLost."""
        self._held(claim)
        del self._messages[claim.id]

    async def delay(self, claim: MemoryClaim, after_seconds: float) -> None:
        """Have a message delivered again later. Raises LeaseLost."""
        message = self._held(claim)
        message.holder = None
        message.visible_at = self._clock.monotonic() + after_seconds

    async def heartbeat(self) -> None:
        """A lease here ends only with ``die``."""

    async def end(self) -> None:
        """Hand back what is still held."""
        self._hand_back(unanswered=0)

    def abandon(self) -> None:
        """Nothing is left to let go of."""

    def die(self) -> None:
        """What the broker does when a worker is gone."""
        self._hand_back(unanswered=1)

    def _hand_back(self, *, unanswered: int) -> None:
        for message in self._messages.values():
            if message.holder is self:
                message.holder = None
                message.unanswered += unanswered

    def _held(self, claim: MemoryClaim) -> _Message:
        message = self._messages.get(claim.id)
        if message is None or message.holder is not self:
            raise LeaseLost("the message is not held any more")
        return message
