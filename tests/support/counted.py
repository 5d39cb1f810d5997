"""A broker whose publishing and settling is counted, where it does not tell what waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from logweir.envelope import Envelope
from logweir.pipeline.broker import Publisher
from logweir.pipeline.source import Session
from logweir.reasons import Quarantine


class Counts:
    """Messages that are published and not acknowledged, and of these the claimed ones."""

    def __init__(self) -> None:
        self.undone = 0
        self.claimed = 0


class CountedPublisher:
    """A Publisher that counts what was confirmed."""

    def __init__(self, publisher: Publisher, counts: Counts) -> None:
        self._publisher = publisher
        self._counts = counts

    @property
    def message_bytes_max(self) -> int:
        """As the broker says."""
        return self._publisher.message_bytes_max

    def size(self, envelope: Envelope) -> int:
        """As the broker says."""
        return self._publisher.size(envelope)

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Counted before, since it may be acknowledged before it is confirmed."""
        self._counts.undone += len(envelopes)
        await self._publisher.publish(envelopes)

    async def quarantine(self, raw: bytes, reason: Quarantine) -> None:
        """Not counted: nobody waits for it."""
        await self._publisher.quarantine(raw, reason)


class CountedSession:
    """A Session that counts what is claimed and what is done."""

    def __init__(self, session: Session, counts: Counts) -> None:
        self._session = session
        self._counts = counts
        self._mine = 0

    @classmethod
    def maker(
        cls, begin: Callable[[], Awaitable[Session]], counts: Counts
    ) -> Callable[[], Awaitable[Session]]:
        """The same for what begins sessions."""

        async def begin_counted() -> Session:
            return cls(await begin(), counts)

        return begin_counted

    async def claim(self, slots: int, bytes_max: int, in_flight: int) -> Sequence[Any]:
        """See Session."""
        claims = await self._session.claim(slots, bytes_max, in_flight)
        self._count(len(claims))
        return claims

    async def acknowledge(self, claim: Any) -> None:
        """See Session."""
        await self._session.acknowledge(claim)
        self._counts.undone -= 1
        self._count(-1)

    async def delay(self, claim: Any, after_seconds: float) -> None:
        """See Session."""
        await self._session.delay(claim, after_seconds)
        self._count(-1)

    async def heartbeat(self) -> None:
        """See Session."""
        await self._session.heartbeat()

    async def end(self) -> None:
        """See Session."""
        await self._session.end()
        self._count(-self._mine)

    def abandon(self) -> None:
        """See Session."""
        self._session.abandon()
        self._count(-self._mine)

    def _count(self, difference: int) -> None:
        self._mine += difference
        self._counts.claimed += difference
