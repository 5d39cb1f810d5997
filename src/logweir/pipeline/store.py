"""PORT: the store. Reads are strong, writes are durable when they return.

Every call may raise StoreUnavailable: it may then have happened or not, and calling again is
safe. All of them may be called from many tasks and processes at once. What must be equal on every
back end (verdicts, redaction, validation) is not here but above, in the pipeline.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from logweir.ids import LogId, TenantId
from logweir.pipeline.records import DeadLetter, Document, Plan, TextKey
from logweir.reasons import Burial


class Found(Enum):
    """What lies at a log's place, compared with a text by its SHA-256."""

    ABSENT = "absent"
    SAME = "same"
    OTHER = "other"


class Stored(Enum):
    """What a create-only write met."""

    CREATED = "created"
    SAME = "same"
    OTHER = "other"


class Store(Protocol):
    """What the pipeline keeps, and nothing else."""

    async def find(self, key: TextKey) -> Found:
        """Is there a document under (tenant, log), and is it of this text?"""
        ...

    async def create(self, document: Document) -> Stored:
        """Write the document unless there is one; never over one."""
        ...

    async def plan(self, plan: Plan) -> Plan:
        """Write the plan unless there is one; the stored one, which the caller must follow."""
        ...

    async def mark_sent(self, key: TextKey) -> None:
        """Note that the broker has all chunks of the plan. Nothing happens where there is none."""
        ...

    async def load(self, key: TextKey) -> Plan | None:
        """The stored plan, if there is one."""
        ...

    async def recorded(self, key: TextKey) -> frozenset[int] | None:
        """The indexes of the chunks that are done; None without a plan."""
        ...

    async def is_recorded(self, key: TextKey, index: int) -> bool | None:
        """Is this one chunk done? None without a plan."""
        ...

    async def record(self, key: TextKey, index: int) -> bool | None:
        """Note that a chunk is done: are all done now? On repeats too. None without a plan."""
        ...

    async def forget(self, key: TextKey) -> None:
        """Remove the plan and what is recorded of it. Nothing happens where there is none."""
        ...

    async def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter under its key. The first one stays: burying twice is one letter."""
        ...

    async def buried(self, key: TextKey) -> bool:
        """Is there a dead letter of this text?"""
        ...


class DeathCounter(Protocol):
    """PORT beside a broker that cannot tell a worker's death from a retry: it counts deaths.

    A delivery is begun before its work and answered after it, whatever the answer; what was begun
    and never answered is a death, or a moment at which the store did not answer. Raises
    StoreUnavailable.
    """

    async def begin(self, key: TextKey, chunk: int | None) -> int:
        """Note that the work on a message begins: how many earlier ones were never answered?"""
        ...

    async def answer(self, key: TextKey, chunk: int | None, *, done: bool) -> None:
        """Note that the last one was answered; ``done``: the message will not come again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSummary:
    """One tenant: how many records lie under it."""

    tenant_id: TenantId
    documents: int
    dead_letters: int
    plans: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a planned log is."""

    sha256: str
    chunks_done: int
    chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterSummary:
    """A dead letter without its text. ``resolved``: its text has meanwhile become the document."""

    key: TextKey
    reason: Burial
    error: str | None
    characters: int
    attempts: int
    received_at: datetime
    buried_at: datetime
    resolved: bool


class Reader(Protocol):
    """What the commands list; it changes nothing but for ``purge``. Raises StoreUnavailable."""

    def tenants(self) -> AsyncIterator[TenantSummary]:
        """Every tenant that has records, in the order of the ids."""
        ...

    async def document(self, tenant: TenantId, log: LogId) -> Document | None:
        """One document, whole."""
        ...

    def documents(self, tenant: TenantId) -> AsyncIterator[Document]:
        """A tenant's documents, in the order of the log ids."""
        ...

    async def progress(self, tenant: TenantId, log: LogId) -> Sequence[Progress]:
        """The plans of a log that are not finished."""
        ...

    def letters(self, tenant: TenantId) -> AsyncIterator[LetterSummary]:
        """A tenant's dead letters, in the order of the log ids."""
        ...

    async def letter(self, key: TextKey) -> DeadLetter | None:
        """One dead letter, whole."""
        ...

    async def purge(self, key: TextKey) -> bool:
        """Delete one dead letter: was there one? Nothing else deletes any."""
        ...
