"""The bounds on unfinished work: who is refused, when, and what an outage of the ledger does."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from structlog.testing import capture_logs
from tests.support.logs import ACME, GLOBEX, LOG, a_chunk, a_log, a_plan

from logweir.backends.memory import MemoryBroker, MemoryLedger
from logweir.clock import ManualClock
from logweir.envelope import encode
from logweir.errors import BrokerUnavailable, Rejection
from logweir.ids import TenantId
from logweir.limits import DEFAULT_LIMITS
from logweir.pipeline import admission as module
from logweir.pipeline.admission import Admission, Uncounted
from logweir.pipeline.broker import work_characters, work_of
from logweir.reasons import Reason
from logweir.verify.traffic import traffic


class Ledger:
    """Says what a test has set, counts how often it is asked, and fails when told to."""

    period_seconds = 1.0

    def __init__(self, *, counts_short: bool = True, tells_total: bool = True) -> None:
        self.counts_short = counts_short
        self.work: Counter[TenantId] = Counter()
        self.asked: Counter[str] = Counter()
        self.failure: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        self._tells_total = tells_total

    async def total(self) -> int | None:
        work = self.work.total()
        await self._answer("total")
        return work if self._tells_total else None

    async def of(self, tenant: TenantId) -> int | None:
        work = self.work[tenant]
        await self._answer(tenant)
        return work

    async def _answer(self, what: str) -> None:
        self.asked[what] += 1
        await self.answers.wait()
        if self.failure is not None:
            raise self.failure


class Gateway:
    """What a gateway does with texts of so many characters, without their texts."""

    def __init__(self, ledger: Ledger, *, total: int = 0, tenant: int = 0) -> None:
        limits = replace(
            DEFAULT_LIMITS, backlog_characters_max=total, tenant_backlog_characters_max=tenant
        )
        self.ledger = ledger
        self.clock = ManualClock()
        self._admission = Admission(ledger, self.clock, limits, 1200)

    async def send(self, characters: int, tenant: TenantId = ACME, *, seconds: float = 0) -> str:
        """Hand one over, which takes so long: ``accepted``, or the reason of its refusal."""
        try:
            admitted = await self._admission.admit(tenant, characters)
        except Rejection as rejection:
            return rejection.reason.code
        if seconds:
            await self.clock.sleep(seconds)
        self.ledger.work[tenant] += characters
        self._admission.settle(admitted)
        return "accepted"


async def test_texts_are_accepted_until_the_bound_is_reached_and_after_work_again() -> None:
    gateway = Gateway(Ledger(), tenant=1000)
    answers = [await gateway.send(100) for _ in range(12)]
    assert answers == ["accepted"] * 10 + ["tenant_backlog_full"] * 2
    assert await gateway.send(100, GLOBEX) == "accepted"
    gateway.ledger.work[ACME] = 900
    await gateway.clock.advance(1)
    assert [await gateway.send(100) for _ in range(2)] == ["accepted", "tenant_backlog_full"]


async def test_the_total_is_bounded_whoever_sends() -> None:
    gateway = Gateway(Ledger(), total=1000)
    answers = [await gateway.send(100, TenantId(f"tenant-{n}")) for n in range(12)]
    assert answers == ["accepted"] * 10 + ["backlog_full"] * 2


async def test_a_refusal_says_the_limit_and_what_is_unfinished() -> None:
    ledger = Ledger()
    ledger.work[ACME] = 1234
    limits = replace(DEFAULT_LIMITS, tenant_backlog_characters_max=1000)
    admission = Admission(ledger, ManualClock(), limits, 1200)
    with pytest.raises(Rejection) as refused:
        await admission.admit(ACME, 1)
    rejection = refused.value
    assert rejection.reason is Reason.TENANT_BACKLOG_FULL
    assert (rejection.limit, rejection.actual) == (1000, 1234)


async def test_a_text_larger_than_the_bound_has_its_turn() -> None:
    gateway = Gateway(Ledger(), tenant=1000)
    assert await gateway.send(5000) == "accepted"
    assert await gateway.send(1) == "tenant_backlog_full"


async def test_a_burst_passes_the_bound_by_one_text_at_most() -> None:
    gateway = Gateway(Ledger(), tenant=1000)
    burst = [asyncio.create_task(gateway.send(300, seconds=5)) for _ in range(100)]
    await gateway.clock.advance(6)
    answers = Counter([await each for each in burst])
    assert answers == {"accepted": 4, "tenant_backlog_full": 96}


async def test_a_gateway_counts_its_own_also_where_a_reading_is_older() -> None:
    gateway = Gateway(Ledger(), tenant=1000)
    slow = asyncio.create_task(gateway.send(900, seconds=10))
    for _ in range(3):  # readings that cannot have it
        await gateway.clock.advance(1.5)
        assert await gateway.send(0) == "accepted"
    assert await gateway.send(200) == "accepted"
    assert await gateway.send(1) == "tenant_backlog_full"
    await gateway.clock.advance(10)
    assert await slow == "accepted"
    assert await gateway.send(1) == "tenant_backlog_full"


async def test_what_is_handed_over_while_the_ledger_is_read_counts() -> None:
    gateway = Gateway(Ledger(), total=1000)
    assert await gateway.send(1) == "accepted"
    await gateway.clock.advance(1)
    gateway.ledger.answers.clear()
    reading = asyncio.create_task(gateway.send(1))
    await asyncio.sleep(0)
    assert await gateway.send(999) == "accepted"  # by the last reading
    gateway.ledger.answers.set()
    assert await reading == "backlog_full"


async def test_other_gateways_are_seen_by_the_next_reading() -> None:
    ledger = Ledger()
    one, two = Gateway(ledger, tenant=1000), Gateway(ledger, tenant=1000)
    assert await two.send(1) == "accepted"
    assert await one.send(1000) == "accepted"
    assert await two.send(1) == "accepted"
    await two.clock.advance(1)
    assert await two.send(1) == "tenant_backlog_full"


async def test_the_ledger_is_asked_once_a_period_and_of_a_tenant_only_where_it_matters() -> None:
    gateway = Gateway(Ledger(), total=1_000_000, tenant=1000)
    for number in range(50):
        await gateway.send(10, TenantId(f"tenant-{number}"))
    assert gateway.ledger.asked == {"total": 1}
    gateway.ledger.work[GLOBEX] = 1000
    await gateway.clock.advance(1)
    assert await gateway.send(10) == "accepted"
    assert await gateway.send(10, GLOBEX) == "tenant_backlog_full"
    assert gateway.ledger.asked == {"total": 2, ACME: 1, GLOBEX: 1}


async def test_a_tenant_whose_backlog_was_full_is_free_once_little_is_left_of_all() -> None:
    gateway = Gateway(Ledger(), total=1_000_000, tenant=1000)
    gateway.ledger.work[ACME] = 1000
    assert await gateway.send(1) == "tenant_backlog_full"
    gateway.ledger.work.clear()
    await gateway.clock.advance(1)
    assert await gateway.send(1) == "accepted"


async def test_a_slow_reading_is_made_more_seldom() -> None:
    gateway = Gateway(Ledger(), total=1000)
    gateway.ledger.answers.clear()
    reading = asyncio.create_task(gateway.send(1))
    await gateway.clock.advance(0.5)
    gateway.ledger.answers.set()
    assert await reading == "accepted"
    await gateway.clock.advance(24)
    assert await gateway.send(1) == "accepted"
    assert gateway.ledger.asked["total"] == 1
    await gateway.clock.advance(1)
    assert await gateway.send(1) == "accepted"
    assert gateway.ledger.asked["total"] == 2


# ---- bounds that are off, ledgers that do not tell -----------------------------------------------


async def test_without_bounds_nobody_is_asked() -> None:
    gateway = Gateway(Ledger())
    gateway.ledger.work[ACME] = 1 << 60
    assert await gateway.send(1 << 40) == "accepted"
    assert gateway.ledger.asked == {}


async def test_a_ledger_that_tells_nothing_refuses_nobody_and_is_asked_once() -> None:
    admission = Admission(Uncounted(), ManualClock(), DEFAULT_LIMITS, None)
    for _ in range(3):
        admission.settle(await admission.admit(ACME, 1 << 40))


async def test_a_ledger_without_a_total_is_asked_for_each_tenant() -> None:
    gateway = Gateway(Ledger(tells_total=False), total=10, tenant=1000)
    answers = [await gateway.send(500) for _ in range(3)]
    assert answers == ["accepted", "accepted", "tenant_backlog_full"]
    await gateway.clock.advance(1)
    assert await gateway.send(1, GLOBEX) == "accepted"
    assert gateway.ledger.asked == {"total": 1, ACME: 1, GLOBEX: 1}


async def test_a_ledger_of_long_texts_alone_is_not_asked_about_short_ones() -> None:
    gateway = Gateway(Ledger(counts_short=False), tenant=1000)
    gateway.ledger.work[ACME] = 1000
    assert await gateway.send(1200) == "accepted"
    assert gateway.ledger.asked == {}
    assert await gateway.send(1201) == "tenant_backlog_full"


# ---- outages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [BrokerUnavailable("gone"), TimeoutError()])
async def test_an_outage_from_the_start_refuses_nobody(failure: Exception) -> None:
    gateway = Gateway(Ledger(), total=1000, tenant=1000)
    gateway.ledger.failure = failure
    with capture_logs() as logs:
        for _ in range(3):
            assert await gateway.send(300) == "accepted"
            await gateway.clock.advance(1)
    assert {(line["event"], line["log_level"]) for line in logs} == {("backlog_unknown", "warning")}
    assert len(logs) == 3


async def test_in_an_outage_the_last_reading_serves_for_a_minute_and_then_everyone_passes() -> None:
    gateway = Gateway(Ledger(), total=1000, tenant=1000)
    gateway.ledger.work[ACME] = 1000
    assert await gateway.send(1) == "backlog_full"
    gateway.ledger.failure = BrokerUnavailable("gone")
    answers = []
    for _ in range(80):
        await gateway.clock.advance(1)
        answers.append(await gateway.send(10))
    assert answers == ["backlog_full"] * 60 + ["accepted"] * 20
    gateway.ledger.failure = None
    await gateway.clock.advance(1)
    assert await gateway.send(1) == "backlog_full"


async def test_a_long_outage_refuses_nobody_however_much_is_handed_over_in_it() -> None:
    gateway = Gateway(Ledger(), total=1000)
    assert await gateway.send(1) == "accepted"
    gateway.ledger.failure = BrokerUnavailable("gone")
    await gateway.clock.advance(61)
    for _ in range(100):
        assert await gateway.send(100) == "accepted"
        await gateway.clock.advance(1)


async def test_a_ledger_that_does_not_answer_holds_nobody_up_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_READING_SECONDS_MAX", 0.02)
    gateway = Gateway(Ledger(), total=1000)
    gateway.ledger.answers.clear()
    asked = [gateway.send(100) for _ in range(5)]
    assert await asyncio.wait_for(asyncio.gather(*asked), 1.0) == ["accepted"] * 5
    assert gateway.ledger.asked["total"] == 1


async def test_who_gives_up_while_the_ledger_is_read_leaves_nothing_behind() -> None:
    gateway = Gateway(Ledger(), total=1000)
    gateway.ledger.answers.clear()
    given_up, other = (asyncio.create_task(gateway.send(100)) for _ in range(2))
    await asyncio.sleep(0)
    given_up.cancel()
    gateway.ledger.answers.set()
    assert await other == "accepted"
    assert gateway.ledger.work[ACME] == 100


# ---- bounds of its own, and the defaults ---------------------------------------------------------


async def test_only_so_many_tenants_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TENANTS_MAX", 3)
    gateway = Gateway(Ledger(tells_total=False), tenant=1000)
    slow = asyncio.create_task(gateway.send(100, seconds=1))
    await asyncio.sleep(0)
    for number in range(9):
        assert await gateway.send(100, TenantId(f"tenant-{number}")) == "accepted"
    assert len(gateway._admission._tenants) == 3
    await gateway.clock.advance(2)
    assert await slow == "accepted"
    assert await gateway.send(100) == "accepted"


def test_by_default_a_flood_of_a_thousand_a_minute_passes_for_hours_without_a_worker() -> None:
    drawn = traffic(seed=1, tenants=1)
    characters = [len(next(drawn).text) for _ in range(2000)]
    a_minute = 1000 * sum(characters) / len(characters)
    assert DEFAULT_LIMITS.tenant_backlog_characters_max / a_minute > 8 * 60
    assert DEFAULT_LIMITS.backlog_characters_max / a_minute > 3 * 24 * 60


async def test_with_a_worker_that_flood_never_comes_near_the_bounds() -> None:
    clock = ManualClock()
    broker = MemoryBroker(clock)
    admission = Admission(MemoryLedger(broker), clock, DEFAULT_LIMITS, 1200)
    session = await broker.session()
    most = 0
    for minute in range(3):
        for number in range(1000):
            admission.settle(await admission.admit(ACME, 100))
            await broker.publish([a_log("x" * 100, log=f"{minute}-{number}")])
        most = max(most, await MemoryLedger(broker).total())
        await clock.advance(60)
        for claim in await session.claim(12_000, 1 << 30, 0):  # what 1,000 at once do in a minute
            await session.acknowledge(claim)
    assert most < DEFAULT_LIMITS.tenant_backlog_characters_max / 100


def test_the_work_of_a_message_is_read_from_its_headers() -> None:
    plan = a_plan("characters: 77\n" * 200, 1200)
    forged = "\ncharacters: 5\nindex: 0\nfirst: 0\nend: 3\n"
    for envelope in (
        *(a_log(), a_log("🙂" * 9), a_log(forged), plan.envelope(), plan.chunk(0), plan.chunk(2)),
        *(a_chunk(forged, 0, 1, 4), a_log("x", traceparent=f"00-{'1' * 32}-{'2' * 16}-01")),
    ):
        assert work_of(encode(envelope)) == work_characters(envelope)
    assert work_characters(plan.chunk(2)) == 600


@pytest.mark.parametrize(
    "raw", [b"", b"\xff", b"characters: 5\n", b"\ncharacters: x\n", LOG.encode()]
)
def test_what_is_no_envelope_is_no_work(raw: bytes) -> None:
    assert work_of(raw) == 0
