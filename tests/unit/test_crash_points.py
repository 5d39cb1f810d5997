"""A fault at every call of every port, for every kind of delivery; then the invariants.

A process crashes before or after the call, or the port does not answer, before or after having
done what it was asked. What was in flight is delivered again, to a new process, until all is done.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import pytest
import structlog
from tests.support.faults import Crash, Fault, Faults
from tests.support.logs import ACME, GLOBEX, a_log
from tests.support.world import SmallBroker

from logweir.backends.memory import MemoryClaim, MemorySession, MemoryStore
from logweir.clock import ManualClock
from logweir.envelope import Envelope
from logweir.errors import LeaseLost, Unavailable
from logweir.ids import TenantId
from logweir.limits import DEFAULT_LIMITS
from logweir.pipeline.consume import Ack, Consumer, Retry
from logweir.pipeline.plan import Planner
from logweir.reasons import Burial
from logweir.redact import redact

CHUNK: Final = 25
STEPS_MAX: Final = 500  # of a worker; more means that the backlog does not drain
LIMITS: Final = replace(DEFAULT_LIMITS, attempts_max=3, deliveries_max=4)

SHORT: Final = "call 555-0199"
ANOTHER: Final = "call 555-0100"
LONG: Final = "".join(f"line {i}: call 555-010{i}.\n" + "." for i in range(5))
OTHER_LONG: Final = "".join(f"other {i}: to 555-020{i} !\n" for i in range(5))
POISON: Final = "POISON"
KILLER: Final = "KILLER"


def with_a_chunk_of(kind: str) -> str:
    """A long text whose third chunk does harm."""
    return LONG[: 2 * CHUNK] + kind.ljust(CHUNK, ".") + LONG[3 * CHUNK :]


@dataclass(frozen=True)
class Story:
    """What clients send, and what must have become of each text in the end."""

    logs: Sequence[Envelope]
    buried: Mapping[str, Burial] = field(default_factory=dict)
    conflict: bool = False  # of two texts, whichever comes first is the document
    chunks: bool = True
    message_bytes_max: int = 1 << 20


STORIES: Final = {
    "a short log": Story([a_log(SHORT)]),
    "a short log twice": Story([a_log(SHORT), a_log(SHORT)]),
    "a long log": Story([a_log(LONG)]),
    "a long log twice": Story([a_log(LONG), a_log(LONG)]),
    "a claimed log": Story([a_log(LONG)], message_bytes_max=340),
    "a claimed log twice": Story([a_log(LONG), a_log(LONG)], message_bytes_max=340),
    "a claimed log without chunks": Story([a_log(LONG)], chunks=False, message_bytes_max=340),
    "a conflict": Story([a_log(SHORT), a_log(ANOTHER)], conflict=True),
    "a conflict of a short log with a long one": Story([a_log(SHORT), a_log(LONG)], conflict=True),
    "a conflict of long logs": Story([a_log(LONG), a_log(OTHER_LONG)], conflict=True),
    "a conflict of claimed logs": Story(
        [a_log(LONG), a_log(OTHER_LONG)], conflict=True, message_bytes_max=340
    ),
    "an exhausted log": Story([a_log(POISON)], {POISON: Burial.ATTEMPTS_EXHAUSTED}),
    "an exhausted chunk": Story(
        [a_log(with_a_chunk_of(POISON))],
        {with_a_chunk_of(POISON): Burial.ATTEMPTS_EXHAUSTED},
    ),
    "an exhausted claimed log": Story(
        [a_log(with_a_chunk_of(POISON))],
        {with_a_chunk_of(POISON): Burial.ATTEMPTS_EXHAUSTED},
        chunks=False,
        message_bytes_max=340,
    ),
    "a log that kills": Story([a_log(KILLER)], {KILLER: Burial.CRASH_LOOP}),
    "a chunk that kills": Story(
        [a_log(with_a_chunk_of(KILLER))], {with_a_chunk_of(KILLER): Burial.CRASH_LOOP}
    ),
    "the same log of two tenants": Story([a_log(LONG), a_log(LONG, tenant=GLOBEX)]),
}


class InstantClock(ManualClock):
    """A clock on which every wait is over at once."""

    async def sleep(self, seconds: float) -> None:
        """Move the time on."""
        self._elapsed += seconds
        await asyncio.sleep(0)


class WatchedWork:
    """Work that watches I7 and I8: nothing that is recorded or stored is worked on again."""

    def __init__(self, store: MemoryStore, story: Story) -> None:
        self._store = store
        self._story = story
        self.started: Counter[str] = Counter()
        self.violations: list[str] = []

    async def __call__(self, text: str) -> None:
        """Note what must not be, and do harm where the text says so."""
        self.started[text] += 1
        for key, plan in self._store._plans.items():
            for index in self._store._recorded[key]:
                if plan.chunk(index).text == text and len(self._story.logs) == 1:
                    self.violations.append(f"chunk {index} was recorded, and is worked on again")
        stored = [document.original_text for document in self._store._documents.values()]
        if any(text in original for original in stored) and not self._has_two_tenants():
            self.violations.append(f"{text!r} has its document, and is worked on")
        await asyncio.sleep(0)
        if POISON in text:
            raise ValueError("poison")
        if KILLER in text:
            raise Crash("killed by a log")

    def _has_two_tenants(self) -> bool:
        return len({log.tenant for log in self._story.logs}) > 1


class Run:
    """One story from the clients to the end, with faults."""

    def __init__(self, story: Story, faults: Faults, side_by_side: int = 1) -> None:
        self.story = story
        self.faults = faults
        self.clock = InstantClock()
        self.store = MemoryStore()
        self.broker = SmallBroker(self.clock, story.message_bytes_max)
        self.work = WatchedWork(self.store, story)
        self._side_by_side = side_by_side

    async def to_the_end(self) -> None:
        """Hand over as clients do, then work as workers do."""
        for log in self.story.logs:
            await self._send(log)
        session = await self.broker.session()
        for _ in range(STEPS_MAX):
            if not self.broker.messages:
                return
            try:
                await self._work(session)
            except Crash:
                session.die()
                session = await self.broker.session()
        raise AssertionError(f"it does not drain: {self.broker.messages}")

    async def _send(self, log: Envelope) -> None:
        for _ in range(10):
            try:
                await self._planner().hand_over(log)
            except (Crash, Unavailable):
                continue  # a client without a 202 sends it again
            return
        raise AssertionError("it is never taken")

    async def _work(self, session: MemorySession) -> None:
        claims = await session.claim(self._side_by_side, 1 << 30, 0)
        if not claims:
            await self.clock.sleep(60)
        consumer = self._consumer()
        tasks = [asyncio.create_task(self._settle(session, consumer, claim)) for claim in claims]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _settle(self, session: MemorySession, consumer: Consumer, claim: MemoryClaim) -> None:
        verdict = await consumer.consume(claim.delivery)
        while True:
            try:
                match verdict:
                    case Ack():
                        await self.faults.broker(session).acknowledge(claim)
                    case Retry(after_seconds):
                        await self.faults.broker(session).delay(claim, after_seconds)
            except Unavailable:
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
        return Consumer(
            store=self.faults.store(self.store),
            publisher=self.faults.broker(self.broker),
            planner=self._planner(),
            work=self.work,
            clock=self.clock,
            limits=LIMITS,
        )

    async def assert_all_is_well(self, *, in_turn: bool = True) -> None:
        """I1, I2, I4, I5, and I7 where one delivery is worked on after the other."""
        assert self.broker.messages == {}
        assert self.broker.in_quarantine == []
        assert self.store._plans == {}
        assert self.store._recorded == {}
        if in_turn:
            assert self.work.violations == []
        for tenant in {log.tenant for log in self.story.logs}:
            await self._assert_each_text_has_one_end(tenant)

    async def _assert_each_text_has_one_end(self, tenant: TenantId) -> None:
        texts = {log.text or "" for log in self.story.logs if log.tenant == tenant}
        documents = [document async for document in self.store.documents(tenant)]
        letters = {
            letter.text: letter.reason
            for letter in self.store._letters.values()
            if letter.tenant_id == tenant
        }
        stored = [document.original_text for document in documents]
        assert sorted([*stored, *letters]) == sorted(texts)
        assert all(d.modified_data == redact(d.original_text).text for d in documents)
        if self.story.conflict:
            assert list(letters.values()) == [Burial.CONFLICT]
        else:
            assert letters == self.story.buried


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
async def test_without_a_fault_nothing_is_worked_on_twice(story: Story) -> None:
    run = Run(story, Faults({}))
    await run.to_the_end()
    await run.assert_all_is_well()
    tenants = len({log.tenant for log in story.logs})
    for text, times in run.work.started.items():
        assert times <= tenants or POISON in text or KILLER in text


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
async def test_a_fault_at_any_call_loses_and_doubles_nothing(story: Story, fault: Fault) -> None:
    without = Run(story, Faults({}))
    await without.to_the_end()
    for call in range(without.faults.calls):
        run = Run(story, Faults({call: fault}))
        await run.to_the_end()
        await run.assert_all_is_well()


@pytest.mark.parametrize("faults", list(itertools.product(Fault, repeat=2)), ids=str)
@pytest.mark.parametrize("name", ["a short log", "a claimed log without chunks", "a conflict"])
async def test_two_faults_at_any_two_calls_lose_and_double_nothing(
    name: str, faults: tuple[Fault, Fault]
) -> None:
    without = Run(STORIES[name], Faults({}))
    await without.to_the_end()
    calls = without.faults.calls + 8  # the first fault makes it longer
    for pair in itertools.combinations(range(calls), 2):
        run = Run(STORIES[name], Faults(dict(zip(pair, faults, strict=True))))
        await run.to_the_end()
        await run.assert_all_is_well()


@pytest.mark.parametrize("second", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
async def test_a_long_log_outlives_two_crashes_at_every_third_pair_of_calls(
    second: Fault,
) -> None:
    story = STORIES["a claimed log"]
    without = Run(story, Faults({}))
    await without.to_the_end()
    pairs = list(itertools.combinations(range(without.faults.calls + 8), 2))
    for pair in pairs[::3]:
        run = Run(story, Faults(dict(zip(pair, (Fault.CRASH_AFTER, second), strict=True))))
        await run.to_the_end()
        await run.assert_all_is_well()


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
async def test_a_worker_that_dies_with_all_in_flight_loses_and_doubles_nothing(
    story: Story,
) -> None:
    without = Run(story, Faults({}), side_by_side=100)
    await without.to_the_end()
    await without.assert_all_is_well(in_turn=False)
    for call in range(without.faults.calls):
        for fault in (Fault.CRASH_BEFORE, Fault.UNKNOWN):
            run = Run(story, Faults({call: fault}), side_by_side=100)
            await run.to_the_end()
            await run.assert_all_is_well(in_turn=False)


@pytest.mark.parametrize("seed", range(40))
async def test_many_faults_at_random_lose_and_double_nothing(seed: int) -> None:
    draw = random.Random(seed)
    story = draw.choice([story for story in STORIES.values() if not story.buried])
    kinds = [Fault.REFUSED, Fault.UNKNOWN]
    faults = Faults(lambda _: draw.choice(kinds) if draw.random() < 0.2 else None)
    run = Run(story, faults, side_by_side=draw.choice([1, 3, 100]))
    await run.to_the_end()
    await run.assert_all_is_well(in_turn=False)


def test_every_long_text_of_these_stories_has_five_chunks_of_its_own() -> None:
    for text in (LONG, OTHER_LONG, with_a_chunk_of(POISON)):
        assert len({text[i : i + CHUNK] for i in range(0, len(text), CHUNK)}) == 5
    assert {log.tenant for story in STORIES.values() for log in story.logs} == {ACME, GLOBEX}
