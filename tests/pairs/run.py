"""One story from the clients to the end, with faults; then what became of the invariants."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from tests.pairs.stories import CHUNK, Story
from tests.pairs.watched import (
    InstantClock,
    WatchedBroker,
    WatchedSession,
    WatchedStore,
    WatchedWork,
)
from tests.support.faults import Crash, Fault, Faults

from logweir.backends.memory import MemoryClaim
from logweir.envelope import Envelope
from logweir.errors import LeaseLost, Unavailable
from logweir.ids import TenantId
from logweir.limits import DEFAULT_LIMITS
from logweir.pipeline.consume import _DELIVERIES_UNCOUNTED, Ack, Consumer, Retry
from logweir.pipeline.plan import Planner
from logweir.reasons import Burial
from logweir.redact import redact

_redacted = cache(lambda text: redact(text).text)
STEPS_MAX: Final = 500  # more means that the backlog does not drain
LIMITS: Final = replace(DEFAULT_LIMITS, attempts_max=3, deliveries_max=4)
_OUTAGE_SECONDS: Final = 0.5
_IDLE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Process:
    """A worker's, from its start to its crash."""

    session: WatchedSession
    calls: Any  # the session's, with faults
    consumer: Consumer


class Run:
    """The production planner and consumer over ports that fail, a step at a time.

    A step is one try of a client, or one claim of a worker and what becomes of it. Between two
    steps no process holds anything, so a run can branch there.
    """

    def __init__(self, story: Story, faults: Faults, side_by_side: int = 1) -> None:
        self.story = story
        self.faults = faults
        self.clock = InstantClock()
        self.store = WatchedStore()
        self.broker = WatchedBroker(self.clock, story)
        self.work = WatchedWork(self.store, story)
        self._side_by_side = side_by_side
        self._unsent = list(story.logs)
        self._process: _Process | None = None
        self._steps = 0

    @property
    def is_done(self) -> bool:
        """Has every client its 202, and is nothing left to work on?"""
        return not self._unsent and not self.broker.messages

    def branch(self, at: Mapping[int, Fault]) -> Run:
        """Another run that has come as far as this one and goes on with these faults."""
        branch = Run(self.story, self.faults.branch(at), self._side_by_side)
        branch.clock._elapsed = self.clock._elapsed
        branch.store.become(self.store)
        branch.broker.become(self.broker)
        branch.work.started = self.work.started.copy()
        branch._unsent, branch._steps = list(self._unsent), self._steps
        return branch

    async def to_the_end(self) -> None:
        """Hand over as clients do, then work as workers do. Raises AssertionError."""
        while not self.is_done:
            await self.step()

    async def step(self) -> None:
        """Bring it one step further. Raises AssertionError where there were too many."""
        self._steps += 1
        assert self._steps <= STEPS_MAX, f"it does not drain: {self.broker.messages}"
        if self._unsent:
            await self._send(self._unsent[0])
            return
        if self._process is None:
            self._process = await self._start()
        try:
            await self._work(self._process)
        except Crash:
            self._process.session.die()
            self._process = None

    async def _send(self, log: Envelope) -> None:
        try:
            await self._planner().hand_over(log)
        except (Crash, Unavailable):
            return  # a client without a 202 sends it again
        self._unsent.pop(0)

    async def _start(self) -> _Process:
        session = await self.broker.session()
        return _Process(session, self.faults.broker(session), self._consumer())

    async def _work(self, process: _Process) -> None:
        try:
            claims = await process.calls.claim(self._side_by_side, 1 << 30, 0)
        except Unavailable:
            # What was claimed all the same comes again when its lease is over.
            await process.session.end()
            await self.clock.sleep(_OUTAGE_SECONDS)
            return
        if not claims:
            await self.clock.sleep(_IDLE_SECONDS)
        elif len(claims) == 1:
            await self._settle(process, claims[0])
        else:
            await self._settle_all(process, claims)

    async def _settle_all(self, process: _Process, claims: list[MemoryClaim]) -> None:
        tasks = [asyncio.create_task(self._settle(process, claim)) for claim in claims]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _settle(self, process: _Process, claim: MemoryClaim) -> None:
        verdict = await process.consumer.consume(claim.delivery)
        while True:
            try:
                match verdict:
                    case Ack():
                        await process.calls.acknowledge(claim)
                    case Retry(after_seconds):
                        await process.calls.delay(claim, after_seconds)
            except Unavailable:
                await self.clock.sleep(_OUTAGE_SECONDS)
                continue
            except LeaseLost:
                pass  # the try before this one had happened
            return

    def _planner(self) -> Planner:
        return Planner(
            self.faults.store(self.store),
            self.faults.broker(self.broker),
            CHUNK if self.story.chunks else None,
        )

    def _consumer(self) -> Consumer:
        uncounted = 0 if self.story.tells_deaths else _DELIVERIES_UNCOUNTED
        return Consumer(
            store=self.faults.store(self.store),
            publisher=self.faults.broker(self.broker),
            planner=self._planner(),
            work=self.work,
            clock=self.clock,
            limits=replace(LIMITS, deliveries_max=LIMITS.deliveries_max + uncounted),
            deaths=None if self.story.tells_deaths else self.faults.store(self.store),
            jitter=lambda: 1.0,
        )

    def assert_all_is_well(self, *, in_turn: bool = True) -> None:
        """I1, I2, I4, I5, I8, and I7 where one delivery is worked on after the other."""
        broken = [*self._unfinished(), *self._wrong_ends()]
        if in_turn:
            broken += [*self.store.all_violations(), *self._repeats()]
        assert not broken, "; ".join(broken)

    def _unfinished(self) -> Iterator[str]:
        store = self.store
        for what, left in (("waits", self.broker.messages), ("is planned", store._plans)):
            if left:
                yield f"something {what} in the end: {left}"
        if store._recorded:
            yield f"something is recorded without a plan: {store._recorded}"
        if self.broker.in_quarantine:
            yield f"something is in quarantine: {self.broker.in_quarantine}"

    def _repeats(self) -> Iterator[str]:
        """A fault costs the work in flight at most, which is one piece here."""
        most = self.story.pieces + self.faults.fired.total()
        if not self.story.buried and self.work.started.total() > most:
            yield f"{self.work.started.total()} pieces were worked on instead of {most} at most"

    def _wrong_ends(self) -> Iterator[str]:
        for tenant in {log.tenant for log in self.story.logs}:
            yield from self._wrong_ends_of(tenant)

    def _wrong_ends_of(self, tenant: TenantId) -> Iterator[str]:
        texts = {log.text or "" for log in self.story.logs if log.tenant == tenant}
        documents = [d for d in self.store._documents.values() if d.tenant_id == tenant]
        letters = {
            letter.text: letter.reason
            for letter in self.store._letters.values()
            if letter.tenant_id == tenant
        }
        stored = [document.original_text for document in documents]
        if sorted([*stored, *letters]) != sorted(texts):
            yield f"{tenant} has the documents {stored} and the dead letters {letters}"
        if any(d.modified_data != _redacted(d.original_text) for d in documents):
            yield f"a document of {tenant} is not its text redacted"
        if self.story.conflict and list(letters.values()) != [Burial.CONFLICT]:
            yield f"the dead letters of a conflict are {letters}"
        if not self.story.conflict and letters != self.story.buried:
            yield f"the dead letters are {letters}"
