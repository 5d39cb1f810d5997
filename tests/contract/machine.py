"""A back end and a model in dictionaries, driven together: after each step they look the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.contract.backends import COUNTS_QUARANTINE, TELLS_BACKLOG, Kind
from tests.contract.model import Model
from tests.support.logs import a_document, a_key, a_letter, a_log, a_plan

from logweir.clock import ManualClock
from logweir.envelope import Envelope, decode
from logweir.ids import LogId, TenantId
from logweir.pipeline.records import TextKey
from logweir.reasons import Burial, Quarantine

T = TypeVar("T")

# Ids that only differ by case or by what follows; texts that stores and brokers like to change.
TENANTS: Final = tuple(TenantId(tenant) for tenant in ("acme", "ACME", "Acme", "acme.x"))
LOGS: Final = tuple(LogId(log) for log in ("log", "LOG", "log.1"))
AWKWARD: Final = ("a\0b", "🙂\U0010ffff", "\x1b[0m\r\n", "\ufffe\ufeff", "e\u0301", '"\\', "PLAN#x")
CHUNK: Final = 3  # characters
HIDDEN_SECONDS: Final = 2.0
ADVANCE_SECONDS: Final = 3.0  # within a lease

tenants = st.sampled_from(TENANTS)
logs = st.sampled_from(LOGS)
# Few, so that the same text comes again; and now and then any other.
texts = st.one_of(
    st.sampled_from(AWKWARD),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9),
)
keys = st.builds(
    lambda tenant, log, text: a_key(text, tenant=tenant, log=log),
    tenants,
    logs,
    st.sampled_from(AWKWARD),
)
chunks = st.integers(0, 2)


class BackEndMachine(RuleBasedStateMachine):
    """One back end from empty, on an event loop of its own, for one example."""

    def __init__(self, kind: Kind, directory: Path) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._open = AsyncExitStack()
        self._patience_seconds = kind.patience_seconds
        self.clock = kind.clock()
        directory.mkdir()
        self.backend = self.wait(self._open.enter_async_context(kind.open(directory, self.clock)))
        self.ports = self.backend.ports
        self.session: Any = None
        self.held: list[Any] = []
        self.model = Model()

    def wait(self, awaitable: Awaitable[T]) -> T:
        """What it returns."""
        return self._loop.run_until_complete(awaitable)

    def teardown(self) -> None:
        """Close it."""
        try:
            self.end_session()
            self.wait(self._open.aclose())
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    # ---- documents and dead letters --------------------------------------------------------------

    @rule(tenant=tenants, log=logs, text=texts)
    def create(self, tenant: TenantId, log: LogId, text: str) -> None:
        document = a_document(text, tenant=tenant, log=log)
        assert self.wait(self.ports.store.create(document)) is self.model.create(document)

    @rule(key=keys)
    def find(self, key: TextKey) -> None:
        assert self.wait(self.ports.store.find(key)) is self.model.find(key)

    @rule(
        tenant=tenants,
        log=logs,
        text=texts,
        reason=st.sampled_from(Burial),
        error=st.none() | texts,
    )
    def bury(
        self, tenant: TenantId, log: LogId, text: str, reason: Burial, error: str | None
    ) -> None:
        letter = a_letter(text, tenant=tenant, log=log, reason=reason, error=error)
        self.wait(self.ports.store.bury(letter))
        kept = self.model.letters.setdefault(letter.key, letter)
        assert self.wait(self.ports.store.buried(letter.key)) is True
        assert self.wait(self.ports.reader.letter(letter.key)) == kept

    @rule(key=keys)
    def purge(self, key: TextKey) -> None:
        was_there = self.model.letters.pop(key, None) is not None
        assert self.wait(self.ports.reader.purge(key)) is was_there
        assert self.wait(self.ports.store.buried(key)) is False
        assert self.wait(self.ports.reader.letter(key)) is None

    # ---- plans -----------------------------------------------------------------------------------

    @rule(tenant=tenants, log=logs, text=texts, size=st.sampled_from([1, CHUNK]))
    def plan(self, tenant: TenantId, log: LogId, text: str, size: int) -> None:
        plan = a_plan(text, size, tenant=tenant, log=log)
        assert self.wait(self.ports.store.plan(plan)) == self.model.plan(plan)

    @rule(key=keys)
    def mark_sent(self, key: TextKey) -> None:
        self.wait(self.ports.store.mark_sent(key))
        self.model.mark_sent(key)

    @rule(key=keys, index=chunks)
    def record(self, key: TextKey, index: int) -> None:
        plan = self.model.plans.get(key)
        index %= 1 if plan is None else plan.count
        assert self.wait(self.ports.store.record(key, index)) is self.model.record(key, index)

    @precondition(lambda self: self.model.plans)
    @rule(data=st.data())
    def record_one_of_a_plan(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.model.plans, key=repr)))
        self.record(key, data.draw(st.integers(0, self.model.plans[key].count - 1)))

    @rule(key=keys)
    def forget(self, key: TextKey) -> None:
        self.wait(self.ports.store.forget(key))
        self.model.forget(key)
        assert self.wait(self.ports.store.is_recorded(key, 0)) is None

    # ---- deaths ----------------------------------------------------------------------------------

    @precondition(lambda self: self.ports.deaths is not None)
    @rule(key=keys, chunk=st.none() | chunks)
    def begin(self, key: TextKey, chunk: int | None) -> None:
        assert self.ports.deaths is not None
        earlier = self.model.begun[key, chunk]
        assert self.wait(self.ports.deaths.begin(key, chunk)) == earlier
        self.model.begun[key, chunk] += 1

    @precondition(lambda self: self.ports.deaths is not None and self.model.begun.total())
    @rule(data=st.data(), done=st.booleans())
    def answer(self, data: st.DataObject, done: bool) -> None:
        assert self.ports.deaths is not None
        begun = [mark for mark, times in self.model.begun.items() if times]
        key, chunk = data.draw(st.sampled_from(sorted(begun, key=repr)))
        self.wait(self.ports.deaths.answer(key, chunk, done=done))
        self.model.begun[key, chunk] = 0 if done else self.model.begun[key, chunk] - 1

    # ---- the broker ------------------------------------------------------------------------------

    @rule(
        sent=st.lists(
            st.builds(
                lambda tenant, log, text: a_log(text, tenant=tenant, log=log), tenants, logs, texts
            ),
            max_size=3,
        )
    )
    def publish(self, sent: Sequence[Envelope]) -> None:
        self.wait(self.ports.publisher.publish(sent))
        self.model.waiting.update(sent)

    @rule(text=st.sampled_from(AWKWARD))
    def quarantine(self, text: str) -> None:
        self.wait(self.ports.publisher.quarantine(text.encode(), Quarantine.UNREADABLE))
        self.model.quarantined += 1

    @rule(slots=st.integers(1, 4))
    def claim(self, slots: int) -> None:
        if self.session is None:
            self.session = self.wait(self.ports.session())
        expected = min(slots, self.model.waiting.total())
        for claim in self.wait(self._claimed(expected)):
            envelope = decode(claim.delivery.raw)
            assert self.model.waiting[envelope] > 0
            assert claim.delivery.unanswered in (0, None)
            self.model.waiting[envelope] -= 1
            self.model.in_flight[envelope] += 1
            self.held.append((claim, envelope))

    async def _claimed(self, expected: int) -> Sequence[Any]:
        """So many; at once, but where they travel."""
        claims: list[Any] = []
        due = time.monotonic() + self._patience_seconds
        while True:
            claims += await self.session.claim(
                max(1, expected - len(claims)), 1 << 30, len(self.held)
            )
            if len(claims) >= expected:
                assert len(claims) == expected
                return claims
            assert time.monotonic() < due, f"{len(claims)} of {expected} messages came"
            await asyncio.sleep(0.01)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        claim, _ = self._let_go(data)
        self.wait(self.session.acknowledge(claim))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), hidden=st.booleans())
    def delay(self, data: st.DataObject, hidden: bool) -> None:
        claim, envelope = self._let_go(data)
        seconds = HIDDEN_SECONDS if hidden and isinstance(self.clock, ManualClock) else 0.0
        self.wait(self.session.delay(claim, seconds))
        self.model.hidden.append((self.clock.monotonic() + seconds, envelope))
        self.model.pass_time(self.clock.monotonic())

    def _let_go(self, data: st.DataObject) -> tuple[Any, Envelope]:
        claim, envelope = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        self.model.in_flight[envelope] -= 1
        return claim, envelope

    @rule()
    def end_session(self) -> None:
        if self.session is not None:
            self.wait(self.session.end())
        for _, envelope in self.held:
            self.model.in_flight[envelope] -= 1
            self.model.waiting[envelope] += 1
        self.session, self.held = None, []

    @precondition(lambda self: isinstance(self.clock, ManualClock))
    @rule()
    def let_time_pass(self) -> None:
        self.wait(self.clock.advance(ADVANCE_SECONDS))
        if self.session is not None:
            self.wait(self.session.heartbeat())
        self.model.pass_time(self.clock.monotonic())

    # ---- what can be seen ------------------------------------------------------------------------

    @invariant()
    def looks_like_the_model(self) -> None:
        self.wait(self._compare_records())
        self.wait(self._compare_messages())

    async def _compare_records(self) -> None:
        reader, store = self.ports.reader, self.ports.store
        assert [summary async for summary in reader.tenants()] == self.model.tenants()
        for tenant in TENANTS:
            assert [d async for d in reader.documents(tenant)] == self.model.documents_of(tenant)
            letters = [letter async for letter in reader.letters(tenant)]
            assert [letter.key.log for letter in letters] == sorted(
                each.key.log for each in letters
            )
            letters.sort(key=lambda letter: (letter.key.log, letter.key.sha256))
            assert letters == self.model.letters_of(tenant)
        for key, plan in self.model.plans.items():
            assert await store.load(key) == plan
            assert await store.recorded(key) == frozenset(self.model.recorded[key])
            progress = await reader.progress(key.tenant, key.log)
            found = sorted(progress, key=lambda one: one.sha256)
            assert found == self.model.progress(key.tenant, key.log)

    async def _compare_messages(self) -> None:
        assert await self.backend.undone() == self.model.undone()
        if COUNTS_QUARANTINE not in self.backend.lacks:
            assert await self.ports.backlog.quarantined() == self.model.quarantined
        if TELLS_BACKLOG in self.backend.lacks:
            return
        for tenant in TENANTS:
            for log in LOGS:
                found = await self.ports.backlog.locate(tenant, log)
                assert found is not None
                assert (found.waiting, found.in_flight) == self._whereabouts(tenant, log)

    def _whereabouts(self, tenant: TenantId, log: LogId) -> tuple[int, int]:
        def of_it(envelopes: Iterable[Envelope]) -> int:
            return sum((e.tenant, e.log) == (tenant, log) for e in envelopes)

        hidden = (envelope for _, envelope in self.model.hidden)
        waiting = of_it(self.model.waiting.elements()) + of_it(hidden)
        return waiting, of_it(self.model.in_flight.elements())
