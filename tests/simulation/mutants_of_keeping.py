"""Planted bugs of work, plans, documents and leases. What each does is its docstring."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

from tests.simulation.mutants import Patch, mutant

from logweir.backends.memory import MemorySession, MemoryStore
from logweir.entrypoints.worker import Worker
from logweir.pipeline.consume import Ack, Consumer
from logweir.pipeline.plan import Planner
from logweir.pipeline.records import Plan
from logweir.pipeline.store import Found, Stored
from logweir.pipeline.work import SimulatedWork

# ---- work, and long texts


@mutant
def chunk_work_skipped() -> Sequence[Patch]:
    """A chunk is recorded, and not worked on."""

    async def mutated(self: Consumer, envelope: Any, delivery: Any, index: int) -> Any:
        with patch.object(self, "_work", _no_work):
            return await work_on_chunk(self, envelope, delivery, index)

    work_on_chunk = Consumer._work_on_chunk
    return [(Consumer, "_work_on_chunk", mutated)]


async def _no_work(text: str) -> None:
    pass


@mutant
def work_by_the_wall_clock() -> Sequence[Patch]:
    """Work is over when the wall clock says so, and that may jump."""

    async def mutated(self: SimulatedWork, text: str) -> None:
        began, seconds = self._clock.now(), len(text) * self._seconds_per_character
        while 0 <= (self._clock.now() - began).total_seconds() < seconds:
            await self._clock.sleep(seconds / 4)

    return [(SimulatedWork, "__call__", mutated)]


@mutant
def finishes_without_the_last_chunk() -> Sequence[Patch]:
    """All are said to be recorded when one is not."""
    record = MemoryStore.record

    async def mutated(self: MemoryStore, key: Any, index: int) -> bool | None:
        done = await record(self, key, index)
        return done if done is None else len(self._recorded[key]) >= self._plans[key].count - 1

    return [(MemoryStore, "record", mutated)]


@mutant
def checkpoint_lost() -> Sequence[Patch]:
    """A chunk that is done is not recorded."""
    record = MemoryStore.record

    async def mutated(self: MemoryStore, key: Any, index: int) -> bool | None:
        done = await record(self, key, index)
        if done is False:
            self._recorded[key].discard(index)
        return done

    return [(MemoryStore, "record", mutated)]


@mutant
def recorded_chunk_worked_on_again() -> Sequence[Patch]:
    """Nobody asks whether a chunk is recorded."""

    async def mutated(self: MemoryStore, key: Any, index: int) -> bool | None:
        return False if key in self._plans else None

    return [(MemoryStore, "is_recorded", mutated)]


@mutant
def plan_forgotten_first() -> Sequence[Patch]:
    """The plan goes before the document is there."""
    finish = Consumer._finish

    async def mutated(self: Consumer, envelope: Any, text: str) -> Any:
        await self._forget_plan(envelope)
        return await finish(self, envelope, text)

    return [(Consumer, "_finish", mutated)]


@mutant
def plan_never_forgotten() -> Sequence[Patch]:
    """Plans stay when their documents are there."""

    async def mutated(self: Consumer, *_: Any) -> None:
        pass

    return [(Consumer, "_forget_plan", mutated)]


@mutant
def marked_before_sent() -> Sequence[Patch]:
    """A plan says that its chunks are in the broker before they are."""
    send_missing = Planner.send_missing

    async def mutated(self: Planner, plan: Plan) -> bool:
        if not plan.sent:
            await self._store.mark_sent(plan.key)
        return await send_missing(self, plan)

    return [(Planner, "send_missing", mutated)]


# ---- the store


@mutant
def tenant_missing_from_key() -> Sequence[Patch]:
    """Documents are looked up by the log's id alone."""

    async def mutated(self: MemoryStore, key: Any) -> Found:
        for (_, log), document in self._documents.items():
            if log == key.log:
                return Found.SAME if document.sha256 == key.sha256 else Found.OTHER
        return Found.ABSENT

    return [(MemoryStore, "find", mutated)]


@mutant
def sha_not_compared() -> Sequence[Patch]:
    """Whatever lies at a log's place is taken for its text."""

    async def mutated(self: MemoryStore, key: Any) -> Found:
        return Found.SAME if (key.tenant, key.log) in self._documents else Found.ABSENT

    return [(MemoryStore, "find", mutated)]


@mutant
def document_not_looked_up() -> Sequence[Patch]:
    """Nobody asks whether a log is done before its work."""

    async def mutated(self: Consumer, envelope: Any, delivery: Any) -> Any:
        return await self._bring_on(envelope, delivery, delivery.unanswered or 0)

    return [(Consumer, "_decide", mutated)]


@mutant
def document_written_over() -> Sequence[Patch]:
    """The last text under an id stays, and not the first."""

    async def mutated(self: MemoryStore, document: Any) -> Stored:
        self._documents[document.tenant_id, document.log_id] = document
        return Stored.CREATED

    return [(MemoryStore, "create", mutated)]


@mutant
def letter_written_over() -> Sequence[Patch]:
    """A dead letter has the text of another log of the same id."""

    async def mutated(self: MemoryStore, letter: Any) -> None:
        for key in [key for key in self._letters if key.log == letter.log_id]:
            del self._letters[key]
        self._letters[letter.key] = letter

    return [(MemoryStore, "bury", mutated)]


# ---- leases


@mutant
def no_fence() -> Sequence[Patch]:
    """Who has lost its lease may still take messages off the broker."""

    def mutated(self: MemorySession, claim: Any) -> Any:
        return self._messages[claim.id]

    return [(MemorySession, "_held", mutated)]


@mutant
def heartbeat_never_runs() -> Sequence[Patch]:
    """No lease is extended."""

    async def mutated(self: Worker, _: Any) -> None:
        await asyncio.Event().wait()

    return [(Worker, "_heartbeat", mutated)]


@mutant
def drain_acknowledges() -> Sequence[Patch]:
    """A worker that stops takes off the broker what it has not done."""
    verdict = Worker._verdict

    async def mutated(self: Worker, claim: Any) -> Any:
        working = asyncio.ensure_future(verdict(self, claim))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else Ack()
        finally:
            working.cancel()
            stopping.cancel()

    return [(Worker, "_verdict", mutated)]
