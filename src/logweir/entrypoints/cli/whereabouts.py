"""Where a log is: its document, or what there is of it elsewhere.

broker: waiting ─▶ in flight ─┬─▶ document
store:  plan, chunk by chunk ─┘ └▶ dead letter
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from logweir.ids import LogId, TenantId
from logweir.pipeline.broker import Whereabouts
from logweir.pipeline.records import Document
from logweir.pipeline.store import LetterSummary, Progress

if TYPE_CHECKING:
    from logweir.bootstrap import Ports


class State(StrEnum):
    """How far a log is that has no document."""

    WAITING = "waiting"
    IN_WORK = "in_work"
    DEAD = "dead"
    INTERRUPTED = "interrupted"  # a plan without messages: a 503 that was not sent again
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A log without a document: what the broker and the store have of it."""

    tenant_id: TenantId
    log_id: LogId
    messages: Whereabouts | None  # None: the broker cannot find single messages
    plans: list[Progress]
    letters: list[LetterSummary]

    @property
    def state(self) -> State:
        """The one word for it; a dead letter that is replayed is on its way again."""
        if self.messages is None:
            if self.plans:
                return State.IN_WORK
            return State.DEAD if self.letters else State.UNKNOWN
        if self.messages.in_flight or (self.messages.waiting and self.plans):
            return State.IN_WORK
        if self.messages.waiting:
            return State.WAITING
        if self.plans:
            return State.INTERRUPTED
        return State.DEAD if self.letters else State.UNKNOWN

    @property
    def may_come(self) -> bool:
        """May it become a document by itself, for all that is known?"""
        if self.state is State.UNKNOWN:
            return self.messages is None
        return self.state in (State.WAITING, State.IN_WORK)

    @property
    def chunks(self) -> tuple[int, int]:
        """How many are done, of how many."""
        return sum(p.chunks_done for p in self.plans), sum(p.chunks for p in self.plans)


async def look(ports: Ports, tenant: TenantId, log: LogId) -> Document | Place:
    """The document, or where the log is. Raises Unavailable."""
    if document := await ports.reader.document(tenant, log):
        return document
    place = Place(
        tenant_id=tenant,
        log_id=log,
        messages=await ports.backlog.locate(tenant, log),
        plans=list(await ports.reader.progress(tenant, log)),
        letters=[letter async for letter in ports.reader.letters(tenant) if letter.key.log == log],
    )
    if place.messages and (place.messages.waiting or place.messages.in_flight):
        return place
    # It may have been finished between the first look and the second.
    return await ports.reader.document(tenant, log) or place
